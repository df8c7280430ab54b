// Which endpoint of an upstream takes this attempt, by a route's policy?
//
// Invariant: a far endpoint is chosen only when every near one is out or was tried.
import type { RequestView } from '../../shared/routing/filters/kind.ts'
import type { PickEndpoint } from './balance/policy.ts'
import type { EndpointPool } from './endpoint-pool.ts'
import type { LiveUpstream } from './live-upstream.ts'

/** Chooses among near endpoints, else among far ones; undefined when all were tried. */
export function chooseEndpoint(
  { list, far }: LiveUpstream,
  pick: PickEndpoint,
  tried: readonly EndpointPool[],
  request: RequestView | undefined,
): EndpointPool | undefined {
  const near = pick(list, tried, request)
  if (far === undefined || near?.health.isOut === false) return near
  const other = pick(far, tried, request)
  return near === undefined || other?.health.isOut === false ? other : near
}
