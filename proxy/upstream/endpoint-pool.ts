// Which connections to one endpoint are open, and does the endpoint answer?
//
// Invariant: an endpoint that no upstream names any more gets no new request; what is in flight finishes.
// Invariant: idle connections are kept as a stack, so that few are warm and the rest age out.

import type { Endpoint } from '../../shared/routing/table.ts'
import type { HeadLimits } from '../http1/request-head.ts'
import {
  type ConnectionOwner,
  type ResponseSink,
  UpstreamConnection,
} from '../http1/upstream-connection.ts'
import type { CoarseTime } from '../net/coarse-time.ts'
import { add, type Slot } from '../observe/slots.ts'

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
// Passive health (Envoy's outlier detection): so many failures in a row, then out for 10 s, longer each time.
const failuresToEject = 5
const ejectBaseMs = 10_000
const ejectMaxMs = 300_000

/** The connections of one worker to one endpoint, and the endpoint's health as seen by its requests. */
export class EndpointPool implements ConnectionOwner {
  readonly endpoint: Endpoint
  /** `address:port`, IPv6 in brackets. */
  readonly name: string
  readonly #limits: PoolLimits
  readonly #time: CoarseTime
  readonly #gauges: PoolGauges
  readonly #idle: UpstreamConnection[] = []
  /** How many upstreams name this endpoint. */
  references = 0
  /** Requests and tunnels in flight. */
  active = 0
  #failures = 0
  #ejections = 0
  #ejectedUntil = 0

  constructor(endpoint: Endpoint, limits: PoolLimits, time: CoarseTime, gauges: PoolGauges) {
    this.endpoint = endpoint
    this.name = endpointName(endpoint)
    this.#limits = limits
    this.#time = time
    this.#gauges = gauges
  }

  /** It failed so often in a row that other endpoints are preferred for a while. */
  get isEjected(): boolean {
    return this.#ejectedUntil > this.#time.now
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
    const { address, port } = this.endpoint
    return new UpstreamConnection(
      address,
      port,
      connectTimeoutMs,
      this.#limits,
      this.#time,
      this,
      sink,
    )
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
    this.#countBusy(-1)
    this.#countIdle(1)
    connection.release()
    this.#idle.push(connection)
  }

  /** Closes a connection that an exchange has used. */
  discard(connection: UpstreamConnection): void {
    this.#countBusy(-1)
    connection.destroy()
  }

  onIdleClosed(connection: UpstreamConnection): void {
    const at = this.#idle.indexOf(connection)
    if (at === -1) return
    this.#idle.splice(at, 1)
    this.#countIdle(-1)
  }

  /** Notes that the endpoint answered. */
  noteSuccess(): void {
    if (this.#failures + this.#ejections === 0) return
    this.#failures = 0
    this.#ejections = 0
  }

  /** Notes that the endpoint refused, reset or did not answer; `others` is how many more its upstream has. */
  noteFailure(others: number): void {
    this.#failures += 1
    if (this.#failures < failuresToEject || others === 0) return
    this.#failures = 0
    this.#ejections += 1
    this.#ejectedUntil = this.#time.now + Math.min(ejectBaseMs * this.#ejections, ejectMaxMs)
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

/** Names an endpoint as logs and cookies do: `address:port`, IPv6 in brackets. */
export function endpointName({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
