// Who is next? The balance of a route that asks for none, and what the others fall back to.
import type { EndpointPool } from '../endpoint-pool.ts'
import type { EndpointList } from './policy.ts'

/** Chooses in turn, passing over those that are out and those in `tried` while there is another. */
export function pickInTurn(
  list: EndpointList,
  tried: readonly EndpointPool[],
): EndpointPool | undefined {
  const { pools } = list
  const count = pools.length
  let outAt: number | undefined
  for (let step = 0; step < count; step += 1) {
    list.turn = list.turn + 1 >= count ? 0 : list.turn + 1
    const pool = pools[list.turn]
    if (pool === undefined || tried.includes(pool)) continue
    if (!pool.health.isOut) return pool
    outAt ??= list.turn
  }
  // Fail open: when all that are left are out, one of them is still better than no answer; they, too, in turn.
  if (outAt === undefined) return undefined
  list.turn = outAt
  return pools[outAt]
}
