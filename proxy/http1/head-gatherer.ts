// When is a head complete, however its bytes are cut? And which bytes can never become one?
//
// Invariant: each byte is looked at once while a head is incomplete, and never more than `maxHeadBytes` are kept.

import type { FailureCode } from '../../shared/routing/failure.ts'
import type { HeadLimits } from '../http/head-limits.ts'

const headEnd = Buffer.from('\r\n\r\n')
const usualHeadBytes = 2048
const cr = 0x0d
const lf = 0x0a

/** Gathers one head after another from the reads of a socket. */
export class HeadGatherer {
  readonly #limits: HeadLimits
  readonly #firstLine: RegExp
  readonly #isSloppy: boolean
  #partial: Buffer | undefined
  #length = 0
  #lineLength = 0
  #isFirstLine = true
  #begun = ''
  /** The complete head with its empty line, as latin1 text. */
  text = ''
  /** Offset, in the bytes last given, behind the head. */
  consumed = 0
  /** Why the bytes so far can never become a head. */
  failure: FailureCode | undefined

  /**
   * `firstLine` refuses a wrong first line as soon as it is complete. `isSloppy`: a bare LF may end a line, and what is
   * gathered at once may have its end earlier (repair-response.ts finds it).
   */
  constructor(limits: HeadLimits, firstLine: RegExp, isSloppy = false) {
    this.#limits = limits
    this.#firstLine = firstLine
    this.#isSloppy = isSloppy
  }

  /** Some bytes of a head have come, but not all. */
  get isPartial(): boolean {
    return this.#partial !== undefined
  }

  /** The first bytes of a head that is not complete or failed: enough to tell HEAD, whose answers have no body. */
  get begun(): string {
    const partial = this.#partial
    return partial?.toString('latin1', 0, Math.min(5, this.#length)) ?? this.#begun
  }

  /** Adds bytes from `at`; true when `text` is a complete head. Check `failure` when it is false. */
  gather(bytes: Buffer, at: number): boolean {
    if (this.#partial !== undefined) return this.#gatherMore(bytes, at)
    // Most heads are short: searching the text that is needed anyway saves a call out of JS for the bytes.
    const text = bytes.toString('latin1', at, at + usualHeadBytes)
    const usualEnd = text.indexOf('\r\n\r\n')
    if (usualEnd !== -1 && usualEnd + 4 <= this.#limits.maxHeadBytes) {
      this.text = usualEnd + 4 === text.length ? text : text.slice(0, usualEnd + 4)
      this.consumed = at + usualEnd + 4
      return true
    }
    const end = bytes.indexOf(headEnd, at)
    const isTooLarge = end + 4 - at > this.#limits.maxHeadBytes
    if (end === -1 || (isTooLarge && this.#isSloppy)) return this.#begin(bytes, at)
    if (isTooLarge) {
      this.#begun = bytes.toString('latin1', at, at + 5)
      return this.#fail('head-too-large')
    }
    this.text = bytes.toString('latin1', at, end + 4)
    this.consumed = end + 4
    return true
  }

  /** Forgets a partial head. */
  reset(): void {
    this.#partial = undefined
    this.#length = 0
    this.failure = undefined
  }

  #begin(bytes: Buffer, at: number): boolean {
    this.#begun = ''
    const first = bytes[at]
    if (first === undefined || first === lf) return this.#fail('malformed-request')
    // A TLS hello or other binary talk: no token begins like that.
    if (first !== cr && (first <= 0x20 || first >= 0x7f)) return this.#fail('malformed-request')
    this.#partial = Buffer.allocUnsafe(Math.min(this.#limits.maxHeadBytes, 2048))
    this.#length = 0
    this.#lineLength = 0
    this.#isFirstLine = true
    return this.#gatherMore(bytes, at)
  }

  #gatherMore(bytes: Buffer, at: number): boolean {
    for (let index = at; index < bytes.length; index += 1) {
      const byte = bytes[index] ?? 0
      if (!this.#append(byte)) return false
      if (byte === lf && this.#endsHead()) {
        this.text = this.#partial?.toString('latin1', 0, this.#length) ?? ''
        this.consumed = index + 1
        this.reset()
        return true
      }
    }
    this.consumed = bytes.length
    return false
  }

  #append(byte: number): boolean {
    let partial = this.#partial
    if (partial === undefined) return false
    if (this.#length >= this.#limits.maxHeadBytes) return this.#fail('head-too-large')
    if (this.#length === partial.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#limits.maxHeadBytes, partial.length * 2))
      partial.copy(larger)
      this.#partial = larger
      partial = larger
    }
    const previous = this.#length === 0 ? 0 : (partial[this.#length - 1] ?? 0)
    if (!this.#mayFollow(previous, byte)) return this.#fail('malformed-request')
    partial[this.#length] = byte
    this.#length += 1
    this.#lineLength += 1
    if (byte === lf) return this.#endLine(partial)
    // Its CR may come on top, as where a whole head is read.
    if (this.#lineLength <= this.#limits.maxLineBytes + 1) return true
    return this.#fail(this.#isFirstLine ? 'target-too-long' : 'head-too-large')
  }

  /** CR and LF come as a pair or not at all (RFC 9112 §2.2); NUL never comes. */
  #mayFollow(previous: number, byte: number): boolean {
    if (this.#isSloppy) return previous !== cr || byte === lf
    return (previous === cr) === (byte === lf) && byte !== 0
  }

  #endLine(partial: Buffer): boolean {
    const length = this.#lineLength
    this.#lineLength = 0
    if (!this.#isFirstLine) return true
    // Empty lines in front of a request line are for the caller to skip.
    if (length === 2) return true
    this.#isFirstLine = false
    const endBytes = partial[this.#length - 2] === cr ? 2 : 1
    const line = partial.toString('latin1', this.#length - length, this.#length - endBytes)
    return this.#firstLine.test(line) || this.#fail('malformed-request')
  }

  #endsHead(): boolean {
    const partial = this.#partial
    const length = this.#length
    if (partial === undefined || length < 4) return false
    return partial[length - 3] === lf ? partial[length - 2] === cr : partial[length - 2] === lf
  }

  #fail(failure: FailureCode): false {
    this.failure = failure
    this.#begun = this.begun
    this.#partial = undefined
    return false
  }
}
