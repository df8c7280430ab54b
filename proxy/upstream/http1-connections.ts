// Which HTTP/1.1 connections to one endpoint are open?
//
// Invariant: idle connections are kept as a stack, so that few are warm and the rest age out.
import type { ResponseSink } from '../http/stream.ts'
import { type ConnectionOwner, UpstreamConnection } from '../http1/upstream-connection.ts'
import type { CoarseTime } from '../net/coarse-time.ts'
import type { SocketTarget } from '../net/open-socket.ts'
import { add } from '../observe/slots.ts'
import type {
  ConnectionsOwner,
  EndpointConnections,
  PoolGauges,
  PoolLimits,
} from './endpoint-connections.ts'

// A server's promise is taken with this margin, so that it never closes while a request is on its way.
const keepAliveMarginMs = 1000

/** One connection per request in flight, and those that rest. */
export class Http1Connections implements EndpointConnections, ConnectionOwner {
  readonly #owner: ConnectionsOwner
  /** Made anew for each connection: certificates may have changed. */
  readonly #target: () => SocketTarget
  readonly #limits: PoolLimits
  readonly #time: CoarseTime
  readonly #gauges: PoolGauges
  readonly #idle: UpstreamConnection[] = []
  /** Those opened for the request that has them now. Made with the first: of many thousand endpoints most have none. */
  #fresh: Set<UpstreamConnection> | undefined

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

  /** Takes an idle connection, the one used last. */
  take(sink: ResponseSink): UpstreamConnection | undefined {
    for (
      let connection = this.#idle.pop();
      connection !== undefined;
      connection = this.#idle.pop()
    ) {
      this.#countIdle(-1)
      if (this.#isStale(connection)) {
        connection.destroy()
        continue
      }
      connection.take(sink)
      this.#countBusy(1)
      return connection
    }
    return undefined
  }

  open(connectTimeoutMs: number, sink: ResponseSink): UpstreamConnection {
    this.#countBusy(1)
    const connection = new UpstreamConnection(
      this.#target(),
      connectTimeoutMs,
      this.#limits,
      this.#time,
      this,
      sink,
    )
    this.#fresh ??= new Set()
    this.#fresh.add(connection)
    return connection
  }

  get connecting(): number {
    let count = 0
    for (const { socket } of this.#fresh ?? []) if (socket.connecting) count += 1
    return count
  }

  /** Takes back a connection whose exchange is over: kept when it can serve again, else closed. */
  giveBack(connection: UpstreamConnection): void {
    const isKept =
      connection.isReusable &&
      this.#owner.isNeeded &&
      this.#idle.length < this.#limits.upstreamMaxIdle
    if (!isKept) {
      this.discard(connection)
      return
    }
    this.#fresh?.delete(connection)
    this.#countBusy(-1)
    this.#countIdle(1)
    connection.rest()
    this.#idle.push(connection)
  }

  /** Closes a connection that an exchange has used. */
  discard(connection: UpstreamConnection): void {
    this.#fresh?.delete(connection)
    this.#countBusy(-1)
    connection.destroy()
  }

  onIdleClosed(connection: UpstreamConnection): void {
    const at = this.#idle.indexOf(connection)
    if (at === -1) return
    this.#idle.splice(at, 1)
    this.#countIdle(-1)
  }

  tick(): void {
    // The oldest are at the bottom of the stack.
    let old = 0
    while (old < this.#idle.length && this.#mustClose(this.#idle[old])) old += 1
    for (const connection of this.#idle.splice(0, old)) {
      this.#countIdle(-1)
      connection.destroy()
    }
  }

  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) {
      this.#countIdle(-1)
      connection.destroy()
    }
  }

  #mustClose(connection: UpstreamConnection | undefined): boolean {
    return connection !== undefined && (!this.#owner.isNeeded || this.#isStale(connection))
  }

  #isStale(connection: UpstreamConnection): boolean {
    const idleMs = this.#time.now - connection.idleSince
    const promised = connection.keepAliveMs - keepAliveMarginMs
    return (
      connection.socket.destroyed || idleMs > Math.min(this.#limits.upstreamIdleTimeoutMs, promised)
    )
  }

  #countBusy(change: number): void {
    this.#owner.countActive(change)
    add(this.#gauges.busy, change)
  }

  #countIdle(change: number): void {
    add(this.#gauges.idle, change)
  }
}
