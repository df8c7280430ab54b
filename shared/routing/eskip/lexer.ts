// Which tokens does a text of eskip consist of? As Skipper's lexer has it: white space and `//` comments between tokens,
// "…" and `…` with escapes, /…/ with classes in which a slash needs no escape, numbers without exponent.
//
// Invariant: each character is looked at a bounded number of times, so that any text is read in linear time.
import { type EskipFault, type Position, tellFault } from './language.ts'

/** What a token is: one of fixed text by that text, else by its form; `end` is the end of the text. */
export type TokenKind =
  | '('
  | ')'
  | ','
  | ':'
  | ';'
  | '*'
  | '&&'
  | '->'
  | '<'
  | '>'
  | '<shunt>'
  | '<loopback>'
  | '<dynamic>'
  | '<forward>'
  | 'name'
  | 'text'
  | 'regexp'
  | 'number'
  | 'end'

/** Ends the reading of a text at its first fault. */
export class EskipError extends Error {
  readonly fault: EskipFault

  constructor(fault: EskipFault) {
    super(tellFault(fault))
    this.fault = fault
  }
}

const punctuation: ReadonlyMap<string, TokenKind> = new Map(
  (['(', ')', ',', ':', ';', '*', '>'] as const).map((kind) => [kind, kind]),
)
const namedBackends: ReadonlySet<string> = new Set([
  '<shunt>',
  '<loopback>',
  '<dynamic>',
  '<forward>',
])

// Sticky: they match at the place where they are asked, and nowhere else.
const nameAt = /[A-Za-z_][A-Za-z0-9_]*/y
const numberAt = /-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]*)/y
const namedBackendAt = /<[a-z]+>/y

const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** Walks through a text, one token at a time. Its fields speak of the token at hand. */
export class Lexer {
  readonly #text: string
  /** Of the token at hand, and behind it. */
  #start = 0
  #end = 0
  #line = 1
  /** Where the line of the token begins, and where the next line break is that was not counted yet. */
  #lineStart = 0
  #nextBreak: number
  kind: TokenKind = 'end'
  /** Of a name, a text or a regular expression: what it says, without quotes and escapes. */
  value = ''
  /** Of a number. */
  number = 0

  constructor(text: string) {
    this.#text = text
    this.#nextBreak = this.#breakFrom(0)
    this.next()
  }

  /** Where the token at hand begins. */
  get at(): Position {
    return { line: this.#line, column: this.#start - this.#lineStart + 1 }
  }

  /** Goes to the next token. Throws EskipError where none begins. */
  next(): void {
    this.#start = this.#skipGap(this.#end)
    this.#countLines(this.#start)
    this.#read()
  }

  /** Fails at the token at hand. `expected` is the end of "expected …". */
  fail(expected: string): never {
    const found = this.kind === 'end' ? 'the end' : this.#text.slice(this.#start, this.#end)
    throw this.#errorAt(this.#start, expected, found)
  }

  #read(): void {
    const char = this.#text[this.#start]
    const fixed: TokenKind | undefined = char === undefined ? 'end' : punctuation.get(char)
    if (fixed !== undefined) this.#take(fixed, fixed === 'end' ? 0 : 1)
    else if (char === '"' || char === '`') this.#readText(char)
    else if (char === '/') this.#readRegexp()
    else if (char === '<') this.#readOpening()
    else if (this.#text.startsWith('->', this.#start)) this.#take('->', 2)
    else if (this.#text.startsWith('&&', this.#start)) this.#take('&&', 2)
    else this.#readWord()
  }

  #take(kind: TokenKind, length: number): void {
    this.kind = kind
    this.#end = this.#start + length
  }

  #readOpening(): void {
    namedBackendAt.lastIndex = this.#start
    const word = namedBackendAt.exec(this.#text)?.[0] ?? ''
    if (namedBackends.has(word)) this.#take(word as TokenKind, word.length)
    else this.#take('<', 1)
  }

  #readWord(): void {
    nameAt.lastIndex = this.#start
    const name = nameAt.exec(this.#text)?.[0]
    if (name !== undefined) {
      this.value = name
      this.#take('name', name.length)
      return
    }
    numberAt.lastIndex = this.#start
    const digits = numberAt.exec(this.#text)?.[0]
    if (digits === undefined) {
      throw this.#errorAt(this.#start, 'a name, a text or a number', this.#charAt(this.#start))
    }
    this.#take('number', digits.length)
    if (digits.endsWith('.')) {
      throw this.#errorAt(
        this.#end,
        'a digit behind the point of a number',
        this.#charAt(this.#end),
      )
    }
    // 0 and -0 are one number.
    this.number = Number(digits) + 0
    if (!Number.isFinite(this.number)) this.fail('a number that is not so large')
  }

  /** `\` and one of its letters is a character, `\` and the quote or `\` is the second of them, any other pair is itself. */
  #readText(quote: string): void {
    const text = this.#text
    let from = this.#start + 1
    let value = ''
    for (let i = from; i < text.length; i += 1) {
      const char = text[i]
      if (char === quote) {
        this.value = value + text.slice(from, i)
        this.#take('text', i + 1 - this.#start)
        return
      }
      if (char !== '\\') continue
      const escaped = text[i + 1]
      if (escaped === undefined) break
      const isSame = escaped === quote || escaped === '\\'
      const meant = isSame ? escaped : (escapes[escaped] ?? `\\${escaped}`)
      value += text.slice(from, i) + meant
      i += 1
      from = i + 1
    }
    this.#failOpen(quote, 'text')
  }

