// Which bytes of a client's connection belong to which request? Heads one at a time and in order, each with its body, and how
// long each part is waited for.
//
//   awaitHead ──► readHead, until one is complete ──► startBody ⇄ pauseBody, until `isRequestRead` ──► awaitHead
//
// Invariant: a request's bytes are read only while its exchange wants them; a bounded part waits in `#held`.
// Invariant: once it is closed nothing more is read as HTTP.

import type { Socket } from 'node:net'
import type { FailureCode } from '../../shared/routing/failure.ts'
import type { BodySink } from '../http/body-sink.ts'
import type { ReadLimits } from '../http/client-shared.ts'
import type { CoarseTime } from '../net/coarse-time.ts'
import { BodyReader } from './body-reader.ts'
import { HeadGatherer } from './head-gatherer.ts'
import { readRequestHead } from './read-request-head.ts'
import { Http1RequestHead } from './request-head.ts'

/** What a connection hears of the requests that are read from it. */
export interface RequestReaderOwner {
  /** A head is complete. The object is used again for the next one. */
  onHead(head: Http1RequestHead): void
  /** A head that began like `begun` cannot be served. */
  onHeadFailure(code: FailureCode, begun: string): void
  onBody(bytes: Buffer): void
  /** The body is complete. `trailers` are accepted field lines. */
  onBodyEnd(trailers: string): void
  /** The body's chunks are malformed. */
  onBodyFailure(): void
  /** The client sent FIN, and nothing that it sent is left to be read. */
  onInputEnd(): void
}

const requestLine = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32} [\x21-\x7e\x80-\xff]+ HTTP\/\d\.\d$/
const maxHeldBytes = 65_536

/** Reads one request after another from the socket of one client. */
export class RequestReader implements BodySink {
  readonly #owner: RequestReaderOwner
  readonly #socket: Socket
  readonly #limits: ReadLimits
  readonly #time: CoarseTime
  readonly #head = new Http1RequestHead()
  readonly #gatherer: HeadGatherer
  readonly #body = new BodyReader()
  /** Bytes that came before anybody wanted them: the start of a body, or pipelined requests. */
  #held: Buffer | undefined
  #isBodyWanted = false
  #isPaused = false
  #isHeadTimed = false
  #isClosed = false
  #deadline = 0
  /** The client sent FIN. */
  hasEnded = false
  /** The current request has been read to its end. */
  isRequestRead = false
  /** Body bytes of the current request, as they came (without chunk framing). */
  bodyBytes = 0

  constructor(owner: RequestReaderOwner, socket: Socket, limits: ReadLimits, time: CoarseTime) {
    this.#owner = owner
    this.#socket = socket
    this.#limits = limits
    this.#time = time
    this.#gatherer = new HeadGatherer(limits, requestLine)
    this.awaitHead()
  }

  /** Waits for the next request. */
  awaitHead(): void {
    this.#deadline = this.#time.now + this.#limits.keepAliveTimeoutMs
  }

  /** Some of a head has come, but not all. */
  get isHeadPartial(): boolean {
    return this.#gatherer.isPartial
  }

  /** Bytes wait until somebody wants them. */
  get holdsBytes(): boolean {
    return this.#held !== undefined
  }

  /** Keeps bytes between two requests, for `readHead`. */
  add(bytes: Buffer): void {
    this.#held = this.#held === undefined ? bytes : Buffer.concat([this.#held, bytes])
  }

  /** Reads on in a head, from what is held. */
  readHead(): void {
    const bytes = this.#held
    if (bytes === undefined) return
    this.#held = undefined
    const gatherer = this.#gatherer
    let at = 0
    if (!gatherer.isPartial) {
      // RFC 9112 §2.2: empty lines in front of a request line are skipped.
      while (bytes[at] === 0x0d && bytes[at + 1] === 0x0a) at += 2
      if (at === bytes.length) return
    }
    if (!gatherer.gather(bytes, at)) {
      if (gatherer.failure !== undefined) this.refuse(gatherer.failure, gatherer.begun)
      else if (bytes.length > 0) this.#noteFirstByte()
      return
    }
    this.#noteHead(gatherer.text, bytes, gatherer.consumed)
  }

