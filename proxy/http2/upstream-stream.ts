// One request to an endpoint over HTTP/2: what it sends, how long it waits, and how it ends. How the response is read is the
// reader's part.
//
//   waiting (for a session with room) ──► ready ──► begun ──► over
//                                                    └──► tunnel (a WebSocket was accepted: RFC 8441) ──► over
//
// Invariant: after the sink has heard of its end or failure, or was told to abort, nothing more is heard of this stream.
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import type { FailureCode } from '../../shared/routing/failure.ts'
import type { FieldLines } from '../../shared/routing/filters/kind.ts'
import { grpcTimeoutMs, isGrpc } from '../http/grpc.ts'
import type { HeadLimits } from '../http/head-limits.ts'
import type {
  OutgoingRequest,
  ResponseSink,
  UpstreamFailure,
  UpstreamStream,
} from '../http/stream.ts'
import type { TunnelEnd, TunnelSide } from '../http/tunnel.ts'
import { type CoarseTime, tickMs } from '../net/coarse-time.ts'
import { fieldObject } from './field-section.ts'
import { errorCode } from './node-http2.ts'
import { requestList } from './request-list.ts'
import { resetStream } from './reset-stream.ts'
import type { Http2ResponseHead } from './response-head.ts'
import { Http2ResponseReader, type ResponseReaderOwner } from './response-reader.ts'
import { acceptHandshake, handshakeList, isHandshake, upstreamSide } from './web-socket.ts'

/** The session that carries a stream. */
export interface StreamSession {
  readonly http2: ClientHttp2Session
  readonly scheme: 'http' | 'https'
  /** Bytes read so far, whatever they were. */
  readonly bytesRead: number
  /** Another request went over it before. */
  readonly isUsed: boolean
  /** The endpoint said that it will not process the stream with this id. */
  isUnprocessed(id: number): boolean
  /** Has `onResponseFlush` called once all of what was read now is handed over. */
  planFlush(stream: Http2UpstreamStream): void
}

/** Who gave the stream away. */
export interface StreamOwner {
  /** The stream is over, whole or not. */
  onStreamOver(stream: Http2UpstreamStream): void
}

// A stream is ended with these where its messages are malformed or too large, by nghttp2 itself (RFC 9113 §8.1.1).
const malformedCodes: ReadonlySet<number> = new Set([
  errorCode.protocolError,
  errorCode.enhanceYourCalm,
])

/** A request of an exchange, from the wait for a session on. */
export class Http2UpstreamStream implements UpstreamStream, ResponseReaderOwner {
  readonly #time: CoarseTime
  readonly #owner: StreamOwner
  #sink: ResponseSink | undefined
  /** Undefined as long as it waits for one. */
  session: StreamSession | undefined
  #stream: ClientHttp2Stream | undefined
  /** Of the session, when the request began. */
  #readBefore = 0
  #isReused = false
  readonly #reader: Http2ResponseReader
  #error: Error | undefined
  #requestTrailers: FieldLines = ''
  /** The fields of a request for a WebSocket; undefined: it asks for none. */
  #handshake: FieldLines | undefined
  #tunnel: TunnelEnd | undefined
  #isPaused = false
  #deadline: number
  #deadlineCode: FailureCode = 'connect-timeout'
  #readTimeoutMs = 0
  /** When gRPC's own deadline is over; 0: there is none. */
  #endsAt = 0
  isCongested = false

  constructor(
    sink: ResponseSink,
    connectTimeoutMs: number,
    limits: HeadLimits,
    time: CoarseTime,
    owner: StreamOwner,
  ) {
    this.#sink = sink
    this.#reader = new Http2ResponseReader(this, limits)
    this.#time = time
    this.#owner = owner
    this.#deadline = time.now + tickMs + connectTimeoutMs
  }

  /** Gives the stream its session, at once or after it waited for one. */
  bind(session: StreamSession): void {
    this.session = session
    this.#deadline = 0
  }

  /** Tells who waited that the stream has its session. */
  ready(): void {
    this.#sink?.onReady()
  }

  get holdsBytes(): boolean {
    return (this.#stream?.writableLength ?? 0) > 0
  }

  begin(request: OutgoingRequest): void {
    const { session } = this
    if (session === undefined) throw new Error('the stream has no session')
    this.#readBefore = session.bytesRead
    this.#isReused = session.isUsed
    if (isHandshake(request)) {
      this.#beginHandshake(session, request)
      return
    }
    const isOfGrpc = isGrpc(request.fields)
    if (isOfGrpc) this.#bound(grpcTimeoutMs(request.fields))
    const stream = session.http2.request(requestList(request, session.scheme), {
      endStream: request.bodyLength === 0,
      // gRPC's requests never have trailers; with them the last message and the end are two frames.
      waitForTrailers: request.bodyLength === undefined && !isOfGrpc,
    })
    this.#read(stream, request.method)
  }

  #read(stream: ClientHttp2Stream, method: string): void {
    this.#stream = stream
    this.#reader.read(stream, method)
    this.#listen(stream)
  }

