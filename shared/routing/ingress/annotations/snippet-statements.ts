// Which directives does a piece of nginx's configuration hold? Its words and blocks, and nothing about what they mean.
// The rules are those of nginx's own reader (ngx_conf_file.c): white space parts words, `;` ends a directive, `{ }` hold
// others, `#` begins a comment, quotes keep a word together, a backslash takes away what the next character means.
//
// Invariant: bounded in length, number and depth; a text that nginx would refuse is refused, and nothing throws.

/** One directive. */
export interface Statement {
  readonly name: string
  readonly args: readonly string[]
  /** Of a directive with braces. */
  readonly block?: readonly Statement[]
  /** As it was written, without its block. */
  readonly text: string
}

/** Either the directives or the end of a sentence about the text. */
export type StatementsResult =
  | { readonly ok: true; readonly statements: readonly Statement[] }
  | { readonly ok: false; readonly reason: string }

const maxLength = 16_384
const maxStatements = 200
const maxDepth = 3

/** Reads a text. */
export function readStatements(text: string): StatementsResult {
  if (text.length > maxLength) {
    return { ok: false, reason: `is longer than ${maxLength} characters` }
  }
  const reader = new Reader(text)
  const statements = reader.readBlock(0)
  return reader.fault === undefined ? { ok: true, statements } : { ok: false, reason: reader.fault }
}

const space = /\s/
const escapes: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n' }

class Reader {
  readonly #text: string
  #at = 0
  #count = 0
  fault: string | undefined

  constructor(text: string) {
    this.#text = text
  }

  /** Reads up to the end of the text, or of the block that it is in. */
  readBlock(depth: number): readonly Statement[] {
    const statements: Statement[] = []
    for (;;) {
      this.#skipSpace()
      const char = this.#text[this.#at]
      if (this.fault !== undefined) return statements
      if (char === undefined) {
        if (depth > 0) this.fault = 'has a { without its }'
        return statements
      }
      if (char === '}') {
        this.#at += 1
        if (depth === 0) this.fault = 'has a } without its {'
        return statements
      }
      const statement = this.#readStatement(depth)
      if (statement === undefined) return statements
      statements.push(statement)
    }
  }

  #readStatement(depth: number): Statement | undefined {
    this.#count += 1
    if (this.#count > maxStatements) this.fault = `has more than ${maxStatements} directives`
    const start = this.#at
    const words: string[] = []
    while (this.fault === undefined) {
      this.#skipSpace()
      const char = this.#text[this.#at]
      const text = this.#text.slice(start, this.#at).trim()
      if (char === ';' || char === '{') {
        this.#at += 1
        const [name, ...args] = words
        if (name === undefined) this.fault = `has a ${char} without a directive`
        else if (char === ';') return { name, args, text }
        else if (depth === maxDepth) this.fault = 'has blocks in blocks in blocks'
        else return { name, args, text, block: this.readBlock(depth + 1) }
      } else if (char === undefined || char === '}') {
        this.fault = `lacks the ; behind ${JSON.stringify(text.slice(0, 80))}`
      } else words.push(this.#readWord(char))
    }
    return undefined
  }

  #readWord(first: string): string {
    const quote = first === '"' || first === "'" ? first : undefined
    if (quote !== undefined) this.#at += 1
    let word = ''
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined) break
      if (quote === undefined ? endsWord(char, this.#text[this.#at - 1]) : char === quote) break
      if (char === '\\') word += this.#readEscape()
      else {
        word += char
        this.#at += 1
      }
    }
    if (quote !== undefined) this.#endQuote(quote)
    return word
  }

  #endQuote(quote: string): void {
    if (this.#text[this.#at] === undefined) {
      this.fault = `has a ${quote} without its end`
      return
    }
    this.#at += 1
    const next = this.#text[this.#at]
    if (next !== undefined && !space.test(next) && next !== ';' && next !== '{') {
      this.fault = `has ${JSON.stringify(next)} right behind a ${quote}`
    }
  }

  /** A backslash stays before whatever is neither a quote, itself nor one of `t`, `r`, `n`: patterns need it. */
  #readEscape(): string {
    const next = this.#text[this.#at + 1] ?? ''
    this.#at += 2
    if (next === '"' || next === "'" || next === '\\') return next
    return escapes[next] ?? `\\${next}`
  }

  #skipSpace(): void {
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined) return
      if (char === '#') {
        const end = this.#text.indexOf('\n', this.#at)
        this.#at = end === -1 ? this.#text.length : end
      } else if (space.test(char)) this.#at += 1
      else return
    }
  }
}

/** `${name}` has a brace that begins no block. */
function endsWord(char: string, before: string | undefined): boolean {
  return space.test(char) || char === ';' || (char === '{' && before !== '$')
}
