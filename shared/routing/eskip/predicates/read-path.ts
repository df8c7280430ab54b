// Which requests does a path of Skipper's mean? `:name` stands for one segment, `*name` or `**` at the end for one or more.
//
// Invariant: what comes out is spelled as a request's path is when it is matched (../../path.ts).
import { decodePlain, normalisePath, readingsOf, spellPath } from '../../path.ts'
import { type Wish, type Wrong, wrong } from './predicate.ts'

const maxLength = 4096
const free = /^\*/

/** Reads the argument of Path. */
export function readPath(text: string): Wish | Wrong {
  const segments = segmentsOf(text)
  if ('wrong' in segments) return segments
  const { texts, hasWildcards } = segments
  return { weight: 0, pathType: hasWildcards ? 'Pattern' : 'Exact', path: `/${texts.join('/')}` }
}

/** Reads the argument of PathSubtree: a slash at its end, or a free wildcard, says nothing more. */
export function readSubtree(text: string): Wish | Wrong {
  const segments = segmentsOf(text)
  if ('wrong' in segments) return segments
  const { texts, hasWildcards } = segments
  const kept = texts.at(-1) === '' ? texts.slice(0, -1) : texts
  const path = `/${kept.join('/')}`
  return { weight: 0, pathType: hasWildcards ? 'PatternPrefix' : 'Prefix', path }
}

/** Gives the path of the subtree in which all paths are that a text may mean, whatever is wrong with it. */
export function knownSubtree(text: string): string {
  const texts: string[] = []
  for (const piece of text.slice(0, maxLength).replace(/^\//, '').split('/')) {
    const literal = piece === '' || isWildcard(piece) ? undefined : literalOf(piece)
    if (literal === undefined) break
    texts.push(literal)
  }
  return `/${texts.join('/')}`
}

interface Segments {
  readonly texts: readonly string[]
  readonly hasWildcards: boolean
}

function segmentsOf(text: string): Segments | Wrong {
  const shown = JSON.stringify(text)
  if (!text.startsWith('/')) {
    return wrong(`has the path ${shown}, which does not begin with /`, 'Begin the path with /.')
  }
  if (text.length > maxLength) {
    return wrong(`has a path of more than ${maxLength} characters`, 'Use a shorter path.')
  }
  const texts: string[] = []
  const pieces = text.slice(1).split('/')
  for (const [at, piece] of pieces.entries()) {
    const isLast = at === pieces.length - 1
    if (free.test(piece) && !isLast) {
      return wrong(
        `has the path ${shown}, in which ${piece} is not the last segment`,
        'Put it at the end.',
      )
    }
    if (piece === '' && !isLast) {
      return wrong(`has the path ${shown} with //`, 'Write one / between segments.')
    }
    if (isWildcard(piece)) texts.push(piece === '*' ? '**' : piece)
    else {
      const literal = literalOf(piece)
      if (literal === undefined) {
        return wrong(
          `has the path ${shown}, which no request has when it is matched`,
          'Write a path without . and .. segments, controls and backslashes.',
        )
      }
      texts.push(literal)
    }
  }
  return { texts, hasWildcards: texts.some(isWildcard) }
}

function isWildcard(segment: string): boolean {
  return (segment.startsWith(':') && segment.length > 1) || free.test(segment)
}

/** Spells a segment as requests have it; undefined when none can. */
function literalOf(segment: string): string | undefined {
  const bytes = Buffer.from(segment.toWellFormed(), 'utf8').toString('latin1')
  // What is no part of a path stands for itself, decoded as Skipper compares it.
  const escaped = bytes.replace(
    /[^!$&-;=@-Z_a-z~]/g,
    (raw) => `%${raw.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
  )
  const path = `/${spellPath(escaped)}`
  if (normalisePath(path) !== path) return undefined
  return decodePlain(readingsOf(path)?.matched ?? path).slice(1)
}
