// One client's connection: reads requests one at a time and in order, writes their responses, and ends well.
//
//              ┌───────────── keep-alive ──────────────┐
//              ▼                                       │
//   awaiting ──► exchanging (head given to the exchange; body while it is wanted) ──► lingering ──► closed
//                   └──► tunnel (after a 101) ─────────────────────────────────────────────────────►┘
//
// Invariant: a request's bytes are read only while its exchange wants them; a bounded part waits in `#held`.
// Invariant: after a framing error nothing more is read as HTTP from this connection.

import type { Socket } from 'node:net'
import type { FailureCode } from '../../shared/routing/failure.ts'
import type { OpenConnection, RequestSink } from '../http/stream.ts'
import type { TunnelEnd } from '../http/tunnel.ts'
import type { AcceptedSocket, SocketReader } from '../net/accepted-socket.ts'
import type { CoarseTime } from '../net/coarse-time.ts'
import { resetSocket } from '../net/reset-socket.ts'
import { WriteWatch } from '../net/write-watch.ts'
import { add, type Slot } from '../observe/slots.ts'
import { BodyReader } from './body-reader.ts'
import { Http1ClientStream, type StreamOwner, type WorkerTime } from './client-stream.ts'
import { HeadGatherer } from './head-gatherer.ts'
import { readRequestHead } from './read-request-head.ts'
import { type HeadLimits, Http1RequestHead } from './request-head.ts'

/** Time limits of a client connection, in ms, and what all connections of a worker share. */
export interface ClientLimits extends HeadLimits {
  /** From a request's first byte to the end of its head, whatever the drip rate. */
  readonly headerTimeoutMs: number
  /** Between two reads of a request's body. */
  readonly bodyIdleTimeoutMs: number
  /** Between two requests. */
  readonly keepAliveTimeoutMs: number
  /** For the client to take what was written. */
  readonly writeTimeoutMs: number
}

/** What all client connections of a worker share. */
export interface ClientShared extends WorkerTime {
  readonly clientLimits: ClientLimits
  readonly connectionGauges: ConnectionGauges
  /** All that are open. */
  readonly connections: Set<OpenConnection>
}

/** How many connections are in which state. */
export interface ConnectionGauges {
  readonly active: Slot
  readonly idle: Slot
  readonly tunnel: Slot
}

type State = 'awaiting' | 'exchanging' | 'tunnel' | 'lingering' | 'closed'

const requestLine = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32} [\x21-\x7e\x80-\xff]+ HTTP\/\d\.\d$/
// A FIN does not say whether the client still reads. It is given this long for an answer; a reset ends it at once.
const halfCloseGraceMs = 1500
const maxHeldBytes = 65_536
const lingerMs = 5000
const lingerBytes = 16 << 20

/** One accepted connection. Its exchange is set once, right after construction. */
export class ClientConnection implements SocketReader, StreamOwner, OpenConnection {
  readonly socket: Socket
  readonly #accepted: AcceptedSocket
  readonly stream: Http1ClientStream
  readonly #limits: ClientLimits
  readonly #time: CoarseTime
  readonly #all: Set<OpenConnection>
  readonly #gauges: ConnectionGauges
  #gauge: Slot
  readonly #head = new Http1RequestHead()
  readonly #gatherer: HeadGatherer
  #sink: RequestSink | undefined
  #tunnel: TunnelEnd | undefined
  readonly #body = new BodyReader()
  readonly #writes: WriteWatch
  #state: State = 'awaiting'
  /** Bytes that came before anybody wanted them: the start of a body, or pipelined requests. */
  #held: Buffer | undefined
  #isBodyWanted = false
  /** The current request has been read to its end. */
  isRequestRead = false
  #isPaused = false
  #isPumping = false
  #isHeadTimed = false
  #hasEnded = false
  #lingered = 0
  #readDeadline = 0
  #goneDeadline = 0
  #writtenAtEnd = 0
  /** Body bytes of the current request, as they came (without chunk framing). */
  bodyBytes = 0

