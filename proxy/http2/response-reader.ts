// What does an endpoint answer on one stream, as Node tells it in events? Interim heads, the final one, its body, its trailers.
//
//   read ──► head (again after a 1xx) ──► body ──► whole
//
// Invariant: a response is whole only when the endpoint ended the stream itself: Node reports a reset without an error code
// as an end, too, and a part of a response must not look whole.
// Invariant: nothing is handed over before its head, while the client takes no more, or after `stop`.

import type { ClientHttp2Stream } from 'node:http2'
import { Readable } from 'node:stream'
import type { FieldLines } from '../../shared/routing/filters/kind.ts'
import type { HeadLimits } from '../http/head-limits.ts'
import { endStreamFlag } from './node-http2.ts'
import { Http2ResponseHead, readResponseHead, readTrailers } from './response-head.ts'

/** What a stream hears of its response. */
export interface ResponseReaderOwner {
  /** An interim head, or the final one. The object is used again for the next one. */
  onHead(head: Http2ResponseHead): void
  /** Some of the body is there, handed over at once or held. */
  onCome(): void
  onBody(bytes: Buffer): void
  /** The response is whole. `trailers` are accepted field lines. */
  onWhole(trailers: FieldLines): void
  onMalformed(): void
}

// More interim responses than any server sends; a flood of them must not keep a request alive.
const maxInterim = 100

/** Reads the response of one stream. */
export class Http2ResponseReader {
  readonly #owner: ResponseReaderOwner
  readonly #limits: HeadLimits
  readonly #head = new Http2ResponseHead()
  #method = ''
  #part: 'none' | 'head' | 'body' = 'none'
  #interim = 0
  /** What came while nobody could take it; at most the stream's window. */
  #held: Buffer[] = []
  #trailers: FieldLines = ''
  #isPaused = false
  /** All of it has come, though some may still be held. */
  hasEnded = false
  /** A head has come, interim or final. */
  hasAnswered = false

  constructor(owner: ResponseReaderOwner, limits: HeadLimits) {
    this.#owner = owner
    this.#limits = limits
  }

  /** A response is expected that is not handed over yet. */
  get isReading(): boolean {
    return this.#part !== 'none'
  }

  /** Reads the response to a request with `method` from its stream. */
  read(stream: ClientHttp2Stream, method: string): void {
    this.#method = method
    this.#part = 'head'
    stream.push = (chunk: unknown) => this.#onPush(stream, chunk)
    stream.on('headers', (_headers, _flags, list) => this.#onHead(list, false))
    stream.on('response', (_headers, flags, list) =>
      this.#onHead(list, (flags & endStreamFlag) !== 0),
    )
    stream.on('trailers', (_headers, _flags, list) => this.#onTrailers(list))
    stream.on('data', (bytes: Buffer) => this.#onData(bytes))
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#deliver()
  }

  /** Hands nothing over any more. */
  stop(): void {
    this.#part = 'none'
    this.#held = []
  }

  #onHead(list: readonly string[], isEnd: boolean): void {
    if (this.#part !== 'head') return
    this.hasAnswered = true
    const head = this.#head
    this.#interim += 1
    const isGood = readResponseHead(list, this.#method, isEnd, this.#limits, head)
    if (!isGood || (head.status < 200 && this.#interim > maxInterim)) {
      this.#owner.onMalformed()
    } else if (head.status < 200) {
      this.#owner.onHead(head)
    } else {
      this.#part = 'body'
      this.#owner.onHead(head)
      this.#deliver()
    }
  }

  #onTrailers(list: readonly string[]): void {
    if (this.#part === 'none') return
    const trailers = readTrailers(list, this.#limits)
    if (trailers === undefined) this.#owner.onMalformed()
    else this.#trailers = trailers
  }

  #onData(bytes: Buffer): void {
    if (this.#part === 'none') return
    this.#owner.onCome()
    if (this.#mayDeliver && this.#held.length === 0) this.#owner.onBody(bytes)
    else this.#held.push(bytes)
  }

  /** Hears of the end before anything else can: only here an end is told from a reset. */
  #onPush(stream: ClientHttp2Stream, chunk: unknown): boolean {
    const isEnd = chunk === null && !stream.closed
    const mayGoOn = Readable.prototype.push.call(stream, chunk)
    if (isEnd && !this.hasEnded) {
      this.hasEnded = true
      // A session that ends destroys its streams, with what they have not handed out yet.
      while (stream.read() !== null);
      // Head and trailers are told in ticks that were planned before.
      process.nextTick(() => this.#deliver())
    }
    return mayGoOn
  }

  /** Hands over what was held, and the end behind it. */
  #deliver(): void {
    while (this.#mayDeliver) {
      const bytes = this.#held.shift()
      if (bytes === undefined) break
      this.#owner.onBody(bytes)
    }
    if (!this.hasEnded || !this.#mayDeliver) return
    this.#part = 'none'
    this.#owner.onWhole(this.#trailers)
  }

  get #mayDeliver(): boolean {
    return this.#part === 'body' && !this.#isPaused
  }
}
