// Which requests does a path of a rule mean? Gives the path as the router compares it, with its type.
//
// Invariant: an Exact or Prefix path that comes out is spelled as a request's path is when it is matched (../path.ts), so
// every spelling of the rule means the same; what no request can ever match is refused instead of kept as a rule that looks
// alive. Every application reads it alike, which is what ../ambiguity.ts rests on.
// Invariant: a Prefix path has no trailing slash, since Kubernetes ignores it: `/a` and `/a/` are one rule.

import type { Condition } from '../conditions/condition.ts'
import { normalisePath, readingsOf, spellPath } from '../path.ts'
import { compilePattern } from '../pattern.ts'
import { isAbsent, type Report, shown } from '../shapes.ts'
import type { PathType } from '../table.ts'
import { spellPattern } from './path-pattern.ts'
import { asPattern, asPrefix, hasWildcards } from './path-wildcards.ts'

export interface RulePath {
  readonly path: string
  readonly pathType: PathType
  /** What else must hold of the path. */
  readonly condition?: Condition
}

/** How the paths of an Ingress are meant. */
export interface PathModes {
  /** Prefix and ImplementationSpecific paths are patterns. */
  readonly useRegex: boolean
  /** A `*` at the end of a path that is no pattern makes it a prefix. Absent: it stands for itself. */
  readonly pathWildcards?: boolean
}

/** Longer than any request line that is accepted (414 above 16 KiB) helps nobody. */
const maxPathLength = 4096

const classRemedy =
  'Write the escape outside of [], as in (?:%C3%A9|%C3%A8); patterns see a path with everything escaped that RFC 3986 does not allow in it.'

const regexRemedy =
  'Write it in RE2 syntax (no look-around, no back-references), or remove use-regex to match literally.'

// RFC 3986 §3.3 pchar and `/`; `%` is looked at apart.
const plainCharacters = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const controlCharacters = /[\u0000-\u001f\u007f]/

/** Reads path and pathType of a rule; undefined when the path was refused and reported. */
export function parseRulePath(
  path: unknown,
  pathType: unknown,
  { useRegex, pathWildcards = false }: PathModes,
  field: string,
  report: Report,
): RulePath | undefined {
  const type = parsePathType(pathType, useRegex)
  if (type === undefined) {
    report(
      'invalid-path',
      `${field}.pathType`,
      `The pathType ${shown(pathType)} is unknown.`,
      'Use Exact, Prefix or ImplementationSpecific.',
    )
    return undefined
  }
  const refuse = (what: string, remedy: string): undefined => {
    report('invalid-path', `${field}.path`, `The path ${shown(path)} ${what}.`, remedy)
  }
  if (isAbsent(path) || path === '') return { path: '/', pathType: type }
  if (typeof path !== 'string') return refuse('is not text', 'Write the path as text.')
  if (pathWildcards && type !== 'Regex' && hasWildcards(path)) {
    const prefix = asPrefix(path)
    if (prefix !== undefined) {
      return parseRulePath(prefix, 'Prefix', { useRegex: false }, field, report)
    }
    return refuse('has wildcards that are not its last segment alone', patternRemedy(path))
  }
  if (!path.startsWith('/')) {
    const remedy =
      path === '*'
        ? 'Write / with pathType Prefix, which means every path.'
        : 'Begin the path with /.'
    return refuse('does not begin with /', remedy)
  }
  if (path.length > maxPathLength) {
    return refuse(`is longer than ${maxPathLength} characters`, 'Use a shorter path.')
  }
  if (controlCharacters.test(path)) return refuse('has control characters', 'Remove them.')
  if (type === 'Regex') {
    const pattern = spellPattern(path)
    if (pattern === undefined) {
      return refuse('has a character in [] that paths hold only as an escape', classRemedy)
    }
    const result = compilePattern(pattern)
    if (result.ok) return { path: pattern, pathType: type }
    return refuse(`cannot be used as a regular expression: ${result.reason}`, regexRemedy)
  }
  const literal = encodeUnicode(path)
  const wrong = whatIsWrong(literal)
  if (wrong !== undefined) return refuse(wrong.what, wrong.remedy)
  const spelled = spellPath(literal)
  const { matched, lenient } = readingsOf(spelled) ?? { matched: spelled, lenient: spelled }
  if (normalisePath(spelled) !== spelled) {
    return refuse(
      'has a . or .. segment, which no request has when it is matched',
      'Write the path that it leads to.',
    )
  }
  if (lenient !== matched) {
    return refuse(
      `is ${shown(lenient)} for applications that cut parameters or decode more than others`,
      'Write a path that all read alike: without ; and without escapes of / \\ % ? #.',
    )
  }
  if (path.includes('*')) reportLiteral(path, type, field, report)
  return { path: type === 'Prefix' ? withoutTrailingSlash(matched) : matched, pathType: type }
}

/** What was written for another controller looks alive here and gets no request. */
function reportLiteral(path: string, type: PathType, field: string, report: Report): void {
  const below = type === 'Prefix' ? ' and for paths below it' : ''
  const prefix = asPrefix(path)
  const remedy =
    prefix === undefined
      ? patternRemedy(path)
      : `Write ${prefix} with pathType Prefix, or set weir.dev/path-wildcards: "true"; a * that is meant is %2A.`
  report(
    'invalid-path',
    `${field}.path`,
    `The path ${shown(path)} is taken literally: it gets only requests for exactly this path${below}, with the *.`,
    remedy,
  )
}

function patternRemedy(path: string): string {
  return `Write ${asPattern(path)} with pathType ImplementationSpecific and weir.dev/use-regex: "true"; a * that is meant is %2A.`
}

/** ImplementationSpecific, and nothing, mean Prefix. Exact stays literal on an Ingress with regular expressions. */
function parsePathType(value: unknown, useRegex: boolean): PathType | undefined {
  if (value === 'Exact') return 'Exact'
  const isPrefix =
    isAbsent(value) || value === '' || value === 'Prefix' || value === 'ImplementationSpecific'
  if (!isPrefix) return undefined
  return useRegex ? 'Regex' : 'Prefix'
}

/** Writes what is not ASCII as browsers send it: percent-encoded UTF-8. */
function encodeUnicode(path: string): string {
  // A lone surrogate has no UTF-8 form; encodeURIComponent would throw.
  return path.replace(/[\u0080-\u{10ffff}]+/gu, (text) => encodeURIComponent(text.toWellFormed()))
}

function whatIsWrong(path: string): { what: string; remedy: string } | undefined {
  if (!plainCharacters.test(path)) {
    return {
      what: 'has characters that no URL path holds',
      remedy:
        'Percent-encode them; for a regular expression set nginx.ingress.kubernetes.io/use-regex: "true" and pathType ImplementationSpecific.',
    }
  }
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) {
    return { what: 'has a % that begins no percent code', remedy: 'Write a literal % as %25.' }
  }
  // The API server refuses these two for Exact and Prefix.
  if (path.includes('//')) return { what: 'has //', remedy: 'Write one / between segments.' }
  if (/%2f/i.test(path)) {
    return { what: 'has an encoded slash', remedy: 'Split the path at a plain /.' }
  }
  return undefined
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
