// Which endpoints does one upstream have now?
//
// Invariant: the list is replaced as a whole; an endpoint that is not in it is never chosen.
import type { Upstream } from '../../shared/routing/table.ts'
import type { EndpointList } from './balance/policy.ts'
import type { EndpointPool } from './endpoint-pool.ts'
import type { EndpointPools } from './endpoint-pools.ts'
import { nearEndpoints } from './near-endpoints.ts'

/** The endpoints of one upstream as a worker uses them. */
export class LiveUpstream {
  readonly key: string
  readonly #random: () => number
  #list: EndpointList = { pools: [], turn: 0 }
  #far: EndpointList | undefined
  #pools: readonly EndpointPool[] = []
  /** False while the table has no such upstream: its Service does not exist. */
  isKnown = false
  /** How many routes name this upstream. */
  references = 0

  constructor(key: string, random: () => number) {
    this.key = key
    this.#random = random
  }

  /** What a balance chooses among: the near endpoints, or all. A new object with each change. */
  get list(): EndpointList {
    return this.#list
  }

  /** The endpoints that serve while none of `list` does. */
  get far(): EndpointList | undefined {
    return this.#far
  }

  /** The pools of all endpoints, in the table's order; a new array with each change. */
  get pools(): readonly EndpointPool[] {
    return this.#pools
  }

  /** Replaces the endpoints; undefined when the table has no such upstream any more. */
  update(upstream: Upstream | undefined, all: EndpointPools): void {
    const before = this.#pools
    this.isKnown = upstream !== undefined
    const endpoints = upstream?.endpoints ?? []
    const near = nearEndpoints(endpoints, all.place)
    const placed = endpoints.map((endpoint) => ({
      pool: all.reference(endpoint),
      isFar: near?.has(endpoint) === false,
    }))
    // Mapped, not pushed: a list that grows by push has room for 16 more, which few of many thousand upstreams would use.
    const pools = placed.map(({ pool }) => pool)
    const far = placed.filter(({ isFar }) => isFar).map(({ pool }) => pool)
    for (const pool of before) all.release(pool)
    this.#pools = pools
    this.#list = this.#listOf(
      far.length === 0 ? pools : placed.filter(({ isFar }) => !isFar).map(({ pool }) => pool),
    )
    this.#far = far.length === 0 ? undefined : this.#listOf(far)
  }

  /** Starts at random, so that workers and proxies that restart together do not all begin with the same endpoint. */
  #listOf(pools: readonly EndpointPool[]): EndpointList {
    return { pools, turn: Math.floor(this.#random() * Math.max(1, pools.length)) }
  }
}
