// One connection to one endpoint: sends a request, waits for its response, and says whether it may be used again. How the
// response is read is the ResponseReader's part.
//
//   connecting ──► open: idle ⇄ reading (request sent, response not whole)
//                   │        └──► tunnel (after a matching 101)
//                   └──► closed (any byte or FIN while idle; any fault)
//
// Invariant: it is reusable only after a response that was read exactly to its end, with nothing behind it.

import type { Socket } from 'node:net'
import type { FailureCode } from '../../shared/routing/failure.ts'
import type { FieldLines } from '../../shared/routing/filters/kind.ts'
import type { HeadLimits } from '../http/head-limits.ts'
import type { OutgoingRequest, ResponseSink, UpstreamStream } from '../http/stream.ts'
import type { TunnelEnd, TunnelSide } from '../http/tunnel.ts'
import { type CoarseTime, tickMs } from '../net/coarse-time.ts'
import { holdsWritten } from '../net/holds-written.ts'
import { openSocket, type SocketTarget } from '../net/open-socket.ts'
import { ReadBuffer } from '../net/read-buffer.ts'
import { socketSide } from '../net/socket-side.ts'
import { requestHead } from './head-writer.ts'
import { Outbox } from './outbox.ts'
import type { Http1ResponseHead } from './response-head.ts'
import { ResponseReader, type ResponseReaderOwner } from './response-reader.ts'

/** What a pool learns about its connections. */
export interface ConnectionOwner {
  /** An idle connection closed or spoke out of turn. */
  onIdleClosed(connection: UpstreamConnection): void
  /** Its request is over: keep it if it can serve again. */
  giveBack(connection: UpstreamConnection): void
  /** Its request is over: close it. */
  discard(connection: UpstreamConnection): void
}

type State = 'connecting' | 'open' | 'tunnel' | 'closed'

/** A connection that was opened for an exchange and may serve others after it. */
export class UpstreamConnection implements UpstreamStream, ResponseReaderOwner {
  readonly socket: Socket
  readonly #outbox: Outbox
  readonly #owner: ConnectionOwner
  readonly #time: CoarseTime
  readonly #reader: ResponseReader
  readonly #readBuffer = new ReadBuffer()
  #sink: ResponseSink | undefined
  #tunnel: TunnelEnd | undefined
  #state: State = 'connecting'
  #isChunkedOut = false
  #deadline = 0
  #deadlineCode: FailureCode = 'connect-timeout'
  #readTimeoutMs = 0
  #isPaused = false
  #isDirty = false
  /** At least one request was answered on this connection before the current one. */
  isReused = false
  /** A byte of the response to the current request has come. */
  hasAnswered = false
  /** When the connection became idle, and how long the upstream promised to keep it (ms). */
  idleSince = 0
  keepAliveMs = Number.POSITIVE_INFINITY

