// For tests: endpoint pools whose time stands still until the test moves it.
import type { Slot } from '../../observe/slots.ts'
import { EndpointPools } from '../endpoint-pools.ts'
import type { Place } from '../near-endpoints.ts'
import { TlsContexts } from '../tls-contexts.ts'

/** Makes pools, the time they go by, and the gauges they keep; nowhere in particular unless said otherwise. */
export function testPools(place: Partial<Place> = {}) {
  const slot = (): Slot => ({ page: new Float64Array(1), at: 0 })
  const time = { now: 1000 }
  const gauges = { busy: slot(), idle: slot() }
  const limits = {
    ...{ maxLineBytes: 16384, maxHeadBytes: 65536, maxFields: 1000 },
    ...{ upstreamIdleTimeoutMs: 4000, upstreamMaxIdle: 2 },
    ...{ zone: place.zone, node: place.node },
  }
  const states = { serving: slot(), ejected: slot(), unhealthy: slot() }
  return {
    pools: new EndpointPools(limits, time, gauges, states, new TlsContexts(() => undefined)),
    time,
    gauges,
    limits,
  }
}
