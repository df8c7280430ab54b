// One client's connection: serves requests one at a time and in order, and ends well. What is read is the RequestReader's part,
// what is written the stream's.
//
//              ┌───────────── keep-alive ──────────────┐
//              ▼                                       │
//   awaiting ──► exchanging (head given to the exchange; body while it is wanted) ──► lingering ──► closed
//                   └──► tunnel (after a 101) ─────────────────────────────────────────────────────►┘
//
// Invariant: the next request is read only when the response before it is written, and while the client takes what is written.
// Invariant: after a framing error nothing more is read as HTTP from this connection.

import type { Socket } from 'node:net'
import type { FailureCode } from '../../shared/routing/failure.ts'
import type { ClientShared, ConnectionGauges } from '../http/client-shared.ts'
import type { OpenConnection, RequestSink } from '../http/stream.ts'
import type { TunnelEnd } from '../http/tunnel.ts'
import type { AcceptedConnection, SocketReader } from '../net/accepted-connection.ts'
import type { CoarseTime } from '../net/coarse-time.ts'
import { FinGrace } from '../net/fin-grace.ts'
import { Linger } from '../net/linger.ts'
import { resetSocket } from '../net/reset-socket.ts'
import { WriteWatch } from '../net/write-watch.ts'
import { add, type Slot } from '../observe/slots.ts'
import { Http1ClientStream, type StreamOwner } from './client-stream.ts'
import type { Http1RequestHead } from './request-head.ts'
import { RequestReader, type RequestReaderOwner } from './request-reader.ts'

type State = 'awaiting' | 'exchanging' | 'tunnel' | 'lingering' | 'closed'

