// A route as a worker uses it: everything that a request would have to ask is decided when the route is built.

import { compilePolicy } from '../../shared/routing/filters/compile.ts'
import type { CompiledPolicy } from '../../shared/routing/filters/compiled.ts'
import type { Route } from '../../shared/routing/table.ts'
import type { Recorder } from '../observe/recorder.ts'
import type { RouteCounters } from '../observe/slots.ts'
import type { LiveUpstream } from '../upstream/live-upstream.ts'

/** One route, compiled. */
export interface LiveRoute {
  readonly route: Route
  readonly upstream: LiveUpstream
  /** Absent when the route asks for nothing. */
  readonly policy: CompiledPolicy | undefined
  readonly counters: RouteCounters
}

/** Compiles `route`, whose upstream is `upstream`. */
export function buildRoute(route: Route, upstream: LiveUpstream, recorder: Recorder): LiveRoute {
  return {
    route,
    upstream,
    policy: route.policy === undefined ? undefined : compilePolicy(route.policy, route),
    counters: recorder.countersFor(route.namespace, route.ingress, route.service),
  }
}
