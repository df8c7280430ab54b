// Which endpoint is this key's? Rendezvous hashing: the key is hashed with each endpoint's name, and the highest score wins.
//
// Invariant: every worker and node gives a key the same endpoint while they see the same endpoints.
// Invariant: when an endpoint goes only its own keys move, and when one comes it takes only its fair share of the others'.
// No ring of points has to be built when endpoints change; a choice costs one multiplication or two per endpoint.
import type { RequestView } from '../../../shared/routing/filters/kind.ts'
import type { EndpointPool } from '../endpoint-pool.ts'
import { hashText, mix } from '../hash-text.ts'
import type { PickEndpoint } from './policy.ts'
import { pickInTurn } from './round-robin.ts'

/**
 * Makes a policy that gives a key its endpoint, or its next best one. With a `loadFactor` (> 1) no endpoint that a key gets
 * is above that many times the average of requests in flight ("consistent hashing with bounded loads", Mirrokni et al.).
 * Requests without a key go in turn: they would all meet at one endpoint.
 */
export function byHash(
  keyOf: (request: RequestView) => string,
  loadFactor: number | undefined,
): PickEndpoint {
  return (list, tried, request) => {
    const key = request === undefined ? '' : keyOf(request)
    if (key === '') return pickInTurn(list, tried)
    const hash = hashText(key)
    const { pools } = list
    const bound =
      loadFactor === undefined ? Number.POSITIVE_INFINITY : boundOf(pools, tried, loadFactor)
    return (
      best(pools, hash, (pool) => pool.active < bound && mayServe(pool, tried)) ??
      // Fail open: they are all out.
      best(pools, hash, (pool) => !tried.includes(pool))
    )
  }
}

/**
 * Makes a policy that gives a key `size` endpoints, those with its highest scores, and each of its requests one of them at
 * random. When they are all out or tried, the key's next one takes over.
 */
export function bySubset(
  keyOf: (request: RequestView) => string,
  size: number,
  random: () => number,
): PickEndpoint {
  return (list, tried, request) => {
    const key = request === undefined ? '' : keyOf(request)
    if (key === '') return pickInTurn(list, tried)
    const hash = hashText(key)
    const ordered = list.pools.toSorted((a, b) => mix(hash ^ b.seed) - mix(hash ^ a.seed))
    const serving = ordered.slice(0, size).filter((pool) => mayServe(pool, tried))
    return (
      serving[Math.floor(random() * serving.length)] ??
      ordered.find((pool) => mayServe(pool, tried)) ??
      ordered.find((pool) => !tried.includes(pool))
    )
  }
}

/** The endpoint of a key, in whatever state it is; undefined when there is none. */
export function endpointOfKey(
  pools: readonly EndpointPool[],
  key: string,
): EndpointPool | undefined {
  return best(pools, hashText(key), () => true)
}

/** A number in [0, 1) that stays the same for a text. Draws with different salts have nothing to do with each other. */
export function drawOf(text: string, salt: number): number {
  return mix(hashText(text) ^ salt) / 2 ** 32
}

/** Requests in flight from which on an endpoint takes no more: the average with this request, times the factor, rounded up. */
function boundOf(
  pools: readonly EndpointPool[],
  tried: readonly EndpointPool[],
  loadFactor: number,
): number {
  let active = 1
  let count = 0
  for (const pool of pools) {
    if (!mayServe(pool, tried)) continue
    active += pool.active
    count += 1
  }
  return Math.ceil((active * loadFactor) / count)
}

function mayServe(pool: EndpointPool, tried: readonly EndpointPool[]): boolean {
  return !pool.health.isOut && !tried.includes(pool)
}

function best(
  pools: readonly EndpointPool[],
  hash: number,
  isEligible: (pool: EndpointPool) => boolean,
): EndpointPool | undefined {
  let winner: EndpointPool | undefined
  let highest = -1
  for (const pool of pools) {
    const score = mix(hash ^ pool.seed)
    if (score <= highest || !isEligible(pool)) continue
    highest = score
    winner = pool
  }
  return winner
}
