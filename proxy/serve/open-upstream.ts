// Whom may Weir ask by a host and path, as everybody may?
import { filterKinds } from '../../shared/routing/filters/kinds.ts'
import { normalisePath, readingsOf } from '../../shared/routing/path.ts'
import { selectRoute } from '../../shared/routing/router/router.ts'
import { upstreamOf } from '../../shared/routing/table.ts'
import type { LiveRoute } from './live-route.ts'
import type { WorkerState } from './worker-state.ts'

/** Finds the upstream that serves a target on a host to everybody, as it is asked for; empty when none does. */
export function openUpstream({ router }: WorkerState, host: string, target: string): string {
  const path = normalisePath(target.split('?', 1)[0] ?? '')
  // What may be read as a path of another route is not asked for.
  if (path === undefined || readingsOf(path) !== undefined) return ''
  const live = selectRoute(router, host, path, ({ conditions }) => conditions === undefined)
  return live !== undefined && isOpen(live) ? upstreamOf(live.route) : ''
}

/** Says whether no filter of a route keeps anybody out, or asks its backend for another path. */
function isOpen({ route }: LiveRoute): boolean {
  return !route.filters.some(
    ({ kind }) => kind === 'rewrite' || filterKinds.get(kind)?.isGuard !== undefined,
  )
}
