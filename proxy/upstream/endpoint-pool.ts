// Which endpoint is this, how is it, and over which connections is it reached?
//
// Invariant: an endpoint that no upstream names any more gets no new request; what is in flight finishes.

import { formatHostPort } from '../../shared/host-port.ts'
import type { Endpoint } from '../../shared/routing/table.ts'
import { idOfTls } from '../../shared/routing/upstreams/upstream-tls.ts'
import type { ResponseSink, UpstreamStream } from '../http/stream.ts'
import type { CoarseTime } from '../net/coarse-time.ts'
import type { SocketTarget } from '../net/open-socket.ts'
import type { PeakLatency } from './balance/peak-latency.ts'
import type {
  ConnectionsOwner,
  EndpointConnections,
  PoolGauges,
  PoolLimits,
} from './endpoint-connections.ts'
import { EndpointHealth } from './endpoint-health.ts'
import { hashText } from './hash-text.ts'
import { Http1Connections } from './http1-connections.ts'
import { Http2Sessions } from './http2-sessions.ts'
import type { TlsContexts } from './tls-contexts.ts'

/** The connections of one worker to one endpoint, and what it knows about the endpoint. */
export class EndpointPool implements ConnectionsOwner {
  readonly endpoint: Endpoint
  /** `address:port`, IPv6 in brackets. */
  readonly name: string
  /** Tells it apart from all others: what speaks TLS to another name, or another protocol, shares no connection. */
  readonly key: string
  readonly health: EndpointHealth
  /** Tells endpoints apart where keys are hashed; the same in every worker and node. */
  readonly seed: number
  readonly #limits: PoolLimits
  readonly #time: CoarseTime
  readonly #gauges: PoolGauges
  readonly #contexts: TlsContexts
  /** Made with the first request: of many thousand endpoints most have none. */
  #connections: EndpointConnections | undefined
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

  get isNeeded(): boolean {
    return this.references > 0
  }

  /** Its requests share a connection, which may end without having processed all of them (RFC 9113 §6.8). */
  get isShared(): boolean {
    return this.endpoint.protocol === 'h2'
  }

  countActive(change: number): void {
    this.active += change
  }

  /** Takes a connection that is there already. */
  takeIdle(sink: ResponseSink): UpstreamStream | undefined {
    return this.#connections?.take(sink)
  }

  /** Opens a connection, or waits for one. */
  open(connectTimeoutMs: number, sink: ResponseSink): UpstreamStream {
    this.#connections ??= this.#connect()
    return this.#connections.open(connectTimeoutMs, sink)
  }

  /** Requests that wait for a connection to be opened. */
  get connecting(): number {
    return this.#connections?.connecting ?? 0
  }

  /** Closes connections that are too old; all that are idle when nobody names the endpoint any more. */
  tick(): void {
    this.#connections?.tick()
  }

  /** Closes all idle connections. */
  closeIdle(): void {
    this.#connections?.closeIdle()
  }

  #connect(): EndpointConnections {
    const Connections = this.endpoint.protocol === 'h2' ? Http2Sessions : Http1Connections
    const target = () => this.#target()
    return new Connections(this, target, this.#limits, this.#time, this.#gauges)
  }

  #target(): SocketTarget {
    const { address, port, serverName, tls } = this.endpoint
    return {
      address,
      port,
      ...(serverName === undefined ? {} : { serverName }),
      ...(tls === undefined ? {} : { tls: this.#contexts.optionsFor(tls) }),
    }
  }
}

/** Names the pool of an endpoint among all pools of a worker. */
export function keyOf({ address, port, serverName, tls, protocol }: Endpoint): string {
  const name = formatHostPort(address, port)
  const spoken = protocol === undefined ? name : `${name} ${protocol}`
  if (tls !== undefined) return `${spoken} ${idOfTls(tls)}`
  return serverName === undefined ? spoken : `${spoken} ${serverName}`
}
