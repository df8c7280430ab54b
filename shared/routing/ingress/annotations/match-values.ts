// How are the annotations `weir.dev/match-*` read into conditions?
//
// Invariant: a list that is read in part would mean other requests: one bad word refuses all of it.
import { faultOf } from '../../conditions/compile.ts'
import type { Condition, TextCondition, TextMatch } from '../../conditions/condition.ts'
import type { Parsed, Parser } from './values.ts'

type Conditions = readonly Condition[]

/** Parses methods, separated by commas or white space; a `!` in front means: none of them. Case is that of RFC 9110: upper. */
export const parseMethodMatch: Parser<Conditions> = (text) =>
  parseList(text, (anyOf) => ({ kind: 'method', anyOf: anyOf.map((name) => name.toUpperCase()) }))

/** Parses networks and addresses, separated by commas or white space; a `!` in front means: none of them. */
export const parseSourceMatch: Parser<Conditions> = (text) =>
  parseList(text, (networks) => ({ kind: 'source', networks, of: 'client' }))

/** Parses lines of `Name: value`, `Name: ~pattern` or `Name`; a `!` in front negates its line. */
export const parseHeaderMatch: Parser<Conditions> = (text) =>
  parseLines(text, (line) => textCondition('header', line, ':'))

/** Parses lines of `name=value`, `name=~pattern` or `name`; a `!` in front negates its line. */
export function parsePairMatch(kind: 'query' | 'cookie'): Parser<Conditions> {
  return (text) => parseLines(text, (line) => textCondition(kind, line, '='))
}

const instant = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)`
const interval = new RegExp(`^(!?)\\s*(${instant})?\\s*/\\s*(${instant})?$`)
// The last instant of ECMAScript's calendar.
const endOfTime = 8.64e15

/** Parses `from/until`, each a time of RFC 3339 with its zone, seconds left out or not; one of them may be empty. */
export const parseTimeMatch: Parser<Conditions> = (text) => {
  const [all, not, from, until] = interval.exec(text) ?? []
  const fromMs = from === undefined ? 0 : readInstant(from)
  const untilMs = until === undefined ? endOfTime : readInstant(until)
  if (all === undefined || (from ?? until) === undefined || Number.isNaN(fromMs + untilMs)) {
    return refuse('must be from/until, such as 2026-12-01T00:00Z/2026-12-24T18:00+01:00')
  }
  return checked([negated(not === '!', { kind: 'time', fromMs, untilMs })], '')
}

/** NaN for a day that its month does not have, which Date.parse would take for one of the next month. */
function readInstant(text: string): number {
  const day = text.slice(0, 'yyyy-mm-dd'.length)
  const midnight = new Date(`${day}T00:00Z`)
  const exists = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day)
  return exists ? Date.parse(text) : Number.NaN
}

/** Parses `10%`, the first 10 percent, or a part that lies beside it: `10-30%`. Fractions may follow a point. */
export const parseShareMatch: Parser<Conditions> = (text) => {
  const number = String.raw`(\d{1,3}(?:\.\d{1,6})?)\s*%?`
  const match = new RegExp(`^(?:${number}\\s*-\\s*)?${number}$`).exec(text)
  const from = Number(match?.[1] ?? 0)
  const below = Number(match?.[2] ?? Number.NaN)
  return from <= below && below <= 100
    ? { ok: true, value: [{ kind: 'share', from: from / 100, below: below / 100 }] }
    : refuse('must be a share such as 10%, or a part such as 10-30%')
}

function parseList(text: string, toCondition: (words: string[]) => Condition): Parsed<Conditions> {
  const words = text.replace(/^!/, '').split(/[\s,]+/)
  // In a method's name it would be allowed (RFC 9110 §5.6.2), and mean something else than was meant.
  if (words.some((word) => word.startsWith('!'))) return refuse('may have a ! in front of all only')
  const condition = toCondition(words.filter((word) => word !== ''))
  return checked([negated(text.startsWith('!'), condition)], '')
}

function parseLines(text: string, toCondition: (line: string) => Condition): Parsed<Conditions> {
  const conditions: Condition[] = []
  for (const line of text.split('\n').map((line) => line.trim())) {
    if (line === '') continue
    const condition = negated(line.startsWith('!'), toCondition(line.replace(/^!\s*/, '')))
    const result = checked([condition], `has the line '${line}', which `)
    if (!result.ok) return result
    conditions.push(condition)
  }
  return conditions.length === 0 ? refuse('must have at least one line') : accept(conditions)
}

function textCondition(kind: TextCondition['kind'], line: string, separator: string): Condition {
  const at = line.indexOf(separator)
  const name = (at === -1 ? line : line.slice(0, at)).trim()
  const text = at === -1 ? undefined : line.slice(at + 1).trim()
  return { kind, name: kind === 'header' ? name.toLowerCase() : name, text: textMatch(text) }
}

function textMatch(text: string | undefined): TextMatch {
  if (text === undefined) return { kind: 'present' }
  return text.startsWith('~') ? { kind: 'regex', pattern: text.slice(1) } : { kind: 'exact', text }
}

function negated(isNegated: boolean, condition: Condition): Condition {
  return isNegated ? { kind: 'not', condition } : condition
}

/** Asks the kinds of the conditions themselves; what they find wrong is told behind `opening`. */
function checked(conditions: Conditions, opening: string): Parsed<Conditions> {
  const fault = conditions.map(faultOf).find((found) => found !== undefined)
  return fault === undefined ? accept(conditions) : refuse(opening + fault)
}

function accept(value: Conditions): Parsed<Conditions> {
  return { ok: true, value }
}

function refuse(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason }
}
