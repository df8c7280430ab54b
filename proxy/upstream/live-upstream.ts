// Which endpoint serves the next request of an upstream?
//
// Invariant: the list is replaced as a whole; an endpoint that is not in it is never chosen.
import type { Endpoint, Upstream } from '../../shared/routing/table.ts'
import type { EndpointPool } from './endpoint-pool.ts'
import type { EndpointPools } from './endpoint-pools.ts'

/** The endpoints of one upstream as a worker uses them. */
export class LiveUpstream {
  readonly key: string
  readonly #random: () => number
  #pools: readonly EndpointPool[] = []
  #endpoints: readonly Endpoint[] = []
  #next = 0
  /** False while the table has no such upstream: its Service does not exist. */
  isKnown = false
  /** How many routes name this upstream. */
  references = 0

  constructor(key: string, random: () => number) {
    this.key = key
    this.#random = random
  }

  /** The pools of the endpoints, in the table's order. */
  get pools(): readonly EndpointPool[] {
    return this.#pools
  }

  /** The endpoints of `pools`, in the same order; a new array with each change. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints
  }

  /** Replaces the endpoints; undefined when the table has no such upstream any more. */
  update(upstream: Upstream | undefined, all: EndpointPools): void {
    const before = this.#pools
    this.isKnown = upstream !== undefined
    this.#pools = (upstream?.endpoints ?? []).map((endpoint) => all.reference(endpoint))
    this.#endpoints = this.#pools.map((pool) => pool.endpoint)
    for (const pool of before) all.release(pool)
    // A random start, so that workers and proxies that restart together do not all begin with the same endpoint.
    this.#next = Math.floor(this.#random() * Math.max(1, this.#pools.length))
  }

  /** Chooses in turn, passing over ejected endpoints and those in `tried` while there is another. */
  roundRobin(tried: readonly EndpointPool[]): EndpointPool | undefined {
    const pools = this.#pools
    const count = pools.length
    let ejectedAt: number | undefined
    for (let step = 0; step < count; step += 1) {
      this.#next = this.#next + 1 >= count ? 0 : this.#next + 1
      const pool = pools[this.#next]
      if (pool === undefined || tried.includes(pool)) continue
      if (!pool.isEjected) return pool
      ejectedAt ??= this.#next
    }
    // Fail open: when all that are left are ejected, one of them is still better than no answer; they, too, in turn.
    if (ejectedAt === undefined) return undefined
    this.#next = ejectedAt
    return pools[ejectedAt]
  }

  /** Chooses the less busy of two random endpoints ("power of two choices"); else as roundRobin. */
  leastRequests(tried: readonly EndpointPool[]): EndpointPool | undefined {
    const count = this.#pools.length
    const at = Math.floor(this.#random() * count)
    // Never twice the same one: of two endpoints the busy one would otherwise get every fourth request.
    const step = 1 + Math.floor(this.#random() * Math.max(0, count - 1))
    const one = this.#pools[at]
    const two = this.#pools[(at + step) % count]
    if (one === undefined || two === undefined) return undefined
    const chosen = two.active < one.active ? two : one
    return chosen.isEjected || tried.includes(chosen) ? this.roundRobin(tried) : chosen
  }

  /** Finds the pool of one of `endpoints`. */
  poolOf(endpoint: Endpoint): EndpointPool | undefined {
    return this.#pools[this.#endpoints.indexOf(endpoint)]
  }
}
