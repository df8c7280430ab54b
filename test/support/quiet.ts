// Is anything of a test's traffic left in a data plane? Gauges tell, as they would on a dashboard.
import { eventually } from '../../shared/testing/eventually.ts'
import type { InProcess } from './in-process.ts'

/** What a data plane holds now: all 0 when nobody is connected and nothing is in flight. */
export function heldBy({ plane, counter }: InProcess): Readonly<Record<string, number>> {
  return {
    inFlight: plane.inFlight,
    clientsActive: counter('weir_connections', { state: 'active' }),
    clientsIdle: counter('weir_connections', { state: 'idle' }),
    tunnels: counter('weir_connections', { state: 'tunnel' }),
    upstreamsBusy: counter('weir_upstream_connections', { state: 'busy' }),
  }
}

/** Waits until nothing is in flight and no client is connected; rejects with what is left when that never happens. */
export async function untilQuiet(proxy: InProcess, meanwhile?: () => void): Promise<void> {
  const isQuiet = () => Object.values(heldBy(proxy)).every((count) => count === 0)
  await eventually('nothing held', isQuiet, meanwhile).catch((cause: unknown) => {
    throw new Error(`still held: ${JSON.stringify(heldBy(proxy))}`, { cause })
  })
}

const stillMs = 200

/** Waits until `value` has been above 0 and the same for a while: whoever moves it has been stopped. Gives it. */
export async function untilStill(what: string, value: () => number): Promise<number> {
  let last = value()
  let since = performance.now()
  await eventually(
    `${what} stands still`,
    () => last > 0 && performance.now() - since > stillMs,
    () => {
      if (value() !== last) since = performance.now()
      last = value()
    },
    30_000,
  )
  return last
}