  /** RFC 8441 §3: only an endpoint that says so in its SETTINGS may be asked. */
  #beginHandshake({ http2, scheme }: StreamSession, request: OutgoingRequest): void {
    if (http2.remoteSettings.enableConnectProtocol !== true) {
      // Whoever began is not done with beginning yet.
      process.nextTick(() => this.fail('protocol-unsupported', 'refused'))
      return
    }
    this.#handshake = request.fields
    this.#read(http2.request(handshakeList(request, scheme), { endStream: false }), 'CONNECT')
  }

  #bound(timeoutMs: number | undefined): void {
    if (timeoutMs !== undefined) this.#endsAt = this.#time.now + tickMs + timeoutMs
  }

  #listen(stream: ClientHttp2Stream): void {
    stream.on('drain', () => this.#onDrain())
    stream.on('wantTrailers', () => stream.sendTrailers(fieldObject(this.#requestTrailers)))
    stream.on('error', (error) => {
      this.#error = error
    })
    stream.on('close', () => this.#onClose(stream))
  }

  write(bytes: Buffer): boolean {
    const stream = this.#stream
    // What a stream that was reset no longer takes is lost with it: its close follows.
    if (stream?.writable !== true) return true
    if (!stream.write(bytes)) this.isCongested = true
    return !this.isCongested
  }

  end(trailers: FieldLines): void {
    this.#requestTrailers = trailers
    // The stream of a WebSocket goes on behind the request.
    if (this.#handshake === undefined) this.#stream?.end()
  }

  /** Node writes at the end of each turn. */
  flush(): void {}

  expect(timeoutMs: number): void {
    this.#readTimeoutMs = timeoutMs
    if (timeoutMs === 0) this.#deadline = 0
    else if (!this.#isPaused) this.#waitForAnswer()
  }

  pauseBody(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#deadline = 0
    this.#reader.pause()
    this.#stream?.pause()
  }

  resumeBody(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#waitForAnswer()
    this.#stream?.resume()
    this.#reader.resume()
  }

  release(): void {
    if (this.#sink !== undefined) this.#close()
  }

  abort(): void {
    if (this.#sink === undefined) return
    this.#close()
    if (this.#stream !== undefined) resetStream(this.#stream, errorCode.cancel)
  }

  /** Called with each tick of the worker while an exchange uses the stream. */
  tick(now: number): void {
    if (this.#deadline !== 0 && now >= this.#deadline) this.#cut(this.#deadlineCode)
    else if (this.#endsAt !== 0 && now >= this.#endsAt) this.#cut('deadline-exceeded')
  }

  #cut(code: FailureCode): void {
    this.fail(code, this.#stream === undefined ? 'nothing' : 'maybe')
  }

  get tunnelSide(): TunnelSide {
    if (this.#stream === undefined) throw new Error('there is no stream')
    const reader = this.#reader
    return upstreamSide(this.#stream, {
      get hasEnded() {
        return reader.hasEnded
      },
      pause: () => this.pauseBody(),
      resume: () => this.resumeBody(),
    })
  }

  startTunnel(end: TunnelEnd): void {
    this.#tunnel = end
    // The tunnel has a clock of its own.
    this.#readTimeoutMs = 0
    this.#deadline = 0
  }

  #waitForAnswer(): void {
    if (!this.#reader.isReading) return
    this.#deadline = this.#readTimeoutMs === 0 ? 0 : this.#time.now + tickMs + this.#readTimeoutMs
    this.#deadlineCode = 'response-timeout'
  }

  onHead(head: Http2ResponseHead): void {
    if (head.status >= 200) this.onCome()
    if (this.#handshake !== undefined && head.status >= 200 && head.status < 300) {
      acceptHandshake(head, this.#handshake)
    }
    this.#sink?.onResponseHead(head)
    this.session?.planFlush(this)
  }

  /** A response that is coming has its time anew with each piece of it. */
  onCome(): void {
    if (this.#deadline !== 0) this.#deadline = this.#time.now + tickMs + this.#readTimeoutMs
  }

  onBody(bytes: Buffer): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.onData(bytes)
      return
    }
    this.#sink?.onResponseData(bytes)
    this.session?.planFlush(this)
  }

  onWhole(trailers: FieldLines): void {
    this.#deadline = 0
    this.#endsAt = 0
    if (this.#tunnel === undefined) this.#sink?.onResponseEnd(trailers)
    else this.#tunnel.onEnd()
  }

  onMalformed(): void {
    this.fail('upstream-malformed', 'maybe')
  }

  /** One read has been handed over. */
  flushSink(): void {
    if (this.#tunnel === undefined) this.#sink?.onResponseFlush()
  }

  #onDrain(): void {
    this.isCongested = false
    if (this.#tunnel === undefined) this.#sink?.onUpstreamDrained()
    else this.#tunnel.onDrain()
  }

  #onClose(stream: ClientHttp2Stream): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.onClose()
      return
    }
    if (this.#sink === undefined) return
    // What is whole is handed over as soon as the client takes it.
    if (this.#reader.hasEnded) return
    const { session } = this
    const { id, rstCode } = stream
    if (id === undefined || session?.isUnprocessed(id) === true) {
      this.fail('upstream-reset', 'refused')
    } else if (rstCode === errorCode.refusedStream) {
      this.fail('upstream-reset', 'refused')
    } else if (malformedCodes.has(rstCode) || isFramingError(this.#error)) {
      this.fail('upstream-malformed', 'maybe')
    } else {
      const isStale = this.#isReused && session?.bytesRead === this.#readBefore
      this.fail('upstream-reset', isStale ? 'to-stale-connection' : 'maybe')
    }
  }

  /** Ends the stream and tells its exchange, once. */
  fail(code: FailureCode, sent: UpstreamFailure['sent']): void {
    const sink = this.#sink
    if (sink === undefined) return
    const { hasAnswered } = this.#reader
    this.abort()
    sink.onUpstreamFailure({ code, sent, hasAnswered })
  }

  #close(): void {
    this.#sink = undefined
    this.#reader.stop()
    this.#deadline = 0
    this.#endsAt = 0
    this.#owner.onStreamOver(this)
  }
}

/** nghttp2 could not read what came on the connection. */
function isFramingError(error: Error | undefined): boolean {
  return error !== undefined && 'code' in error && error.code === 'ERR_HTTP2_ERROR'
}
