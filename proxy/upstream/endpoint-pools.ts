// Which endpoints does a worker know? One pool per address and port, shared by all upstreams that name it.
import type { Endpoint } from '../../shared/routing/table.ts'
import type { CoarseTime } from '../net/coarse-time.ts'
import { type Slot, set } from '../observe/slots.ts'
import type { PoolGauges, PoolLimits } from './endpoint-connections.ts'
import { EndpointPool, keyOf } from './endpoint-pool.ts'
import type { Place } from './near-endpoints.ts'
import type { TlsContexts } from './tls-contexts.ts'

/** What the pools of a worker are made with. */
export interface PoolSettings extends PoolLimits, Place {}

/** How many endpoints are in which state; each is counted once. */
export interface StateGauges {
  readonly serving: Slot
  readonly ejected: Slot
  readonly unhealthy: Slot
}

/** All endpoint pools of one worker, counted by how many upstreams name them. */
export class EndpointPools {
  readonly #settings: PoolSettings
  readonly #time: CoarseTime
  readonly #gauges: PoolGauges
  readonly #states: StateGauges
  readonly #contexts: TlsContexts
  readonly #pools = new Map<string, EndpointPool>()

  constructor(
    settings: PoolSettings,
    time: CoarseTime,
    gauges: PoolGauges,
    states: StateGauges,
    contexts: TlsContexts,
  ) {
    this.#contexts = contexts
    this.#settings = settings
    this.#time = time
    this.#gauges = gauges
    this.#states = states
  }

  /** Where this worker runs. */
  get place(): Place {
    return this.#settings
  }

  /** Gives the pool of an endpoint to one more upstream. */
  reference(endpoint: Endpoint): EndpointPool {
    const key = keyOf(endpoint)
    let pool = this.#pools.get(key)
    if (pool === undefined) {
      pool = new EndpointPool(endpoint, this.#settings, this.#time, this.#gauges, this.#contexts)
      this.#pools.set(key, pool)
    }
    pool.references += 1
    return pool
  }

  /** Takes the pool back from one upstream; without any left, its idle connections are closed. */
  release(pool: EndpointPool): void {
    pool.references -= 1
    if (pool.references > 0) return
    this.#pools.delete(pool.key)
    pool.closeIdle()
  }

  /** Closes idle connections that are too old, and counts endpoints by their state. */
  tick(): void {
    let ejected = 0
    let unhealthy = 0
    for (const pool of this.#pools.values()) {
      pool.tick()
      if (pool.health.isUnhealthy) unhealthy += 1
      else if (pool.health.isEjected) ejected += 1
    }
    set(this.#states.serving, this.#pools.size - ejected - unhealthy)
    set(this.#states.ejected, ejected)
    set(this.#states.unhealthy, unhealthy)
  }

  /** Closes all idle connections: the worker ends. */
  closeIdle(): void {
    for (const pool of this.#pools.values()) pool.closeIdle()
  }
}
