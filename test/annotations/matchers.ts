// Is a value as a case wants it? A text is the whole value; an object says what must hold, key by key.
//
// Invariant: a key that is not known here fails; nothing that a case says is passed over in silence.
import type { Wanted, WantedNumber } from './case.ts'

type WantedObject = Exclude<Wanted, string | number | boolean>
type Key = keyof Required<WantedObject>

type Holds<K extends Key> = (
  wanted: NonNullable<WantedObject[K]>,
  lines: readonly string[],
) => boolean

const secondsOff = 30

const matchers: { readonly [K in Key]: Holds<K> } = {
  regex: (wanted, lines) => new RegExp(wanted).test(lines.join(', ')),
  contains: (wanted, lines) => lines.join(', ').includes(wanted),
  lacks: (wanted, lines) => !lines.join(', ').includes(wanted),
  equals: (wanted, lines) => lines.join(', ') === wanted,
  oneOf: (wanted, lines) => wanted.includes(lines.join(', ')),
  list: (wanted, lines) => sorted(membersOf(lines)) === sorted(membersOf(wanted)),
  has: (wanted, lines) => membersOf(lines).includes(wanted.toLowerCase()),
  count: (wanted, lines) => lines.length === wanted,
  absent: (wanted, lines) => (lines.length === 0) === wanted,
  optional: () => true,
  secondsFromNow: (wanted, lines) =>
    Math.abs((Date.parse(lines.join()) - Date.now()) / 1000 - wanted) <= secondsOff,
}

/** What is wrong with the lines of a field, in words; undefined when nothing is. */
export function mismatch(wanted: Wanted, lines: readonly string[]): string | undefined {
  if (typeof wanted === 'boolean') {
    return lines.length > 0 === wanted ? undefined : said(wanted, lines)
  }
  if (typeof wanted !== 'object') {
    return lines.join(', ') === `${wanted}` ? undefined : said(wanted, lines)
  }
  if (lines.length === 0 && wanted.optional === true) return undefined
  const needsValue = wanted.absent !== true && wanted.count !== 0
  if (lines.length === 0 && needsValue) return said(wanted, lines)
  for (const key of Object.keys(wanted)) {
    if (!isKey(key)) return `there is no matcher ${key}`
    if (!holds(key, wanted, lines)) return said(wanted, lines)
  }
  return undefined
}

/** What is wrong with a number; undefined when nothing is. */
export function numberMismatch(wanted: WantedNumber, found: number): string | undefined {
  const range = typeof wanted === 'number' ? { min: wanted, max: wanted } : wanted
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = range
  return found >= min && found <= max ? undefined : `${found}, not ${JSON.stringify(wanted)}`
}

function holds<K extends Key>(key: K, wanted: WantedObject, lines: readonly string[]): boolean {
  const value = wanted[key]
  return value === undefined || value === null || matchers[key](value, lines)
}

function isKey(key: string): key is Key {
  return Object.hasOwn(matchers, key)
}

function said(wanted: Wanted, lines: readonly string[]): string {
  return `${lines.length === 0 ? 'absent' : JSON.stringify(lines)}, not ${JSON.stringify(wanted)}`
}

/** Members of a list; in lower case, as those of Vary and of lists of header names are compared. */
function membersOf(lines: readonly string[]): string[] {
  return lines
    .join(',')
    .split(',')
    .map((member) => member.trim().toLowerCase())
    .filter((member) => member !== '')
}

function sorted(members: readonly string[]): string {
  return [...members].sort().join()
}
