// How is a new endpoint kept from its full share while it warms up? Whatever the balance chooses is accepted with the
// probability that its warmth allows; else the balance chooses again without it.
//
// Invariant: endpoints that are equally warm get equal shares: after a start of the proxy nothing is held back.
import type { RequestView } from '../../../shared/routing/filters/kind.ts'
import type { EndpointPool } from '../endpoint-pool.ts'
import type { EndpointList, PickEndpoint } from './policy.ts'

/**
 * Puts slow start in front of `pick`. `draw` in [0, 1) decides about a cold endpoint; where it stays the same for a key,
 * the key moves once while the endpoint warms up, and not back and forth.
 */
export function withSlowStart(
  pick: PickEndpoint,
  windowMs: number,
  draw: (request: RequestView | undefined) => number,
): PickEndpoint {
  return (list, tried, request) => {
    const first = pick(list, tried, request)
    if (first === undefined || first.health.share(windowMs) === 1) return first
    const passedOver = [...tried]
    const warmest = warmestOf(list, windowMs)
    for (
      let pool: EndpointPool | undefined = first;
      pool !== undefined && !pool.health.isOut;
      pool = pick(list, passedOver, request)
    ) {
      if (draw(request) < pool.health.share(windowMs) / warmest) return pool
      passedOver.push(pool)
    }
    return first
  }
}

/** The largest share among those that serve. */
function warmestOf({ pools }: EndpointList, windowMs: number): number {
  let warmest = 0
  for (const { health } of pools) {
    if (!health.isOut) warmest = Math.max(warmest, health.share(windowMs))
  }
  return warmest
}