  constructor(
    target: SocketTarget,
    connectTimeoutMs: number,
    limits: HeadLimits,
    time: CoarseTime,
    owner: ConnectionOwner,
    sink: ResponseSink,
  ) {
    this.#time = time
    this.#owner = owner
    this.#sink = sink
    this.#reader = new ResponseReader(this, limits)
    this.#deadline = time.now + tickMs + connectTimeoutMs
    const onread = {
      buffer: () => this.#readBuffer.current,
      callback: (count: number, memory: Uint8Array) => this.#onRead(count, memory),
    }
    const socket = openSocket(target, onread, () => this.#onConnect())
    this.socket = socket
    this.#outbox = new Outbox(socket)
    socket.on('drain', () => this.#onDrain())
    socket.on('end', () => this.#onEnd())
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onError(error))
    socket.on('close', () => this.#onClose())
  }

  /** Takes an idle connection for an exchange. */
  take(sink: ResponseSink): void {
    this.#sink = sink
    this.isReused = true
  }

  get #isIdle(): boolean {
    return this.#state === 'open' && !this.#reader.isReading
  }

  get isCongested(): boolean {
    return this.#outbox.isCongested
  }

  get holdsBytes(): boolean {
    return holdsWritten(this.socket)
  }

  get tunnelSide(): TunnelSide {
    return socketSide(this.socket)
  }

  /** Begins a request: what is written from now on belongs to it. */
  begin(request: OutgoingRequest): void {
    this.#reader.begin(request.method)
    this.#isChunkedOut = request.bodyLength === undefined
    this.#isDirty = request.isLast
    this.hasAnswered = false
    this.#deadline = 0
    // Until the request is sent, it is the client who is waited for.
    this.#readTimeoutMs = 0
    this.#outbox.addText(requestHead(request))
  }

  write(bytes: Buffer): boolean {
    if (this.#isChunkedOut) this.#outbox.addChunk(bytes)
    else this.#outbox.addBytes(bytes)
    return !this.#outbox.isCongested
  }

  end(trailers: FieldLines): void {
    if (this.#isChunkedOut) this.#outbox.addLastChunk(trailers)
    this.#outbox.flush()
  }

  flush(): void {
    this.#outbox.flush()
  }

  expect(timeoutMs: number): void {
    this.#readTimeoutMs = timeoutMs
    if (timeoutMs === 0) this.#deadline = 0
    else if (!this.#isPaused) this.#waitForAnswer()
  }

  release(): void {
    this.#owner.giveBack(this)
  }

  abort(): void {
    this.#owner.discard(this)
  }

  /** The response is complete and nothing spoils the connection for another request. */
  get isReusable(): boolean {
    // Bytes of the request that wait to be sent would go out in front of the next one.
    const isSent = this.socket.writableLength === 0
    return this.#isIdle && isSent && !this.#isDirty && this.#reader.head.keepAlive
  }

  /** Rests, answered, in its pool. */
  rest(): void {
    this.#sink = undefined
    this.#readBuffer.forgetLent()
    this.idleSince = this.#time.now
    this.keepAliveMs = this.#reader.head.keepAliveMs
    this.#deadline = 0
    this.resumeBody()
  }

  /** Closes the connection without a word to its exchange. */
  destroy(): void {
    this.#sink = undefined
    this.#state = 'closed'
    this.#reader.stop()
    this.socket.destroy()
  }

  pauseBody(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#deadline = 0
    this.socket.pause()
  }

  resumeBody(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#waitForAnswer()
    this.socket.resume()
  }

  /** Turns this connection into one end of a tunnel. */
  startTunnel(tunnel: TunnelEnd): void {
    this.#state = 'tunnel'
    this.#reader.stop()
    this.#tunnel = tunnel
    this.#deadline = 0
    this.resumeBody()
  }

  /** Ends what took too long. Called with each tick of the worker while an exchange uses the connection. */
  tick(now: number): void {
    if (this.#deadline !== 0 && now >= this.#deadline) this.#fail(this.#deadlineCode)
  }

  #waitForAnswer(): void {
    if (this.#reader.isReading) this.#wait(this.#readTimeoutMs, 'response-timeout')
  }

  #wait(timeoutMs: number, code: FailureCode): void {
    this.#deadline = timeoutMs === 0 ? 0 : this.#time.now + tickMs + timeoutMs
    this.#deadlineCode = code
  }

  #onConnect(): void {
    if (this.#state !== 'connecting') return
    this.#state = 'open'
    this.#deadline = 0
    this.#sink?.onReady()
  }

  /** Hands a read over; its memory is used again unless some of it still waits to be sent. */
  #onRead(count: number, memory: Uint8Array): boolean {
    const sink = this.#sink
    if (this.#readBuffer.hasLent && !this.#isReadInUse(sink)) this.#readBuffer.takeBack()
    this.#onData(Buffer.from(memory.buffer, memory.byteOffset, count))
    this.#readBuffer.advance(count, this.#isReadInUse(sink), this.#isIdle)
    return true
  }

  /** `sink` got what was read. */
  #isReadInUse(sink: ResponseSink | undefined): boolean {
    return this.#tunnel?.isReadInUse() ?? sink?.isReadInUse() ?? false
  }

  #onData(bytes: Buffer): void {
    if (this.#state === 'tunnel') {
      this.#tunnel?.onData(bytes)
      return
    }
    const sink = this.#sink
    if (sink === undefined || !this.#reader.isReading) {
      // RFC 9112 §9.2: a response nobody asked for. Nothing on this connection can be trusted.
      this.#drop()
      return
    }
    this.hasAnswered = true
    this.#read(bytes)
    // What the sink did may have given the connection to another exchange, or closed it.
    sink.onResponseFlush()
  }

  #read(bytes: Buffer): void {
    // A head has to come within its time as a whole; of a body some bytes are enough.
    if (this.#deadline !== 0 && this.#reader.isInBody) {
      this.#deadline = this.#time.now + tickMs + this.#readTimeoutMs
    }
    const at = this.#reader.read(bytes)
    if (at === bytes.length) return
    if (this.#state === 'tunnel') this.#tunnel?.onData(bytes.subarray(at))
    // Bytes behind a response that was whole: whoever uses the connection next must not get them.
    else this.#drop()
  }

  onHead(head: Http1ResponseHead): void {
    if (head.status >= 200) this.#wait(this.#readTimeoutMs, 'response-timeout')
    this.#sink?.onResponseHead(head)
  }

  onBody(bytes: Buffer): void {
    this.#sink?.onResponseData(bytes)
  }

  onWhole(trailers: string, isExact: boolean): void {
    if (!isExact) this.#isDirty = true
    this.#deadline = 0
    this.#sink?.onResponseEnd(trailers)
  }

  onMalformed(): void {
    this.#fail('upstream-malformed')
  }

  /** Closes a connection that spoke out of turn, before its pool can give it to anybody. */
  #drop(): void {
    this.#isDirty = true
    if (this.#sink !== undefined) return
    this.#owner.onIdleClosed(this)
    this.socket.destroy()
  }

  #onDrain(): void {
    this.#outbox.isCongested = false
    if (this.#state === 'tunnel') this.#tunnel?.onDrain()
    else this.#sink?.onUpstreamDrained()
  }

  #onEnd(): void {
    const sink = this.#sink
    if (this.#state === 'tunnel') this.#tunnel?.onEnd()
    else if (!this.#reader.isReading) this.#drop()
    else if (this.#reader.endByClose()) {
      sink?.onResponseFlush()
      this.socket.destroy()
    } else this.#fail(this.#reader.isHeadPartial ? 'upstream-malformed' : 'upstream-reset')
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (this.#state === 'tunnel') return
    const isConnect = this.#state === 'connecting'
    const isTimeout = error.code === 'ETIMEDOUT'
    if (!isConnect) this.#fail('upstream-reset')
    else this.#fail(isTimeout ? 'connect-timeout' : 'connect-failed')
  }

  #onClose(): void {
    this.#readBuffer.release()
    const wasIdle = this.#isIdle && this.#sink === undefined
    if (this.#state === 'tunnel') this.#tunnel?.onClose()
    else if (!wasIdle) this.#fail('upstream-reset')
    this.#state = 'closed'
    if (wasIdle) this.#owner.onIdleClosed(this)
  }

  /** Closes the connection and tells its exchange, once. */
  #fail(code: FailureCode): void {
    const sink = this.#sink
    const { hasAnswered } = this
    const isStale = this.isReused && !hasAnswered && code === 'upstream-reset'
    const isUnsent = this.#state === 'connecting'
    this.#sink = undefined
    this.#deadline = 0
    if (this.#state !== 'tunnel') this.#state = 'closed'
    this.#reader.stop()
    this.socket.destroy()
    if (sink === undefined) return
    const sent = isUnsent ? 'nothing' : isStale ? 'to-stale-connection' : 'maybe'
    sink.onUpstreamFailure({ code, sent, hasAnswered })
  }
}