  constructor(accepted: AcceptedSocket, shared: ClientShared) {
    const { socket } = accepted
    const { clientLimits: limits, time, connectionGauges, connections } = shared
    this.#all = connections
    connections.add(this)
    this.#accepted = accepted
    this.socket = socket
    this.stream = new Http1ClientStream(this, socket, shared)
    this.#gauges = connectionGauges
    this.#gauge = connectionGauges.idle
    add(this.#gauge, 1)
    this.#limits = limits
    this.#time = time
    this.#writes = new WriteWatch(socket, limits.writeTimeoutMs)
    this.#gatherer = new HeadGatherer(limits, requestLine)
    this.#readDeadline = time.now + limits.keepAliveTimeoutMs
    socket.on('end', () => this.#onEnd())
    socket.on('drain', () => this.#onDrain())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#onClose())
  }

  /** Names the exchange that serves this connection's requests, and begins to read them. */
  serve(sink: RequestSink): void {
    this.#sink = sink
    this.#accepted.readBy(this)
  }

  isReadInUse(): boolean {
    if (this.#tunnel !== undefined) return this.#tunnel.isReadInUse()
    return this.#held !== undefined || this.#sink?.isRequestInUse() === true
  }

  get isAtRest(): boolean {
    return this.#state !== 'exchanging' || this.isRequestRead
  }

  /** No request is being served and none has begun to arrive. */
  get isIdle(): boolean {
    return this.#state === 'awaiting' && !this.#gatherer.isPartial && this.#held === undefined
  }

  /** Lets the request's body come: what is held now, the rest as it arrives. */
  startBody(): void {
    if (this.#isBodyWanted || this.isRequestRead) return
    this.#isBodyWanted = true
    this.#readDeadline = this.#time.now + this.#limits.bodyIdleTimeoutMs
    const held = this.#held
    if (held !== undefined) {
      this.#held = undefined
      this.#readBody(held)
      // The FIN may have come while these bytes waited.
      if (this.#hasEnded) this.#endRequest()
    }
    if (this.#held === undefined) this.#resume()
  }

  /** Stops the request's body while the upstream is congested. */
  pauseBody(): void {
    if (this.isRequestRead || !this.#isBodyWanted) return
    this.#isBodyWanted = false
    this.#readDeadline = 0
  }

  /** Ends the exchange: the response is written. Reads the next request, or closes when `mayKeepAlive` is false. */
  endExchange(mayKeepAlive: boolean): void {
    this.stream.outbox.flush()
    if (this.#state === 'closed') return
    if (!mayKeepAlive || !this.isRequestRead || this.#hasEnded) {
      this.#linger()
      return
    }
    this.#state = 'awaiting'
    this.#count(this.#gauges.idle)
    this.#readDeadline = this.#time.now + this.#limits.keepAliveTimeoutMs
    this.#pump()
  }

  /** Cuts the connection, so that the client sees that its response is not whole. */
  abort(): void {
    this.stream.outbox.clear()
    resetSocket(this.socket)
  }

  /** Closes the connection if nothing is being served on it: no response's delivery is worth waiting for. */
  closeIdle(): void {
    if (this.isIdle) this.socket.destroySoon()
  }

  /** Turns this connection into one end of a tunnel; bytes, and an end, that came before the 101 are part of it. */
  startTunnel(tunnel: TunnelEnd): void {
    const early = this.#held
    this.#held = undefined
    this.#state = 'tunnel'
    this.#count(this.#gauges.tunnel)
    this.#tunnel = tunnel
    this.#readDeadline = 0
    if (early !== undefined) tunnel.onData(early)
    if (this.#hasEnded) tunnel.onEnd()
    this.#resume()
  }

  /** Ends what took too long. Called with each tick of the worker. */
  tick(now: number): void {
    if (this.#state === 'tunnel' || this.#state === 'closed') return
    this.stream.tick(now)
    if (this.#writes.isStalled(now)) {
      this.abort()
      return
    }
    if (this.#goneDeadline !== 0 && now > this.#goneDeadline) this.#endGrace(now)
    if (this.#readDeadline === 0 || now <= this.#readDeadline) return
    // What a slow client has not taken yet is bounded by the write timeout alone.
    if (this.#state === 'lingering' && this.socket.writableLength > 0) {
      this.#readDeadline = now + lingerMs
      return
    }
    this.#readDeadline = 0
    if (this.#state === 'lingering') this.socket.destroy()
    else if (this.#state === 'exchanging') this.#sink?.onRequestFailure('request-timeout')
    else if (this.#gatherer.isPartial) this.#refuse('request-timeout', this.#gatherer.begun)
    else this.socket.destroySoon()
  }

  /** The client sent FIN and has had its grace: gone, unless it took bytes in that time. */
  #endGrace(now: number): void {
    const written = this.socket.bytesWritten
    this.#goneDeadline = written > this.#writtenAtEnd ? now + halfCloseGraceMs : 0
    this.#writtenAtEnd = written
    if (this.#goneDeadline === 0 && this.#state === 'exchanging') this.#sink?.onClientGone()
  }

  onRead(bytes: Buffer): void {
    switch (this.#state) {
      case 'awaiting':
        this.#held = this.#held === undefined ? bytes : Buffer.concat([this.#held, bytes])
        this.#pump()
        return
      case 'exchanging':
        if (this.#isBodyWanted && !this.isRequestRead) this.#readBody(bytes)
        else this.#hold(bytes)
        return
      case 'tunnel':
        this.#tunnel?.onData(bytes)
        return
      case 'lingering':
        this.#lingered += bytes.length
        if (this.#lingered > lingerBytes) this.socket.destroy()
        return
      case 'closed':
        return
    }
  }

  #hold(bytes: Buffer): void {
    this.#held = this.#held === undefined ? bytes : Buffer.concat([this.#held, bytes])
    // Up to here the socket is still read, because only a socket that is read tells that its client is gone.
    if (this.#held.length > maxHeldBytes) this.#pause()
  }

  /**
   * Reads requests from what is held, until one has to wait. A loop, so that pipelining cannot deepen the stack; and not while
   * the client takes no answers, so that it cannot fill the memory with them.
   */
  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    while (
      this.#held !== undefined &&
      this.#state === 'awaiting' &&
      !this.stream.outbox.isCongested
    ) {
      const bytes = this.#held
      this.#held = undefined
      this.#readHead(bytes)
    }
    this.#isPumping = false
    if (this.#state !== 'awaiting') return
    if (this.stream.outbox.isCongested) this.#pause()
    else this.#resume()
  }

  #readHead(bytes: Buffer): void {
    const gatherer = this.#gatherer
    let at = 0
    if (!gatherer.isPartial) {
      // RFC 9112 §2.2: empty lines in front of a request line are skipped.
      while (bytes[at] === 0x0d && bytes[at + 1] === 0x0a) at += 2
      if (at === bytes.length) return
    }
    if (!gatherer.gather(bytes, at)) {
      if (gatherer.failure !== undefined) this.#refuse(gatherer.failure, gatherer.begun)
      else if (bytes.length > 0) this.#noteFirstByte()
      return
    }
    this.#noteHead(gatherer.text, bytes, gatherer.consumed)
  }

  #noteFirstByte(): void {
    if (this.#isHeadTimed) return
    this.#isHeadTimed = true
    this.#readDeadline = this.#time.now + this.#limits.headerTimeoutMs
  }

  #noteHead(gathered: string, bytes: Buffer, consumed: number): void {
    let text = gathered
    while (text.startsWith('\r\n')) text = text.slice(2)
    if (consumed < bytes.length) this.#held = bytes.subarray(consumed)
    if (text === '') return
    const head = this.#head
    const failure = readRequestHead(text, this.#limits, head)
    this.#isHeadTimed = false
    this.#readDeadline = 0
    this.bodyBytes = 0
    if (failure !== undefined) {
      this.#refuse(failure, text)
      return
    }
    this.#state = 'exchanging'
    this.#count(this.#gauges.active)
    this.stream.start(head, head.method === 'HEAD')
    this.#isBodyWanted = false
    this.#body.start(head.framing, head.contentLength)
    this.isRequestRead = this.#body.isDone
    this.#sink?.onRequestHead(head)
  }

  /** Answers a head that cannot be served and began like `begun`; nothing after it is read as HTTP. */
  #refuse(code: FailureCode, begun: string): void {
    this.#state = 'exchanging'
    this.#count(this.#gauges.active)
    this.stream.start(undefined, begun.startsWith('HEAD '))
    this.isRequestRead = false
    this.#held = undefined
    this.#readDeadline = 0
    this.bodyBytes = 0
    this.#gatherer.reset()
    this.#sink?.onRequestFailure(code)
  }

  #readBody(bytes: Buffer): void {
    this.#readDeadline = this.#time.now + this.#limits.bodyIdleTimeoutMs
    const end = this.#body.push(bytes, this)
    // Data may have ended the exchange (a body too large): what follows it means nothing any more.
    if (this.#state !== 'exchanging') return
    if (this.#body.isFailed) {
      this.#readDeadline = 0
      this.#held = undefined
      this.#sink?.onRequestFailure('malformed-request')
    } else if (this.#body.isDone) {
      if (end < bytes.length) this.#hold(bytes.subarray(end))
      this.#endBody(this.#body.trailers)
    }
  }

  /** Receives the body's data from its reader. */
  onBodyData(bytes: Buffer): void {
    this.bodyBytes += bytes.length
    this.stream.noteBody()
    if (this.#state === 'exchanging') this.#sink?.onRequestData(bytes)
  }

  #endBody(trailers: string): void {
    this.isRequestRead = true
    this.#readDeadline = 0
    this.#sink?.onRequestEnd(trailers)
  }

  #onDrain(): void {
    this.stream.outbox.isCongested = false
    if (this.#state === 'tunnel') this.#tunnel?.onDrain()
    else if (this.#state === 'awaiting') this.#pump()
    else this.#sink?.onClientDrained()
  }

  #onEnd(): void {
    this.#hasEnded = true
    switch (this.#state) {
      case 'awaiting':
        this.socket.destroySoon()
        return
      case 'exchanging':
        // Held bytes came before the FIN: whether the request is whole shows when they are read.
        if (this.isRequestRead || this.#held === undefined) this.#endRequest()
        return
      case 'tunnel':
        this.#tunnel?.onEnd()
        return
      case 'lingering':
        this.socket.destroySoon()
        return
      case 'closed':
        return
    }
  }

  /** The client sent FIN, and nothing that it sent is left to be read. */
  #endRequest(): void {
    if (this.#state !== 'exchanging') return
    if (this.isRequestRead) this.#startGrace()
    else this.#sink?.onRequestFailure('malformed-request')
  }

  #startGrace(): void {
    this.#goneDeadline = this.#time.now + halfCloseGraceMs
    this.#writtenAtEnd = this.socket.bytesWritten
  }

  /** Sends FIN, then reads on for a bounded while: a reset now could destroy the response on its way (RFC 9112 §9.6). */
  #linger(): void {
    if (this.#state === 'lingering' || this.#state === 'closed') return
    const isAllRead = this.isRequestRead && this.#held === undefined
    this.#state = 'lingering'
    this.#count(this.#gauges.idle)
    this.#held = undefined
    this.#readDeadline = this.#time.now + lingerMs
    this.#goneDeadline = 0
    if (this.#hasEnded) this.socket.destroySoon()
    // All was read and all was taken: the system sends the FIN behind it, and no reset can come of bytes that wait unread.
    else if (isAllRead && this.socket.writableLength === 0) this.socket.destroy()
    else {
      this.socket.end()
      this.#resume()
    }
  }

  #onClose(): void {
    const was = this.#state
    this.#state = 'closed'
    this.#held = undefined
    add(this.#gauge, -1)
    this.#all.delete(this)
    if (was === 'exchanging') this.#sink?.onClientGone()
    else if (was === 'tunnel') this.#tunnel?.onClose()
    this.#sink?.onClientClosed()
  }

  #count(gauge: Slot): void {
    add(this.#gauge, -1)
    add(gauge, 1)
    this.#gauge = gauge
  }

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.socket.pause()
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.socket.resume()
  }
}
