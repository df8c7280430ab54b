// What is a balance? One way to choose among the endpoints of a list, one file beside this one. READ FIRST.
//
// Every policy keeps these rules, and balance.test.ts holds each of them to them:
//   an endpoint that was tried, or is not in the list, is never chosen
//   one that is out (ejected, unhealthy) is passed over while there is another
//   it fails open: when all that are left are out, one of them is chosen; undefined only when none is left
import type { RequestView } from '../../../shared/routing/filters/kind.ts'
import type { EndpointPool } from '../endpoint-pool.ts'

/** What a policy chooses among. Replaced as a whole when endpoints come or go. */
export interface EndpointList {
  readonly pools: readonly EndpointPool[]
  /** Index of the pool whose turn it was last; all policies of the list share it. */
  turn: number
}

/**
 * Chooses an endpoint for `request`; undefined when all were tried. `tried` is empty for nearly every request. Without a view
 * of the request it is one without a key.
 */
export type PickEndpoint = (
  list: EndpointList,
  tried: readonly EndpointPool[],
  request: RequestView | undefined,
) => EndpointPool | undefined
