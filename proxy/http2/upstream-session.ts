// One HTTP/2 connection to an endpoint: how many requests may it carry, is it alive, and until when is it kept?
//
//   connecting ──► open (the endpoint's SETTINGS are here) ──► draining (GOAWAY, or nobody needs it) ──► closed
//
// Invariant: no request is given to a session before the endpoint has shown that it speaks HTTP/2, nor to one that is draining.

import type { ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { FailureCode } from '../../shared/routing/failure.ts'
import type { HeadLimits } from '../http/head-limits.ts'
import { type CoarseTime, tickMs } from '../net/coarse-time.ts'
import { openSocket, type SocketTarget } from '../net/open-socket.ts'
import { nodeHttp2 } from './node-http2.ts'
import type { Http2UpstreamStream, StreamSession } from './upstream-stream.ts'

/** What a pool learns about its sessions. */
export interface SessionOwner {
  /** It takes requests now. */
  onSessionOpen(session: UpstreamSession): void
  /** It takes none any more; those that it carries go on. */
  onSessionDraining(session: UpstreamSession): void
  /** It is gone. `code`: why, where it never opened. */
  onSessionClosed(session: UpstreamSession, code: FailureCode): void
}

/** Our part of the bargain: at most so many requests at a time, and then so many bytes before we say that we took some. */
const maxStreams = 1000
const streamWindow = 262_144
const sessionWindow = 4_194_304
/** Of Node, for what waits to be sent and all heads; each stream is bounded by its own buffer. MB. */
const maxSessionMemory = 1024
// Ids are 31 bits, and ours the odd ones (RFC 9113 §5.1.1).
const maxRequests = 2 ** 30 - 1

const idleTimeoutMs = 60_000
/** Of an endpoint that does not close its side of a connection on which nothing is left to do. */
const closeTimeoutMs = 2000
/** Requests wait and nothing at all was heard for so long: is anybody there? */
const quietMs = 10_000
const pongTimeoutMs = 5000
/** Not again before: servers of gRPC close a connection on which they are asked more often than every 5 minutes. */
const pingAgainMs = 310_000

type State = 'connecting' | 'open' | 'draining' | 'closed'

/** A connection and the requests on it. */
export class UpstreamSession implements StreamSession {
  readonly socket: Socket
  readonly scheme: 'http' | 'https'
  readonly #owner: SessionOwner
  readonly #limits: HeadLimits
  readonly #time: CoarseTime
  #session: ClientHttp2Session | undefined
  #state: State = 'connecting'
  #failure: FailureCode = 'connect-failed'
  #connectDeadline: number
  #lastStreamId = Number.POSITIVE_INFINITY
  /** The endpoint has shown that it speaks HTTP/2. */
  hasOpened = false
  /** Requests under way. */
  streams = 0
  #requests = 0
  #idleSince = 0
  #bytesRead = 0
  #quietSince = 0
  #pingedAt = 0
  #mayPingAt = 0
  readonly #toFlush: Http2UpstreamStream[] = []

  constructor(
    target: SocketTarget,
    connectTimeoutMs: number,
    limits: HeadLimits,
    time: CoarseTime,
    owner: SessionOwner,
  ) {
    this.#owner = owner
    this.#limits = limits
    this.#time = time
    this.scheme = target.serverName === undefined && target.tls === undefined ? 'http' : 'https'
    this.#connectDeadline = time.now + tickMs + connectTimeoutMs
    const socket = openSocket({ ...target, protocol: 'h2' }, undefined, () => this.#onConnect())
    this.socket = socket
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onError(error))
    socket.on('close', () => this.#onClose())
  }

  get isConnecting(): boolean {
    return this.#state === 'connecting'
  }

  /** It takes one more request. */
  get hasRoom(): boolean {
    return this.#state === 'open' && this.streams < this.#maxStreams()
  }

  get isUsed(): boolean {
    return this.#requests > 1
  }

  get bytesRead(): number {
    return this.socket.bytesRead
  }

  /** The session of Node. Throws before it is open. */
  get http2(): ClientHttp2Session {
    if (this.#session === undefined) throw new Error('the session is not open')
    return this.#session
  }

  #maxStreams(): number {
    return Math.min(maxStreams, this.#session?.remoteSettings.maxConcurrentStreams ?? 0)
  }

  isUnprocessed(id: number): boolean {
    return id > this.#lastStreamId
  }

  /** Takes a request. */
  add(stream: Http2UpstreamStream): void {
    if (this.streams === 0) {
      this.#quietSince = this.#time.now
      this.#pingedAt = 0
    }
    this.streams += 1
    this.#requests += 1
    stream.bind(this)
    if (this.#requests === maxRequests) this.drain()
  }

  /** A request is over. */
  remove(): void {
    this.streams -= 1
    this.#idleSince = this.#time.now
  }

  planFlush(stream: Http2UpstreamStream): void {
    const list = this.#toFlush
    if (list.at(-1) === stream) return
    list.push(stream)
    if (list.length > 1) return
    // What one read brought is told in ticks and callbacks; all of them are over then.
    setImmediate(() => {
      for (const each of list.splice(0)) each.flushSink()
    })
  }

  /** Takes no more requests, and closes once those under way are over. */
  drain(): void {
    if (this.#state === 'connecting') this.destroy()
    else if (this.#state === 'open') {
      this.#state = 'draining'
      this.#idleSince = this.#time.now
      this.#session?.close()
      this.#owner.onSessionDraining(this)
    }
  }

  /** Closes at once, with all that is under way. */
  destroy(): void {
    this.#session?.destroy()
    this.socket.destroy()
  }

  /** Ends what took too long, is idle, or dead. Called with each tick of the worker. */
  tick(now: number): void {
    if (this.#state === 'connecting') {
      if (now < this.#connectDeadline) return
      this.#failure = 'connect-timeout'
      this.destroy()
    } else if (this.streams > 0) this.#askWhetherAlive(now)
    else if (this.#state === 'open') {
      if (now - this.#idleSince > idleTimeoutMs) this.drain()
    } else if (now - this.#idleSince > closeTimeoutMs) this.destroy()
  }

  #askWhetherAlive(now: number): void {
    const { bytesRead } = this.socket
    if (bytesRead !== this.#bytesRead) {
      this.#bytesRead = bytesRead
      this.#quietSince = now
      this.#pingedAt = 0
    } else if (this.#pingedAt !== 0) {
      if (now - this.#pingedAt > pongTimeoutMs) this.destroy()
    } else if (now - this.#quietSince > quietMs && now >= this.#mayPingAt) {
      this.#pingedAt = now
      this.#mayPingAt = now + pingAgainMs
      if (this.#session?.destroyed === false) this.#session.ping(() => {})
    }
  }

  #onConnect(): void {
    if (this.#state !== 'connecting') return
    const { socket } = this
    // RFC 9113 §3.2: over TLS HTTP/2 is what both have agreed on, or it is not spoken.
    if (socket instanceof TLSSocket && socket.alpnProtocol !== 'h2') {
      this.#failure = 'protocol-unsupported'
      socket.destroy()
      return
    }
    const options = {
      createConnection: () => socket,
      settings: {
        enablePush: false,
        initialWindowSize: streamWindow,
        maxHeaderListSize: this.#limits.maxHeadBytes + 32 * this.#limits.maxFields,
      },
      maxHeaderListPairs: this.#limits.maxFields + 1,
      maxSessionMemory,
      // What may come twice is settled by our own rules: a field that a client sent twice goes twice.
      strictSingleValueFields: false,
    }
    const session = nodeHttp2().connect(`${this.scheme}://upstream`, options)
    this.#session = session
    session.once('connect', () => {
      if (!session.destroyed) session.setLocalWindowSize(sessionWindow)
    })
    session.once('remoteSettings', () => this.#onOpen())
    session.on('goaway', (_code, lastStreamId) => this.#onGoaway(lastStreamId))
    session.on('error', (error: NodeJS.ErrnoException) => this.#onError(error))
    session.on('close', () => this.#onClose())
  }

  #onOpen(): void {
    if (this.#state !== 'connecting') return
    this.#state = 'open'
    this.hasOpened = true
    this.#idleSince = this.#time.now
    this.#owner.onSessionOpen(this)
  }

  /** RFC 9113 §6.8: streams above the id were not processed; the id may become smaller, never larger. */
  #onGoaway(lastStreamId: number): void {
    this.#lastStreamId = Math.min(this.#lastStreamId, lastStreamId)
    if (this.#state !== 'open') return
    this.#state = 'draining'
    this.#idleSince = this.#time.now
    this.#owner.onSessionDraining(this)
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (this.#state !== 'connecting' || this.#failure !== 'connect-failed') return
    if (error.code === 'ETIMEDOUT') this.#failure = 'connect-timeout'
    else if (speaksNoHttp2(error)) this.#failure = 'protocol-unsupported'
  }

  #onClose(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#owner.onSessionClosed(this, this.#failure)
  }
}

/** It refused h2 by ALPN (RFC 7301 §3.2), or answered the preface with something else. */
function speaksNoHttp2({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' || code === 'ERR_HTTP2_ERROR'
}
