// How are the field lines of a head walked, strictly and without an object per field?
//
// Invariant: a line is accepted only as RFC 9112 §5 writes it: token, colon, value, CRLF; no folding, no space before the
// colon, no control byte. Text is latin1: one char is one byte.

// Two sticky expressions per line beat a byte loop in JS: the engine's own scanner runs them in machine code.
const nameThenColon = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+:/y
const valueThenEnd = /[\t\x20-\x7e\x80-\xff]*\r\n/y

const tab = 0x09
const colon = 0x3a
const space = 0x20

/** Walks the field lines of one head at a time; reused for every head of a connection's worker. */
export class FieldCursor {
  #text = ''
  #at = 0
  #nameEnd = 0
  /** Offset of the current line's first char. */
  lineStart = 0
  /** Offset behind the current line's CRLF. */
  lineEnd = 0

  /** Starts in front of the first field line of `text`, which ends with an empty line. */
  start(text: string, at: number): void {
    this.#text = text
    this.#at = at
    this.lineEnd = at
  }

  /** Steps to the next line: its length in chars, 0 at the empty line that ends the head, -1 when it is malformed. */
  next(): number {
    const text = this.#text
    const start = this.#at
    if (text.charCodeAt(start) === 0x0d) {
      return text.charCodeAt(start + 1) === 0x0a && start + 2 === text.length ? 0 : -1
    }
    nameThenColon.lastIndex = start
    if (!nameThenColon.test(text)) return -1
    this.#nameEnd = nameThenColon.lastIndex - 1
    valueThenEnd.lastIndex = this.#nameEnd + 1
    if (!valueThenEnd.test(text)) return -1
    this.lineStart = start
    this.lineEnd = valueThenEnd.lastIndex
    this.#at = this.lineEnd
    return this.lineEnd - start
  }

  /** Length of the current field's name. */
  get nameLength(): number {
    return this.#nameEnd - this.lineStart
  }

  /** The current field's name in lower case. */
  name(): string {
    return this.#text.slice(this.lineStart, this.#nameEnd).toLowerCase()
  }

  /** The current field's value without the white space around it. */
  value(): string {
    return trimmed(this.#text, this.#nameEnd + 1, this.lineEnd - 2)
  }
}

/** Cuts white space off both ends: space and tab only, `trim` would take a no-break space for some, too. */
export function trimmed(text: string, start: number, end: number): string {
  let from = start
  let to = end
  while (from < to && isBlank(text.charCodeAt(from))) from += 1
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1
  return text.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === space || code === tab
}

/**
 * Drops those of accepted field lines (`name: value CRLF`…) whose names are in `names`, in lower case; the same text when
 * there are none, as is usual: then nothing is copied (bench/micro/fields.bench.ts).
 */
export function dropFields(lines: string, names: ReadonlySet<string>): string {
  const list = [...names]
  let kept = ''
  let keptTo = 0
  for (let at = 0; at < lines.length; ) {
    const end = lines.indexOf('\n', at) + 1 || lines.length
    if (isNamed(lines, at, list)) {
      kept += lines.slice(keptTo, at)
      keptTo = end
    }
    at = end
  }
  return keptTo === 0 ? lines : kept + lines.slice(keptTo)
}

/** Keeps those of accepted field lines whose lower-case names `names` has. */
export function keepFields(lines: string, names: { has(name: string): boolean }): string {
  let kept = ''
  for (let at = 0; at < lines.length; ) {
    const end = lines.indexOf('\n', at) + 1 || lines.length
    const name = lines.slice(at, lines.indexOf(':', at)).toLowerCase()
    if (names.has(name)) kept += lines.slice(at, end)
    at = end
  }
  return kept
}

/** Says whether the line at `at` has one of the names. */
function isNamed(lines: string, at: number, names: readonly string[]): boolean {
  for (const name of names) {
    if (lines.charCodeAt(at + name.length) === colon && isNameAt(lines, at, name)) return true
  }
  return false
}

/**
 * Finds the value of a field among accepted field lines, its name in lower case; several lines are joined by `separator`.
 * It goes from line end to line end and looks at names only, in less than a third of a walk's time (bench/micro/fields.bench.ts).
 */
export function fieldValue(lines: string, name: string, separator: string): string | undefined {
  let value: string | undefined
  for (let at = 0; at < lines.length; ) {
    const colonAt = at + name.length
    const end = lines.indexOf('\n', at)
    if (lines.charCodeAt(colonAt) === colon && isNameAt(lines, at, name)) {
      const own = trimmed(lines, colonAt + 1, end - 1)
      value = value === undefined ? own : value + separator + own
    }
    if (end === -1) return value
    at = end + 1
  }
  return value
}

/** Compares a name in any case with one in lower case. */
function isNameAt(text: string, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i += 1) {
    const code = text.charCodeAt(at + i)
    const isUpper = code >= 0x41 && code <= 0x5a
    if ((isUpper ? code + 0x20 : code) !== name.charCodeAt(i)) return false
  }
  return true
}

/** Splits a comma-separated list of tokens into lower-case members, empty members left out (RFC 9110 §5.6.1). */
export function listMembers(value: string): string[] {
  return value
    .toLowerCase()
    .split(',')
    .map((member) => trimmed(member, 0, member.length))
    .filter((member) => member !== '')
}
