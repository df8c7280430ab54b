// How are the regular expressions that users write compiled and matched? The only import of re2js.
// Those in paths are case-insensitive and anchored at the start only, as nginx compiles `location ~* "^…"`: compilePattern.
// Those in conditions are case-sensitive and match anywhere, as Go and RE2 do: compileSearch.
//
// Invariant: matching is linear in the text (RE2 has no backtracking), and the factor is bounded by the program's size:
// no pattern, however hostile, holds up other requests (ReDoS). Only idioms that cannot backtrack go to another engine.
import { RE2JS } from 're2js'

const maxLength = 512
// A path of 8 KiB against a program of this size takes some 30 ms at worst; patterns in use have 10 to 60 instructions.
const maxProgramSize = 300
// A field may be as long as a head (64 KiB): some 0.2 s at worst, for a hostile pattern and a hostile client together.
const maxSearchProgramSize = 100

/** A compiled pattern. */
export interface Pattern {
  /** Says whether the text begins with a match. */
  test(text: string): boolean
  /** Finds the groups of a match at the text's begin: [0] is all of it, a group that took no part is empty. */
  groups(text: string): readonly string[] | undefined
  readonly groupCount: number
}

/** Either a pattern or the reason, in words for its author, why the text is none. */
export type PatternResult =
  | { readonly ok: true; readonly pattern: Pattern }
  | { readonly ok: false; readonly reason: string }

/** Says whether a text has a match anywhere. */
export type Search = (text: string) => boolean

/** Either a search or the reason, in words for its author, why the text is no pattern. */
export type SearchResult =
  | { readonly ok: true; readonly search: Search }
  | { readonly ok: false; readonly reason: string }

// The idioms of ingress-nginx: literal text, then perhaps `(/|$)`, `(/)?` or `/?`, then perhaps `(.*)`, then perhaps `$`.
const idiom = /^(?:[\w/~%@:-]|\\?\.)*(?:\(\/\|\$\)|\(\/\)\?|\/\?)?(?:\(\.\*\))?\$?$/

// Literal texts, one or several, each or all of them perhaps anchored.
const literal = String.raw`(?:[\w ~%@:/,;=&"'<>!#-]|\\[!-/:-@[-\`{-~])*`
const literals = String.raw`\^?${literal}\$?(?:\|\^?${literal}\$?)*`
const searchIdiom = new RegExp(String.raw`^(?:${literals}|\^?\((?:\?:)?${literals}\)\$?)$`)

/** Compiles an RE2 pattern. Look-around, back-references and possessive or atomic groups of PCRE do not exist in RE2. */
export function compilePattern(text: string): PatternResult {
  if (text.length > maxLength) {
    return { ok: false, reason: `the pattern is longer than ${maxLength} characters` }
  }
  return idiom.test(text) ? compileIdiom(text) : compileAny(text)
}

/**
 * Compiles an idiom for the engine of JavaScript: without repetition but in its last group there is nothing to backtrack
 * over, and it takes 55 ns instead of 1.8 µs (bench/micro/pattern.bench.ts). compileAny is its oracle in the test.
 */
function compileIdiom(text: string): PatternResult {
  // RE2's `.` is every char but a line feed; JavaScript's leaves out more.
  const compiled = new RegExp(`^${text.replace(/(?<!\\)\./g, '[^\\n]')}`, 'i')
  return {
    ok: true,
    pattern: {
      groupCount: text.split('(').length - 1,
      test: (path) => compiled.test(path),
      groups: (path) => compiled.exec(path)?.map((group: string | undefined) => group ?? ''),
    },
  }
}

/** Compiles any pattern with RE2. */
export function compileAny(text: string): PatternResult {
  const compiled = compileRe2(text, RE2JS.CASE_INSENSITIVE, maxProgramSize)
  if (typeof compiled === 'string') return { ok: false, reason: compiled }
  const groupCount = compiled.groupCount()
  return {
    ok: true,
    pattern: {
      groupCount,
      test: (path) => compiled.matcher(path).lookingAt(),
      groups: (path) => {
        const matcher = compiled.matcher(path)
        if (!matcher.lookingAt()) return undefined
        return Array.from({ length: groupCount + 1 }, (_, index) => matcher.group(index) ?? '')
      },
    },
  }
}

/** Compiles an RE2 pattern that is looked for anywhere in a text, with case: `^` and `$` anchor it, `(?i)` ignores case. */
export function compileSearch(text: string): SearchResult {
  if (text.length > maxLength) {
    return { ok: false, reason: `the pattern is longer than ${maxLength} characters` }
  }
  if (!searchIdiom.test(text)) return compileAnySearch(text)
  // The engine of JavaScript: literals have nothing to backtrack over, and 1.4 µs become 50 ns (pattern.bench.ts).
  const compiled = new RegExp(text)
  return { ok: true, search: (value) => compiled.test(value) }
}