/** One accepted connection. Its exchange is set once, right after construction. */
export class ClientConnection
  implements SocketReader, RequestReaderOwner, StreamOwner, OpenConnection
{
  readonly socket: Socket
  readonly #accepted: AcceptedConnection
  readonly stream: Http1ClientStream
  readonly #reader: RequestReader
  readonly #time: CoarseTime
  readonly #all: Set<OpenConnection>
  readonly #gauges: ConnectionGauges
  #gauge: Slot
  #sink: RequestSink | undefined
  #tunnel: TunnelEnd | undefined
  readonly #writes: WriteWatch
  #state: State = 'awaiting'
  #isPumping = false
  /** Since the client sent FIN. */
  #grace: FinGrace | undefined
  #linger: Linger | undefined

  constructor(accepted: AcceptedConnection, shared: ClientShared) {
    const { socket } = accepted
    const { clientLimits: limits, time, connectionGauges, connections } = shared
    this.#all = connections
    connections.add(this)
    this.#accepted = accepted
    this.socket = socket
    this.#reader = new RequestReader(this, socket, limits, time)
    this.stream = new Http1ClientStream(this, this.#reader, socket, shared)
    this.#gauges = connectionGauges.http1
    this.#gauge = this.#gauges.idle
    add(this.#gauge, 1)
    this.#time = time
    this.#writes = new WriteWatch(socket, limits.writeTimeoutMs)
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
    return this.#reader.holdsBytes || this.#sink?.isRequestInUse() === true
  }

  get isAtRest(): boolean {
    return this.#state !== 'exchanging' || this.#reader.isRequestRead
  }

  /** No request is being served and none has begun to arrive. */
  get isIdle(): boolean {
    const { isHeadPartial, holdsBytes } = this.#reader
    return this.#state === 'awaiting' && !isHeadPartial && !holdsBytes
  }

  /** Ends the exchange: the response is written. Reads the next request, or closes when `mayKeepAlive` is false. */
  endExchange(mayKeepAlive: boolean): void {
    this.stream.outbox.flush()
    if (this.#state === 'closed') return
    if (!mayKeepAlive || !this.#reader.isRequestRead || this.#reader.hasEnded) {
      this.#close()
      return
    }
    this.#state = 'awaiting'
    this.#count(this.#gauges.idle)
    this.#reader.awaitHead()
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
    const reader = this.#reader
    const early = reader.close()
    this.#state = 'tunnel'
    this.#count(this.#gauges.tunnel)
    this.#tunnel = tunnel
    if (early !== undefined) tunnel.onData(early)
    if (reader.hasEnded) tunnel.onEnd()
    reader.resume()
  }

  /** Ends what took too long. Called with each tick of the worker. */
  tick(now: number): void {
    if (this.#state === 'tunnel' || this.#state === 'closed') return
    this.stream.tick(now)
    if (this.#writes.isStalled(now)) {
      this.abort()
      return
    }
    const isGone = this.#grace?.isOver(now) === true
    if (isGone && this.#state === 'exchanging') this.#sink?.onClientGone()
    if (this.#state === 'lingering') this.#linger?.tick(now)
    else if (!this.#reader.isLate(now)) return
    else if (this.#state === 'exchanging') this.#sink?.onRequestFailure('request-timeout')
    else if (this.#reader.isHeadPartial) this.#reader.refuse('request-timeout')
    else this.socket.destroySoon()
  }

  onRead(bytes: Buffer): void {
    switch (this.#state) {
      case 'awaiting':
        this.#reader.add(bytes)
        this.#pump()
        return
      case 'exchanging':
        this.#reader.push(bytes)
        return
      case 'tunnel':
        this.#tunnel?.onData(bytes)
        return
      case 'lingering':
        this.#linger?.noteRead(bytes.length)
        return
      case 'closed':
        return
    }
  }

  /**
   * Reads requests from what is held, until one has to wait. A loop, so that pipelining cannot deepen the stack; and not while
   * the client takes no answers, so that it cannot fill the memory with them.
   */
  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    const reader = this.#reader
    const { outbox } = this.stream
    while (reader.holdsBytes && this.#state === 'awaiting' && !outbox.isCongested) {
      reader.readHead()
    }
    this.#isPumping = false
    if (this.#state !== 'awaiting') return
    if (outbox.isCongested) reader.pause()
    else reader.resume()
  }

  onHead(head: Http1RequestHead): void {
    this.#startExchange()
    this.stream.start(head, head.method === 'HEAD')
    this.#sink?.onRequestHead(head)
  }

  /** Answers a head that cannot be served. */
  onHeadFailure(code: FailureCode, begun: string): void {
    this.#startExchange()
    this.stream.start(undefined, begun.startsWith('HEAD '))
    this.#sink?.onRequestFailure(code)
  }

  #startExchange(): void {
    this.#state = 'exchanging'
    this.#count(this.#gauges.active)
  }

  onBody(bytes: Buffer): void {
    this.stream.noteBody()
    this.#sink?.onRequestData(bytes)
  }

  onBodyEnd(trailers: string): void {
    this.#sink?.onRequestEnd(trailers)
  }

  onBodyFailure(): void {
    this.#sink?.onRequestFailure('malformed-request')
  }

  #onDrain(): void {
    this.stream.outbox.isCongested = false
    if (this.#state === 'tunnel') this.#tunnel?.onDrain()
    else if (this.#state === 'awaiting') this.#pump()
    else this.#sink?.onClientDrained()
  }

  #onEnd(): void {
    this.#reader.end()
    switch (this.#state) {
      case 'awaiting':
      case 'lingering':
        this.socket.destroySoon()
        return
      case 'exchanging':
        // Held bytes came before the FIN: whether the request is whole shows when they are read.
        if (this.#reader.isRequestRead || !this.#reader.holdsBytes) this.onInputEnd()
        return
      case 'tunnel':
        this.#tunnel?.onEnd()
        return
      case 'closed':
        return
    }
  }

  /** The client sent FIN: it may wait for its answer, but a request that is not whole never will be. */
  onInputEnd(): void {
    if (this.#state !== 'exchanging') return
    if (this.#reader.isRequestRead) this.#grace = new FinGrace(this.socket, this.#time.now)
    else this.#sink?.onRequestFailure('malformed-request')
  }

  /** The last response is written. */
  #close(): void {
    if (this.#state === 'lingering' || this.#state === 'closed') return
    const reader = this.#reader
    const isAllRead = reader.isRequestRead && !reader.holdsBytes
    this.#state = 'lingering'
    this.#count(this.#gauges.idle)
    reader.close()
    this.#grace = undefined
    if (reader.hasEnded) this.socket.destroySoon()
    // All was read and all was taken: the system sends the FIN behind it, and no reset can come of bytes that wait unread.
    else if (isAllRead && this.socket.writableLength === 0) this.socket.destroy()
    else {
      this.#linger = new Linger(this.socket, this.#time.now)
      reader.resume()
    }
  }

  #onClose(): void {
    const was = this.#state
    this.#state = 'closed'
    this.#reader.close()
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
}
