// How does a request pass on one HTTP/2 stream? (RFC 9113 §8) One object serves one stream after another.
//
//   start ──► exchanging (the body while it is wanted; the response as it comes) ──► finished ──► closed, ready for the next
//                └──► tunnel (a WebSocket was accepted: RFC 8441) ───────────────────────────────► closed, used no more
//
// Invariant: a response that is not whole ends with a reset.
// Invariant: what comes late from a stream that was served before reaches nobody.
import { randomBytes } from 'node:crypto'
import type { ServerHttp2Stream } from 'node:http2'
import type { FieldLines } from '../../shared/routing/filters/kind.ts'
import type { ClientLimits } from '../http/client-shared.ts'
import type { ClientStream, RequestSink, ResponseHead } from '../http/stream.ts'
import type { TunnelEnd, TunnelSide } from '../http/tunnel.ts'
import type { CoarseTime } from '../net/coarse-time.ts'
import { readTrailers } from './field-section.ts'
import { errorCode } from './node-http2.ts'
import { readRequest } from './read-request.ts'
import { Http2RequestHead } from './request-head.ts'
import { resetStream, stopRequest } from './reset-stream.ts'
import { ResponseOut } from './response-out.ts'
import { streamSide } from './stream-side.ts'

const { noError, protocolError, internalError, cancel } = errorCode

/** What a stream tells the session that it belongs to. */
export interface StreamOwner {
  /** The stream is one end of a tunnel now. */
  onTunnel(): void
  /** The stream is closed; `isCut`: by the client, or through its fault, before it was over. */
  onStreamClosed(stream: Http2ClientStream, isCut: boolean): void
  /** A head of this many bytes came, or bytes of a body went one way or the other. */
  noteUseful(bytes: number): void
}

// An upstream that does not know 100-continue must not keep a waiting client for ever.
const continueAfterMs = 1000

/** One place for a stream in a session, with its exchange. */
export class Http2ClientStream implements ClientStream {
  readonly #owner: StreamOwner
  readonly #limits: ClientLimits
  readonly #time: CoarseTime
  readonly #head = new Http2RequestHead()
  #sink: RequestSink | undefined
  #stream: ServerHttp2Stream | undefined
  #out: ResponseOut | undefined
  #tunnel: TunnelEnd | undefined
  #isReading = false
  /** The client has ended its side. */
  #hasEnded = false
  #trailers: FieldLines | undefined = ''
  #mayContinue = false
  #continueAt = 0
  #bodyDeadline = 0
  /** The exchange is over. */
  #isOver = false
  #isMalformed = false
  /** The reset with which the stream ends; undefined: none, it ends by itself. */
  #resetCode: number | undefined
  /** The client ended it early, or made nghttp2 end it. */
  #isCut = false
  isHead = false
  isRequestRead = false
  bytesIn = 0

  constructor(owner: StreamOwner, limits: ClientLimits, time: CoarseTime) {
    this.#owner = owner
    this.#limits = limits
    this.#time = time
  }

  /** Names the exchange that serves the streams of this place. */
  serveBy(sink: RequestSink): void {
    this.#sink = sink
  }

  /** The session is closed: nothing follows. */
  close(): void {
    this.#sink?.onClientClosed()
  }

  /** It was one end of a tunnel: nobody may use this place again. */
  get isTunnel(): boolean {
    return this.#tunnel !== undefined
  }

