// What does an upstream answer, in the bytes as they come? Interim heads, the final one, then its body (RFC 9112 §6.3).
//
//   begin ──► head (again after a 1xx) ──► body ──► whole
//
// Invariant: nothing is handed over once the response is whole, or the reader was stopped.

import type { BodySink } from '../http/body-sink.ts'
import type { HeadLimits } from '../http/head-limits.ts'
import { BodyReader } from './body-reader.ts'
import { HeadGatherer } from './head-gatherer.ts'
import { readAnyResponseHead, sloppyStatusLine } from './repair-response.ts'
import { Http1ResponseHead } from './response-head.ts'

/** What a connection hears of the responses that are read from it. */
export interface ResponseReaderOwner {
  /** An interim head, or the final one. The object is used again for the next one. */
  onHead(head: Http1ResponseHead): void
  onBody(bytes: Buffer): void
  /** The response is whole. `trailers` are accepted field lines; `isExact`: nothing came behind it. */
  onWhole(trailers: string, isExact: boolean): void
  onMalformed(): void
}

// More interim responses than any server sends; a flood of them must not keep a request alive.
const maxInterim = 100

/** Reads one response after another; `begin` makes ready for the next. */
export class ResponseReader implements BodySink {
  readonly #owner: ResponseReaderOwner
  readonly #limits: HeadLimits
  readonly #gatherer: HeadGatherer
  readonly #body = new BodyReader(true)
  #part: 'none' | 'head' | 'body' = 'none'
  #method = ''
  #interim = 0
  /** The head that was read last. */
  readonly head = new Http1ResponseHead()

  constructor(owner: ResponseReaderOwner, limits: HeadLimits) {
    this.#owner = owner
    this.#limits = limits
    this.#gatherer = new HeadGatherer(limits, sloppyStatusLine, true)
  }

  /** Expects the response to a request with `method`. */
  begin(method: string): void {
    this.#part = 'head'
    this.#method = method
    this.#interim = 0
  }

  /** A response is expected that is not whole yet. */
  get isReading(): boolean {
    return this.#part !== 'none'
  }

  /** The final head was read. */
  get isInBody(): boolean {
    return this.#part === 'body'
  }

  /** Some of a head has come, but not all. */
  get isHeadPartial(): boolean {
    return this.#gatherer.isPartial
  }

  /** Expects nothing any more: what else comes is no response. */
  stop(): void {
    this.#part = 'none'
    this.#gatherer.reset()
  }

  /** Reads as far as the response goes; returns the offset behind what was taken. */
  read(bytes: Buffer): number {
    let at = 0
    while (this.#part === 'head' && at < bytes.length) at = this.#readHead(bytes, at)
    if (at === bytes.length || this.#part !== 'body') return at
    this.#readBody(at === 0 ? bytes : bytes.subarray(at))
    return bytes.length
  }

  /** Reads one head, interim or final; returns the offset behind it. */
  #readHead(bytes: Buffer, at: number): number {
    const gatherer = this.#gatherer
    if (!gatherer.gather(bytes, at)) {
      if (gatherer.failure !== undefined) this.#owner.onMalformed()
      return bytes.length
    }
    const { head } = this
    const { text } = gatherer
    const length = readAnyResponseHead(text, this.#method, this.#limits, head)
    if (length === 0) {
      this.#owner.onMalformed()
      return bytes.length
    }
    head.headBytes = length
    const consumed = gatherer.consumed - text.length + length
    if (head.status < 200) {
      this.#interim += 1
      if (this.#interim > maxInterim) {
        this.#owner.onMalformed()
        return bytes.length
      }
      this.#owner.onHead(head)
      return consumed
    }
    this.#startBody(head, consumed === bytes.length)
    return consumed
  }

  #startBody(head: Http1ResponseHead, isExact: boolean): void {
    this.#part = 'body'
    this.#body.start(head.framing, head.contentLength)
    const isWhole = this.#body.isDone
    this.#owner.onHead(head)
    // Whatever follows a whole response in the same read was not asked for.
    if (isWhole && this.#part === 'body') this.#end('', isExact)
  }

  #readBody(bytes: Buffer): void {
    const end = this.#body.push(bytes, this)
    // Data may have ended the exchange.
    if (this.#part !== 'body') return
    if (this.#body.isFailed) this.#owner.onMalformed()
    else if (this.#body.isDone) this.#end(this.#body.trailers, end === bytes.length)
  }

  /** Receives the body's data from its reader. */
  onBodyData(bytes: Buffer): void {
    this.#owner.onBody(bytes)
  }

  /** The upstream sent FIN; false where that leaves a response that is not whole. */
  endByClose(): boolean {
    if (this.#part !== 'body' || this.head.framing !== 'close') return false
    this.#end('', true)
    return true
  }

  #end(trailers: string, isExact: boolean): void {
    this.#part = 'none'
    this.#owner.onWhole(trailers, isExact)
  }
}
