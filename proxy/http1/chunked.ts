// Where does a chunked body's data lie in the bytes as they arrive? An incremental, strict reader of RFC 9112 §7.1.
//
// States, in the order of the wire:
//   size line (hex digits, optional extensions) → data → CRLF → size line … → last chunk (0) → trailer lines → empty line
// Invariant: the result does not depend on how the bytes are cut. Extensions are checked and dropped, never passed on.
// A sloppy reader is for responses: it forgives what leaves the size of each chunk clear (docs/http.md lists it).

import type { BodySink } from '../http/body-sink.ts'
import { FieldCursor } from '../http/fields.ts'
import { maxTrailerBytes, mayBeTrailer } from '../http/trailers.ts'

const maxSizeLine = 256
// Object stores sign each chunk in an extension.
const maxSloppySizeLine = 4096
// Bytes of extensions and size lines allowed beyond the data: 16 KiB, and one byte per byte of data after that (CVE-2023-39326).
const freeOverhead = 16384

const sizeLine = new RegExp(
  '^([0-9A-Fa-f]{1,64})' +
    "(?:[\\t ]*;[\\t ]*[!#$%&'*+\\-.^_`|~0-9A-Za-z]+" +
    '(?:=(?:[!#$%&\'*+\\-.^_`|~0-9A-Za-z]+|"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"))?)*$',
)

// Behind `;` is nothing that anybody needs; only a line end or a bare CR there would make it doubtful where the data begins.
const sloppySizeLine = /^([0-9A-Fa-f]{1,64})[\t ]*(?:;[^\r\n]*)?$/
// A trailer that is left out may look like this.
const sloppyTrailer = /^[\x21-\x39\x3b-\x7e]+:[^\r\n]*$/

type State = 'size' | 'data' | 'data-end' | 'trailer' | 'done' | 'failed'

const trailerCursor = new FieldCursor()

/** Reads one chunked body after another; `start` begins the next. */
export class ChunkedReader {
  readonly #isSloppy: boolean
  #state: State = 'done'
  #left = 0
  #line = ''
  #overhead = 0
  #data = 0
  #trailers = ''
  #trailerBytes = 0
  /** Length of the trailers before the last line. */
  #trailersBefore = 0

  constructor(isSloppy = false) {
    this.#isSloppy = isSloppy
  }

  start(): void {
    this.#state = 'size'
    this.#line = ''
    this.#overhead = 0
    this.#data = 0
    this.#trailers = ''
    this.#trailerBytes = 0
    this.#trailersBefore = 0
  }

  /** The last chunk and the trailer section have been read. */
  get isDone(): boolean {
    return this.#state === 'done'
  }

  /** Something was not as RFC 9112 §7.1 writes it; nothing after it may be used. */
  get isFailed(): boolean {
    return this.#state === 'failed'
  }

  /** Accepted trailer lines, each with its CRLF, once the body is done. */
  get trailers(): string {
    return this.#trailers
  }

  /** Reads `bytes` from `at`, hands data to `sink`, and returns the offset behind the last byte that belongs to the body. */
  push(bytes: Buffer, at: number, sink: BodySink): number {
    let from = at
    while (from < bytes.length && this.#state !== 'done' && this.#state !== 'failed') {
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, from + this.#left)
        this.#left -= end - from
        if (this.#left === 0) this.#state = 'data-end'
        sink.onBodyData(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end))
        from = end
      } else {
        from = this.#pushLine(bytes, from)
      }
    }
    return from
  }

  /** Gathers one line; each byte is looked at once, and the line is bounded. */
  #pushLine(bytes: Buffer, from: number): number {
    const lf = bytes.indexOf(0x0a, from)
    const end = lf === -1 ? bytes.length : lf + 1
    if (this.#line.length + end - from > this.#maxLine) return this.#fail(end)
    this.#line += bytes.toString('latin1', from, end)
    if (lf === -1) {
      // A line that can no longer become right is refused now, not when it ends.
      if (this.#state === 'data-end' && this.#line !== '\r') return this.#fail(end)
      return end
    }
    const isWhole = this.#line.endsWith('\r\n')
    if (!isWhole && !(this.#isSloppy && this.#state === 'size')) return this.#fail(end)
    const line = this.#line.slice(0, isWhole ? -2 : -1)
    this.#line = ''
    this.#readLine(line)
    return end
  }

  get #maxLine(): number {
    if (this.#state === 'trailer') return maxTrailerBytes
    return this.#isSloppy ? maxSloppySizeLine : maxSizeLine
  }

  #readLine(line: string): void {
    switch (this.#state) {
      case 'data-end':
        this.#state = line === '' ? 'size' : 'failed'
        return
      case 'size':
        this.#readSize(line)
        return
      case 'trailer':
        if (line === '') this.#state = 'done'
        else this.#readTrailer(line)
        return
      case 'data':
      case 'done':
      case 'failed':
        return
    }
  }

  #readSize(line: string): void {
    const match = (this.#isSloppy ? sloppySizeLine : sizeLine).exec(line)
    const digits = match?.[1]?.replace(/^0+(?=.)/, '') ?? ''
    if (match === null || digits.length > 8) {
      this.#state = 'failed'
      return
    }
    const size = Number.parseInt(digits, 16)
    this.#overhead += line.length
    this.#data += size
    if (this.#overhead > freeOverhead + this.#data) this.#state = 'failed'
    else if (size === 0) this.#state = 'trailer'
    else {
      this.#left = size
      this.#state = 'data'
    }
  }

  #readTrailer(line: string): void {
    this.#trailerBytes += line.length + 2
    trailerCursor.start(`${line}\r\n\r\n`, 0)
    const isField = trailerCursor.next() > 0 && trailerCursor.next() === 0
    if (this.#trailerBytes > maxTrailerBytes) this.#state = 'failed'
    else if (!isField && !(this.#isSloppy && this.#mayLeaveOut(line))) this.#state = 'failed'
    else if (isField) {
      this.#trailersBefore = this.#trailers.length
      if (mayBeTrailer(line.slice(0, line.indexOf(':')).toLowerCase()))
        this.#trailers += `${line}\r\n`
    }
  }

  /** RFC 9110 §6.5.1: trailers may be dropped. A folded one is, with the line it continues; so is one with odd bytes. */
  #mayLeaveOut(line: string): boolean {
    const isFold = /^[\t ][^\r\n]*$/.test(line)
    if (isFold) this.#trailers = this.#trailers.slice(0, this.#trailersBefore)
    else this.#trailersBefore = this.#trailers.length
    return isFold ? this.#trailerBytes > line.length + 2 : sloppyTrailer.test(line)
  }

  #fail(end: number): number {
    this.#state = 'failed'
    return end
  }
}
