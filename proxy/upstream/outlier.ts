// What does a response say about its endpoint, for a route that counts 5xx?
import type { Outlier } from '../../shared/routing/backend.ts'
import type { EndpointPool } from './endpoint-pool.ts'

const defaultEjectMs = 10_000
const defaultMaxEjectedPercent = 50

/** Notes a 5xx of `pool`, one of `pools`: in a row they eject it, unless too many others are ejected already. */
export function noteServerError(
  pool: EndpointPool,
  pools: readonly EndpointPool[],
  { consecutive5xx, ejectMs, maxEjectedPercent }: Outlier,
): void {
  pool.health.noteServerError(consecutive5xx, ejectMs ?? defaultEjectMs, () =>
    mayEjectOneMore(pools, maxEjectedPercent ?? defaultMaxEjectedPercent),
  )
}

/** The only endpoint never goes; of several one always may, and then as many as the share allows. */
function mayEjectOneMore(pools: readonly EndpointPool[], maxPercent: number): boolean {
  let ejected = 0
  for (const { health } of pools) if (health.isEjected) ejected += 1
  return pools.length > 1 && ejected < Math.max(1, Math.floor((pools.length * maxPercent) / 100))
}