  /** `\/` is a slash and `\\` one backslash, as Skipper has it; any other pair is itself. */
  #readRegexp(): void {
    const text = this.#text
    let from = this.#start + 1
    let value = ''
    let isInClass = false
    for (let i = from; i < text.length; i += 1) {
      const char = text[i]
      if (char === '/' && !isInClass) {
        this.value = value + text.slice(from, i)
        this.#take('regexp', i + 1 - this.#start)
        return
      }
      if (char === '[') isInClass = true
      else if (char === ']') isInClass = false
      if (char !== '\\') continue
      const escaped = text[i + 1]
      if (escaped === '/' || escaped === '\\') {
        value += text.slice(from, i)
        from = i + 1
      }
      i += 1
    }
    this.#failOpen('/', 'regular expression')
  }

  #failOpen(quote: string, what: string): never {
    const { line, column } = this.at
    const expected = `a closing ${quote} of the ${what} that begins at line ${line}, column ${column}`
    throw this.#errorAt(this.#text.length, expected, 'the end')
  }

  #charAt(index: number): string {
    const point = this.#text.codePointAt(index)
    return point === undefined ? 'the end' : String.fromCodePoint(point)
  }

  /** The first place from `index` on that is neither white space nor in a comment. */
  #skipGap(index: number): number {
    const text = this.#text
    let at = index
    for (;;) {
      while (isSpace(text.charCodeAt(at))) at += 1
      if (!text.startsWith('//', at)) return at
      const end = text.indexOf('\n', at)
      if (end === -1) return text.length
      at = end
    }
  }

  /** Counts the line breaks before `index`, which never goes back: each is looked for once. */
  #countLines(index: number): void {
    while (this.#nextBreak < index) {
      this.#line += 1
      this.#lineStart = this.#nextBreak + 1
      this.#nextBreak = this.#breakFrom(this.#lineStart)
    }
  }

  #breakFrom(index: number): number {
    const at = this.#text.indexOf('\n', index)
    return at === -1 ? Number.POSITIVE_INFINITY : at
  }

  #errorAt(index: number, expected: string, found: string): EskipError {
    this.#countLines(index)
    const position = { line: this.#line, column: index - this.#lineStart + 1 }
    return new EskipError({ ok: false, ...position, expected, found: shorten(found) })
  }
}

/** Space, tab, line feed, vertical tab, form feed, carriage return. */
function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d)
}

/** A piece of somebody's text in a message: short, on one line. */
function shorten(found: string): string {
  const line = JSON.stringify(found).slice(1, -1).replaceAll('\\"', '"')
  return line.length > 40 ? `${line.slice(0, 37)}...` : line
}
