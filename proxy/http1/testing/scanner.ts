// For tests: reads text one byte at a time, as slow and as plain as the grammar of RFC 9110 is written.
// Invariant: shares nothing with the engine's readers, so that the two cannot share a mistake.

const tokenBytes = new Set(
  "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
)

/** A byte of a token (RFC 9110 §5.6.2). */
export const isToken = (byte: string): boolean => tokenBytes.has(byte)
/** Space or tab (RFC 9110 §5.6.3). */
export const isBlank = (byte: string): boolean => byte === ' ' || byte === '\t'
/** A byte of a field's value (RFC 9110 §5.5). */
export const isValue = (byte: string): boolean => byte === '\t' || (byte >= ' ' && byte !== '\x7f')

/** Takes a text apart from its start. */
export class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length
  }

  /** Takes all bytes for which `isIn` holds. */
  run(isIn: (byte: string) => boolean): string {
    const from = this.#at
    while (this.#at < this.#text.length && isIn(this.#text.charAt(this.#at))) this.#at += 1
    return this.#text.slice(from, this.#at)
  }

  /** Takes `expected` if it comes next. */
  take(expected: string): boolean {
    const isThere = this.#text.startsWith(expected, this.#at)
    if (isThere) this.#at += expected.length
    return isThere
  }
}

/** A field line as RFC 9112 §5 reads it: `name` in lower case, `value` without the white space around it. */
export interface ScannedField {
  readonly name: string
  readonly value: string
  readonly line: string
}

/** Scans field lines up to the empty line that ends them; undefined where they are malformed. */
export function scanFields(scanner: Scanner): ScannedField[] | undefined {
  const fields: ScannedField[] = []
  while (!scanner.take('\r\n')) {
    const name = scanner.run(isToken)
    if (name === '' || !scanner.take(':')) return undefined
    const value = scanner.run(isValue)
    if (!scanner.take('\r\n')) return undefined
    fields.push({ name: name.toLowerCase(), value: trim(value), line: `${name}:${value}\r\n` })
  }
  return scanner.isAtEnd ? fields : undefined
}

/** Cuts spaces and tabs off both ends. */
export function trim(value: string): string {
  const bytes = [...value]
  while (isBlank(bytes[0] ?? '')) bytes.shift()
  while (isBlank(bytes.at(-1) ?? '')) bytes.pop()
  return bytes.join('')
}
