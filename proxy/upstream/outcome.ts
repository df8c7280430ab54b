// What does the outcome of a try say about the endpoint and its Service? For health, breaker and measured latency.
//
// Invariant: a route that asks for nothing pays for a success with two comparisons.
import type { CoarseTime } from '../net/coarse-time.ts'
import type { Destination, LiveChoice } from './destination.ts'
import type { EndpointPool } from './endpoint-pool.ts'
import { noteServerError } from './outlier.ts'

/** Notes that `pool`, of `choice`, answered with `status`. */
export function noteAnswer(
  { outlier }: Destination,
  { upstream, breaker }: LiveChoice,
  pool: EndpointPool,
  status: number,
): void {
  if (status < 500 || outlier === undefined) pool.health.noteSuccess()
  else noteServerError(pool, upstream.pools, outlier)
  if (breaker === undefined) return
  if (status < 500) breaker.noteSuccess()
  else breaker.noteFailure()
}

/** Notes that it refused, reset or did not answer, `ms` after the request was sent. */
export function noteNoAnswer(
  { upstream, breaker }: LiveChoice,
  pool: EndpointPool,
  ms: number,
  time: CoarseTime,
): void {
  pool.health.noteFailure(upstream.pools.length - 1)
  pool.latency?.observeFailure(ms, time.now)
  breaker?.noteFailure()
}