/** Compiles any pattern with RE2; the oracle of compileSearch. */
export function compileAnySearch(text: string): SearchResult {
  const compiled = compileRe2(text, 0, maxSearchProgramSize)
  if (typeof compiled === 'string') return { ok: false, reason: compiled }
  return { ok: true, search: (value) => compiled.test(value) }
}

/** Finds the groups of the first match anywhere in a text: [0] is all of it, a group that took no part is empty. */
export type Find = (text: string) => readonly string[] | undefined

/** Compiles an RE2 pattern as compileSearch does, for who needs its groups. */
export function compileFind(
  text: string,
): { readonly ok: true; readonly find: Find } | { readonly ok: false; readonly reason: string } {
  if (text.length > maxLength) {
    return { ok: false, reason: `the pattern is longer than ${maxLength} characters` }
  }
  const compiled = compileRe2(text, 0, maxSearchProgramSize)
  if (typeof compiled === 'string') return { ok: false, reason: compiled }
  const groupCount = compiled.groupCount()
  return {
    ok: true,
    find(value) {
      const matcher = compiled.matcher(value)
      if (!matcher.find()) return undefined
      return Array.from({ length: groupCount + 1 }, (_, index) => matcher.group(index) ?? '')
    },
  }
}

/** Compiles with RE2; the reason in words when the text is no pattern or too costly to match. */
function compileRe2(text: string, flags: number, maxSize: number): RE2JS | string {
  try {
    const compiled = RE2JS.compile(text, flags)
    return compiled.programSize() > maxSize
      ? 'the pattern is too complex (repetitions multiply)'
      : compiled
  } catch (cause) {
    return cause instanceof Error ? cause.message : 'not a pattern'
  }
}

/** Replaces all matches in a text. */
export type Replace = (text: string) => string

/** Either a replacement of all matches or the reason, in words for its author, why there is none. */
export type ReplaceResult =
  | { readonly ok: true; readonly replace: Replace }
  | { readonly ok: false; readonly reason: string }

/**
 * Compiles an RE2 pattern whose matches anywhere in a text are all replaced, as Go's regexp.ReplaceAllString does: `$1`, `${1}`,
 * `$name` and `${name}` in `replacement` are groups (those that there are not are empty), `$$` is a dollar sign. A result that
 * is longer than the text and than `mostMade` chars throws a RangeError: a short text may have a long replacement many times.
 */
export function compileReplaceAll(
  text: string,
  replacement: string,
  mostMade = 64 << 10,
): ReplaceResult {
  if (text.length > maxLength) {
    return { ok: false, reason: `the pattern is longer than ${maxLength} characters` }
  }
  const compiled = compileRe2(text, 0, maxProgramSize)
  if (typeof compiled === 'string') return { ok: false, reason: compiled }
  const parts = readReplacement(replacement, compiled)
  const [only, ...others] = parts.filter((part) => part !== '')
  if (text !== '' && isLiteralPattern(text) && others.length === 0 && typeof only !== 'number') {
    const growth = Math.max(1, (only ?? '').length / text.length)
    return {
      ok: true,
      replace: (value) =>
        value.length * growth > mostMade
          ? replaceAll(compiled, parts, value, mostMade)
          : value.replaceAll(text, () => only ?? ''),
    }
  }
  return { ok: true, replace: (value) => replaceAll(compiled, parts, value, mostMade) }
}

function replaceAll(
  compiled: RE2JS,
  parts: readonly (string | number)[],
  text: string,
  mostMade: number,
): string {
  const most = Math.max(text.length, mostMade)
  const matcher = compiled.matcher(text)
  let made = ''
  let end = 0
  let isFirst = true
  while (matcher.find()) {
    // Go: an empty match right behind the match before it is none.
    const isEmpty = matcher.start() === matcher.end()
    if (isEmpty && !isFirst && matcher.start() === end) continue
    isFirst = false
    made += text.slice(end, matcher.start())
    for (const part of parts) made += typeof part === 'string' ? part : (matcher.group(part) ?? '')
    end = matcher.end()
    if (made.length > most)
      throw new RangeError(`replacing makes a text of more than ${most} chars`)
  }
  return made + text.slice(end)
}

/** Splits a replacement into its texts and group numbers. */
function readReplacement(replacement: string, compiled: RE2JS): readonly (string | number)[] {
  const names = compiled.namedGroups()
  const parts: (string | number)[] = []
  let end = 0
  for (const match of replacement.matchAll(/\$(?:\$|(\w+)|\{(\w+)\})/g)) {
    parts.push(replacement.slice(end, match.index))
    end = match.index + match[0].length
    const name = match[1] ?? match[2]
    if (name === undefined) parts.push('$')
    else {
      const group = /^\d+$/.test(name) ? Number(name) : names[name]
      if (group !== undefined && group <= compiled.groupCount()) parts.push(group)
    }
  }
  parts.push(replacement.slice(end))
  return parts
}

/** Says of a pattern that it is a literal text. */
export function isLiteralPattern(text: string): boolean {
  return /^[\w ~%@:/,;=&"'<>!#-]*$/.test(text)
}
