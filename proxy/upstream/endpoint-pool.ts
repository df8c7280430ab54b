// Which connections to one endpoint are open?
//
// Invariant: an endpoint that no upstream names any more gets no new request; what is in flight finishes.
// Invariant: idle connections are kept as a stack, so that few are warm and the rest age out.

import { formatHostPort } from '../../shared/host-port.ts'
import type { Endpoint } from '../../shared/routing/table.ts'
import { idOfTls } from '../../shared/routing/upstreams/upstream-tls.ts'
import type { HeadLimits } from '../http/head-limits.ts'
import type { ResponseSink } from '../http/stream.ts'
import { type ConnectionOwner, UpstreamConnection } from '../http1/upstream-connection.ts'
import type { CoarseTime } from '../net/coarse-time.ts'
import { add, type Slot } from '../observe/slots.ts'
import type { PeakLatency } from './balance/peak-latency.ts'
import { EndpointHealth } from './endpoint-health.ts'
import { hashText } from './hash-text.ts'
import type { TlsContexts } from './tls-contexts.ts'

/** Limits of a pool; times in ms. */
export interface PoolLimits extends HeadLimits {
  /** An idle connection is closed after this; shorter than what common servers keep (Node: 5 s). */
  readonly upstreamIdleTimeoutMs: number
  readonly upstreamMaxIdle: number
}

/** Gauges that all pools of a worker share. */
export interface PoolGauges {
  readonly busy: Slot
  readonly idle: Slot
}

// A server's promise is taken with this margin, so that it never closes while a request is on its way.
const keepAliveMarginMs = 1000

/** The connections of one worker to one endpoint, and what it knows about the endpoint. */
export class EndpointPool implements ConnectionOwner {
  readonly endpoint: Endpoint
  /** `address:port`, IPv6 in brackets. */
  readonly name: string
  /** Tells it apart from all others: what speaks TLS to another name shares no connection. */
  readonly key: string
  readonly health: EndpointHealth
  /** Tells endpoints apart where keys are hashed; the same in every worker and node. */
  readonly seed: number
  readonly #limits: PoolLimits
  readonly #time: CoarseTime
  readonly #gauges: PoolGauges
  readonly #contexts: TlsContexts
  readonly #idle: UpstreamConnection[] = []
  /** Those opened for the request that has them now. Made with the first: of many thousand endpoints most have none. */
  #fresh: Set<UpstreamConnection> | undefined
  /** How many upstreams name this endpoint. */
  references = 0
  /** Requests and tunnels in flight. */
  active = 0
  /** Measured only once a route balances by it. */
  latency: PeakLatency | undefined

  constructor(
    endpoint: Endpoint,
    limits: PoolLimits,
    time: CoarseTime,
    gauges: PoolGauges,
    contexts: TlsContexts,
  ) {
    this.#contexts = contexts
    this.endpoint = endpoint
    this.name = formatHostPort(endpoint.address, endpoint.port)
    this.key = keyOf(endpoint)
    this.health = new EndpointHealth(time)
    this.seed = hashText(this.name)
    this.#limits = limits
    this.#time = time
    this.#gauges = gauges
  }

  /** Takes an idle connection, the one used last. */
  takeIdle(sink: ResponseSink): UpstreamConnection | undefined {
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

  /** Opens a new connection. */
  open(connectTimeoutMs: number, sink: ResponseSink): UpstreamConnection {
    this.#countBusy(1)
    const { address, port, serverName, tls } = this.endpoint
    const connection = new UpstreamConnection(
      {
        address,
        port,
        ...(serverName === undefined ? {} : { serverName }),
        ...(tls === undefined ? {} : { tls: this.#contexts.optionsFor(tls) }),
      },
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

  /** Connections that are being opened. */
  get connecting(): number {
    let count = 0
    for (const { socket } of this.#fresh ?? []) if (socket.connecting) count += 1
    return count
  }

  /** Takes back a connection whose exchange is over: kept when it can serve again, else closed. */
  giveBack(connection: UpstreamConnection): void {
    const isKept =
      connection.isReusable &&
      this.references > 0 &&
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

  /** Closes idle connections that are too old; all of them when nobody names the endpoint any more. */
  tick(): void {
    // The oldest are at the bottom of the stack.
    let old = 0
    while (old < this.#idle.length && this.#mustClose(this.#idle[old])) old += 1
    for (const connection of this.#idle.splice(0, old)) {
      this.#countIdle(-1)
      connection.destroy()
    }
  }

  /** Closes all idle connections. */
  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) {
      this.#countIdle(-1)
      connection.destroy()
    }
  }

  #mustClose(connection: UpstreamConnection | undefined): boolean {
    return connection !== undefined && (this.references === 0 || this.#isStale(connection))
  }

  #isStale(connection: UpstreamConnection): boolean {
    const idleMs = this.#time.now - connection.idleSince
    const promised = connection.keepAliveMs - keepAliveMarginMs
    return (
      connection.socket.destroyed || idleMs > Math.min(this.#limits.upstreamIdleTimeoutMs, promised)
    )
  }

  #countBusy(change: number): void {
    this.active += change
    add(this.#gauges.busy, change)
  }

  #countIdle(change: number): void {
    add(this.#gauges.idle, change)
  }
}

/** Names the pool of an endpoint among all pools of a worker. */
export function keyOf({ address, port, serverName, tls }: Endpoint): string {
  const name = formatHostPort(address, port)
  if (tls !== undefined) return `${name} ${idOfTls(tls)}`
  return serverName === undefined ? name : `${name} ${serverName}`
}