  #noteFirstByte(): void {
    if (this.#isHeadTimed) return
    this.#isHeadTimed = true
    this.#deadline = this.#time.now + this.#limits.headerTimeoutMs
  }

  #noteHead(gathered: string, bytes: Buffer, consumed: number): void {
    let text = gathered
    while (text.startsWith('\r\n')) text = text.slice(2)
    if (consumed < bytes.length) this.#held = bytes.subarray(consumed)
    if (text === '') return
    const head = this.#head
    const failure = readRequestHead(text, this.#limits, head)
    this.#isHeadTimed = false
    this.#deadline = 0
    this.bodyBytes = 0
    if (failure !== undefined) {
      this.refuse(failure, text)
      return
    }
    this.#isBodyWanted = false
    this.#body.start(head.framing, head.contentLength)
    this.isRequestRead = this.#body.isDone
    this.#owner.onHead(head)
  }

  /** Gives a head up that cannot be served and began like `begun`; nothing after it is read as HTTP. */
  refuse(code: FailureCode, begun = this.#gatherer.begun): void {
    this.isRequestRead = false
    this.#held = undefined
    this.#deadline = 0
    this.bodyBytes = 0
    this.#gatherer.reset()
    this.#owner.onHeadFailure(code, begun)
  }

  /** Lets the request's body come: what is held now, the rest as it arrives. */
  startBody(): void {
    if (this.#isBodyWanted || this.isRequestRead) return
    this.#isBodyWanted = true
    this.#deadline = this.#time.now + this.#limits.bodyIdleTimeoutMs
    const held = this.#held
    if (held !== undefined) {
      this.#held = undefined
      this.#readBody(held)
      // The FIN may have come while these bytes waited.
      if (this.hasEnded) this.#owner.onInputEnd()
    }
    if (this.#held === undefined) this.resume()
  }

  /** Stops the request's body while the upstream is congested. */
  pauseBody(): void {
    if (this.isRequestRead || !this.#isBodyWanted) return
    this.#isBodyWanted = false
    this.#deadline = 0
  }

  /** Takes bytes that came after a request's head: its body while that is wanted, else they are held. */
  push(bytes: Buffer): void {
    if (this.#isBodyWanted && !this.isRequestRead) this.#readBody(bytes)
    else this.#hold(bytes)
  }

  #hold(bytes: Buffer): void {
    this.add(bytes)
    // Up to here the socket is still read, because only a socket that is read tells that its client is gone.
    if (this.#held !== undefined && this.#held.length > maxHeldBytes) this.pause()
  }

  #readBody(bytes: Buffer): void {
    this.#deadline = this.#time.now + this.#limits.bodyIdleTimeoutMs
    const end = this.#body.push(bytes, this)
    // Data may have ended the exchange (a body too large): what follows it means nothing any more.
    if (this.#isClosed) return
    if (this.#body.isFailed) {
      this.#deadline = 0
      this.#held = undefined
      this.#owner.onBodyFailure()
    } else if (this.#body.isDone) {
      if (end < bytes.length) this.#hold(bytes.subarray(end))
      this.isRequestRead = true
      this.#deadline = 0
      this.#owner.onBodyEnd(this.#body.trailers)
    }
  }

  /** Receives the body's data from its reader. */
  onBodyData(bytes: Buffer): void {
    this.bodyBytes += bytes.length
    if (!this.#isClosed) this.#owner.onBody(bytes)
  }

  /** The client sent FIN. A request that is held came before it: whether it is whole shows when it is read. */
  end(): void {
    this.hasEnded = true
  }

  /** Ends the reading of HTTP; gives back what was held. */
  close(): Buffer | undefined {
    const held = this.#held
    this.#held = undefined
    this.#deadline = 0
    this.#isClosed = true
    return held
  }

  /** Says, once, that what is waited for did not come in time. */
  isLate(now: number): boolean {
    if (this.#deadline === 0 || now <= this.#deadline) return false
    this.#deadline = 0
    return true
  }

  /** Stops reading from the socket. */
  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
  }
}