  /** Begins with a stream whose field section is `list`; `hasEnded`: no body follows. */
  start(stream: ServerHttp2Stream, list: readonly string[], hasEnded: boolean): void {
    const head = this.#head
    const failure = readRequest(list, hasEnded, this.#limits, head)
    const isHandshake = head.upgrade !== ''
    this.#owner.noteUseful(head.sectionBytes)
    this.isHead = head.method === 'HEAD'
    this.#isMalformed = failure === 'malformed-request' && !head.hasBadTarget
    const request = { isHead: this.isHead, isHandshake, isMalformed: this.#isMalformed }
    this.#stream = stream
    this.#out = new ResponseOut(stream, request, this.#limits.writeTimeoutMs)
    this.#isReading = false
    this.#hasEnded = hasEnded
    this.#trailers = ''
    this.#mayContinue = head.expectsContinue
    this.#continueAt = 0
    this.#bodyDeadline = 0
    this.#isOver = false
    this.#resetCode = undefined
    this.#isCut = false
    this.bytesIn = 0
    this.isRequestRead = hasEnded || (failure === undefined && head.bodyLength === 0)
    this.#listen(stream)
    if (failure !== undefined) {
      this.#sink?.onRequestFailure(failure)
      return
    }
    // What HTTP/1.1 needs for a handshake; its answer means nothing here.
    if (isHandshake) head.fields += `sec-websocket-key: ${randomBytes(16).toString('base64')}\r\n`
    this.#sink?.onRequestHead(head)
  }

  #listen(stream: ServerHttp2Stream): void {
    const isCurrent = () => this.#stream === stream
    stream.on('close', () => {
      if (isCurrent()) this.#onClose(stream)
    })
    stream.on('aborted', () => {
      if (isCurrent()) this.#onAborted()
    })
    stream.on('drain', () => {
      if (isCurrent()) this.#onDrain()
    })
    // A stream that ended with its head brings nothing more.
    if (this.#hasEnded) return
    stream.on('trailers', (_fields, _flags, list?: string[]) => {
      if (isCurrent()) this.#trailers = readTrailers(list ?? [])
    })
    stream.on('end', () => {
      if (isCurrent()) this.#onEnd(stream)
    })
  }

  // ── the request's body ────────────────────────────────────────────────────────────────────────
  readBody(): void {
    if (this.isRequestRead) return
    const { now } = this.#time
    if (this.#mayContinue && this.#continueAt === 0) this.#continueAt = now + continueAfterMs
    this.#bodyDeadline = now + this.#limits.bodyIdleTimeoutMs
    this.#read()
  }

  #read(): void {
    const stream = this.#stream
    if (stream === undefined) return
    if (this.#isReading) {
      stream.resume()
      return
    }
    this.#isReading = true
    stream.on('data', (bytes: Buffer) => {
      if (this.#stream === stream) this.#onData(bytes)
    })
  }

  /** Flow control stops the client; what it has sent already, at most a window, waits in the stream (RFC 9113 §5.2). */
  pauseBody(): void {
    this.#bodyDeadline = 0
    if (this.#isReading) this.#stream?.pause()
  }

  #onData(bytes: Buffer): void {
    this.#owner.noteUseful(bytes.length)
    if (this.#tunnel !== undefined) {
      this.#tunnel.onData(bytes)
      return
    }
    if (this.#isOver) return
    this.#mayContinue = false
    this.#continueAt = 0
    this.#bodyDeadline = this.#time.now + this.#limits.bodyIdleTimeoutMs
    this.bytesIn += bytes.length
    this.#sink?.onRequestData(bytes)
  }

  #onEnd(stream: ServerHttp2Stream): void {
    // Node ends the readable side of a stream that was reset, too: nothing about that is whole.
    if (stream.aborted || stream.rstCode !== noError) return
    this.#hasEnded = true
    this.#tunnel?.onEnd()
    if (this.isRequestRead || this.#isOver) return
    this.#bodyDeadline = 0
    const { bodyLength } = this.#head
    // RFC 9113 §8.1.1: a length that does not fit makes the request malformed.
    const isWhole = bodyLength === undefined || bodyLength === this.bytesIn
    if (this.#trailers === undefined || !isWhole) {
      this.#isMalformed = true
      this.#sink?.onRequestFailure('malformed-request')
      return
    }
    this.isRequestRead = true
    this.#sink?.onRequestEnd(this.#trailers)
  }

  // ── the response ──────────────────────────────────────────────────────────────────────────────
  get isCongested(): boolean {
    return this.#out?.isCongested === true
  }

  get holdsBytes(): boolean {
    return this.#out?.holdsBytes === true
  }

  get bytesOut(): number {
    return this.#out?.bodyBytes ?? 0
  }

  /** 100 goes only to a client that asked, once. */
  interim(head: ResponseHead): void {
    if (head.status === 100) this.#continue()
    else this.#out?.inform(head.status, head.fields)
  }

  #continue(): void {
    this.#continueAt = 0
    if (!this.#mayContinue) return
    this.#mayContinue = false
    this.#out?.inform(100, '')
  }

  begin(
    status: number,
    _reason: string,
    fields: FieldLines,
    bodyLength: number | undefined,
    upgrade: string,
  ): void {
    this.#continueAt = 0
    this.#out?.begin(status, fields, bodyLength, upgrade)
  }

  write(bytes: Buffer): boolean {
    this.#owner.noteUseful(bytes.length)
    return this.#out?.write(bytes) ?? true
  }

  end(trailers: FieldLines): void {
    this.#out?.end(trailers)
  }

  flush(): void {
    // Node gathers what is written in one turn.
  }

  cut(): void {
    if (this.#out?.isWhole !== true) this.#resetCode = internalError
  }

  /** Ends the stream at once, whatever waits to be sent. */
  abort(): void {
    this.#isOver = true
    this.#reset(cancel)
  }

  finish(): void {
    this.#isOver = true
    this.#bodyDeadline = 0
    if (this.#resetCode !== undefined) {
      this.#reset(this.#resetCode)
      return
    }
    // An answer of Weir's own is whole with what was written of it.
    this.#out?.end('')
    if (this.#isMalformed) this.#reset(protocolError)
    // RFC 9113 §8.1: the response is whole, and the rest of the request is not wanted.
    else if (!this.#hasEnded) this.#reset(noError)
  }

  #reset(code: number): void {
    const stream = this.#stream
    this.#resetCode = code
    if (stream === undefined) return
    if (code === noError) stopRequest(stream, this.#out?.waitsForTrailers)
    else resetStream(stream, code)
    // What nobody reads would keep the stream from closing.
    stream.resume()
  }

  // ── a tunnel ──────────────────────────────────────────────────────────────────────────────────
  get tunnelSide(): TunnelSide {
    if (this.#stream === undefined) throw new Error('there is no stream')
    return streamSide(this.#stream)
  }

  startTunnel(end: TunnelEnd): void {
    this.#tunnel = end
    this.#owner.onTunnel()
    this.#read()
  }

  // ── what can happen to the stream ─────────────────────────────────────────────────────────────
  #onDrain(): void {
    if (this.#out !== undefined) this.#out.isCongested = false
    if (this.#tunnel !== undefined) this.#tunnel.onDrain()
    else if (!this.#isOver) this.#sink?.onClientDrained()
  }

  /** The client reset the stream, or its connection is gone, before the response was whole. */
  #onAborted(): void {
    if (this.#isOver || this.#tunnel !== undefined) return
    this.#isOver = true
    this.#isCut = true
    this.#sink?.onClientGone()
  }

  #onClose(stream: ServerHttp2Stream): void {
    this.#onAborted()
    const isOurs = this.#resetCode !== undefined
    const isCut = this.#isCut || (!isOurs && stream.rstCode !== noError)
    this.#stream = undefined
    this.#out = undefined
    if (this.#tunnel !== undefined) {
      this.#tunnel.onClose()
      this.#sink?.onClientClosed()
    }
    this.#owner.onStreamClosed(this, isCut && !this.isTunnel)
  }

  /** Ends what took too long. Called with each tick of the worker. */
  tick(now: number): void {
    if (this.#stream === undefined || this.#tunnel !== undefined) return
    if (this.#continueAt !== 0 && now > this.#continueAt) this.#continue()
    if (this.#out?.isStalled(now) === true) {
      const wasOver = this.#isOver
      this.#isOver = true
      if (wasOver) this.#reset(cancel)
      else this.#sink?.onClientGone()
    } else if (this.#bodyDeadline !== 0 && now > this.#bodyDeadline) {
      this.#bodyDeadline = 0
      this.#sink?.onRequestFailure('request-timeout')
    }
  }
}
