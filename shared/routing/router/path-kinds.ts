// Which of two paths that both mean a request goes before the other? The one that says more, segment by segment from the left:
// a text before any one segment, that before any rest, and a route without a path last (Skipper's tree of paths).
import type { PathType } from '../table.ts'
import { withoutSlash } from './build-tree.ts'

const literal = 'a'
const single = 'b'
const rest = 'c'
const none = 'd'

/** Gives a text for a path; of two that mean the same request the one whose text sorts first goes before the other. */
export function pathKinds(pathType: PathType, path: string): string {
  if (pathType === 'Any') return none
  // A pattern of nginx is ordered by its length, among the rules of its own host.
  if (pathType === 'Regex') return rest
  const isSubtree = pathType === 'Prefix' || pathType === 'PatternPrefix'
  const isPattern = pathType === 'Pattern' || pathType === 'PatternPrefix'
  const segments = segmentsOf(isSubtree ? withoutSlash(path) : path)
  const kinds = segments.map((segment) => (isPattern ? kindOf(segment) : literal)).join('')
  return isSubtree && !kinds.endsWith(rest) ? kinds + rest : kinds
}

/** Gives one text for all matches of a host between which weights and conditions decide: names of wildcards say nothing. */
export function pathPlace({
  pathType,
  path,
}: {
  readonly pathType: PathType
  readonly path: string
}): string {
  if (pathType === 'Any' || pathType === 'Regex') return `${pathType} ${path}`
  const isPattern = pathType === 'Pattern' || pathType === 'PatternPrefix'
  const isSubtree = pathType === 'Prefix' || pathType === 'PatternPrefix'
  const texts: string[] = []
  for (const segment of segmentsOf(isSubtree ? withoutSlash(path) : path)) {
    if (isPattern && isRest(segment)) return `rest ${texts.join('/')}`
    texts.push(isPattern && isSingle(segment) ? ':' : `/${segment}`)
  }
  return `${isSubtree ? 'rest' : 'exact'} ${texts.join('/')}`
}

/** The segments of a path: none of an empty text, one that is empty of `/`. */
export function segmentsOf(path: string): string[] {
  return path === '' ? [] : path.slice(1).split('/')
}

/** Tells whether a segment of a pattern stands for any one. */
export function isSingle(segment: string): boolean {
  return segment.startsWith(':') && segment.length > 1
}

/** Tells whether a segment of a pattern stands for all that follows. */
export function isRest(segment: string): boolean {
  return segment.startsWith('*')
}

function kindOf(segment: string): string {
  if (isRest(segment)) return rest
  return isSingle(segment) ? single : literal
}
