// Which of two random endpoints is cheaper? ("The power of two choices": nearly as even as asking all, at the price of two.)
//
// Invariant: all workers and nodes choose by themselves; two random ones keep them from crowding the one that seems best.
import type { EndpointPool } from '../endpoint-pool.ts'
import type { PickEndpoint } from './policy.ts'
import { pickInTurn } from './round-robin.ts'

/** Makes a policy that takes the cheaper of two by `cost`, the first at equal cost; in turn where that one may not be had. */
export function cheaperOfTwo(
  random: () => number,
  cost: (pool: EndpointPool) => number,
): PickEndpoint {
  return (list, tried) => {
    const { pools } = list
    const count = pools.length
    const at = Math.floor(random() * count)
    // Never twice the same one: of two endpoints the busy one would otherwise get every fourth request.
    const step = 1 + Math.floor(random() * Math.max(0, count - 1))
    const one = pools[at]
    const two = pools[(at + step) % count]
    if (one === undefined || two === undefined) return undefined
    const chosen = cost(two) < cost(one) ? two : one
    return chosen.health.isOut || tried.includes(chosen) ? pickInTurn(list, tried) : chosen
  }
}
