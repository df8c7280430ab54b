// Which HTTP/2 sessions to one endpoint are open, and which request goes over which?
//
//   request ─► first session with room ─► else it waits: for a session that is being opened, or for room in one
//
// Invariant: an endpoint has at most `maxSessions` that take requests, however many requests wait, and none waits beyond its
// connect timeout.
// Invariant: requests that wait get their turn in the order in which they came.
import type { FailureCode } from '../../shared/routing/failure.ts'
import type { ResponseSink } from '../http/stream.ts'
import { type SessionOwner, UpstreamSession } from '../http2/upstream-session.ts'
import { Http2UpstreamStream, type StreamOwner } from '../http2/upstream-stream.ts'
import type { CoarseTime } from '../net/coarse-time.ts'
import type { SocketTarget } from '../net/open-socket.ts'
import { add, type Slot } from '../observe/slots.ts'
import type {
  ConnectionsOwner,
  EndpointConnections,
  PoolGauges,
  PoolLimits,
} from './endpoint-connections.ts'

const maxSessions = 16
/** How many requests a session that is being opened is thought to take; what common servers allow. */
const expectedRoom = 100

/** Many requests over few connections. */
export class Http2Sessions implements EndpointConnections, SessionOwner, StreamOwner {
  readonly #owner: ConnectionsOwner
  readonly #target: () => SocketTarget
  readonly #limits: PoolLimits
  readonly #time: CoarseTime
  readonly #gauges: PoolGauges
  /** Those that take requests, or will. */
  readonly #usable: UpstreamSession[] = []
  /** All that are not closed, and how each is counted. */
  readonly #all = new Map<UpstreamSession, Slot>()
  readonly #waiting: Http2UpstreamStream[] = []
  #connectTimeoutMs = 0
  #isClosing = false

  constructor(
    owner: ConnectionsOwner,
    target: () => SocketTarget,
    limits: PoolLimits,
    time: CoarseTime,
    gauges: PoolGauges,
  ) {
    this.#owner = owner
    this.#target = target
    this.#limits = limits
    this.#time = time
    this.#gauges = gauges
  }

  take(sink: ResponseSink): Http2UpstreamStream | undefined {
    // Whoever waits was here first.
    const session = this.#waiting.length > 0 ? undefined : this.#withRoom()
    if (session === undefined) return undefined
    const stream = this.#create(0, sink)
    this.#assign(stream, session)
    return stream
  }

  open(connectTimeoutMs: number, sink: ResponseSink): Http2UpstreamStream {
    const stream = this.#create(connectTimeoutMs, sink)
    this.#waiting.push(stream)
    this.#connectTimeoutMs = connectTimeoutMs
    // The caller does not have the stream yet.
    if (this.#withRoom() !== undefined) process.nextTick(() => this.#serve())
    else if (this.#mustConnect()) this.#connect(connectTimeoutMs)
    return stream
  }

  get connecting(): number {
    return this.#waiting.length
  }

  tick(): void {
    if (this.#all.size === 0) return
    const { now } = this.#time
    for (const session of this.#all.keys()) session.tick(now)
  }

  closeIdle(): void {
    this.#isClosing = true
    for (const session of [...this.#usable]) if (!session.isConnecting) session.drain()
  }

  #create(connectTimeoutMs: number, sink: ResponseSink): Http2UpstreamStream {
    this.#owner.countActive(1)
    return new Http2UpstreamStream(sink, connectTimeoutMs, this.#limits, this.#time, this)
  }

  #withRoom(): UpstreamSession | undefined {
    return this.#usable.find(({ hasRoom }) => hasRoom)
  }

  #mustConnect(): boolean {
    if (this.#usable.length >= maxSessions) return false
    let expected = 0
    for (const { isConnecting } of this.#usable) if (isConnecting) expected += expectedRoom
    return this.#waiting.length > expected
  }

  #connect(connectTimeoutMs: number): void {
    const session = new UpstreamSession(
      this.#target(),
      connectTimeoutMs,
      this.#limits,
      this.#time,
      this,
    )
    this.#usable.push(session)
    this.#count(session, this.#gauges.busy)
  }

  #assign(stream: Http2UpstreamStream, session: UpstreamSession): void {
    session.add(stream)
    this.#count(session, this.#gauges.busy)
  }

  /** Gives those that wait what room there is. */
  #serve(): void {
    while (this.#waiting.length > 0) {
      const session = this.#withRoom()
      const stream = session && this.#waiting.shift()
      if (session === undefined || stream === undefined) return
      this.#assign(stream, session)
      stream.ready()
    }
  }

  onStreamOver(stream: Http2UpstreamStream): void {
    this.#owner.countActive(-1)
    const { session } = stream
    if (!(session instanceof UpstreamSession)) {
      const at = this.#waiting.indexOf(stream)
      if (at !== -1) this.#waiting.splice(at, 1)
      return
    }
    session.remove()
    if (session.streams === 0 && this.#all.has(session)) this.#count(session, this.#gauges.idle)
    if (this.#waiting.length > 0) process.nextTick(() => this.#serve())
  }

  onSessionOpen(session: UpstreamSession): void {
    if (session.streams === 0) this.#count(session, this.#gauges.idle)
    this.#serve()
    // Its endpoint went away while it was opened.
    if (this.#isClosing) session.drain()
  }

  onSessionDraining(session: UpstreamSession): void {
    this.#forget(session)
    // Those that waited for room in it need another one.
    if (this.#mustConnect()) this.#connect(this.#connectTimeoutMs)
  }

  onSessionClosed(session: UpstreamSession, code: FailureCode): void {
    this.#forget(session)
    const slot = this.#all.get(session)
    if (slot !== undefined) add(slot, -1)
    this.#all.delete(session)
    if (session.hasOpened) {
      if (this.#mustConnect()) this.#connect(this.#connectTimeoutMs)
    } else if (this.#usable.length === 0) this.#failWaiting(code)
  }

  #forget(session: UpstreamSession): void {
    const at = this.#usable.indexOf(session)
    if (at !== -1) this.#usable.splice(at, 1)
  }

  #failWaiting(code: FailureCode): void {
    for (const stream of this.#waiting.splice(0)) stream.fail(code, 'nothing')
  }

  /** Counts a session as busy or idle. */
  #count(session: UpstreamSession, slot: Slot): void {
    const before = this.#all.get(session)
    if (before === slot) return
    if (before !== undefined) add(before, -1)
    add(slot, 1)
    this.#all.set(session, slot)
  }
}
