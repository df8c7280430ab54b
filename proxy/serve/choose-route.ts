// Which route serves a request? Host, path and conditions find it; a path that might walk past another route finds none, nor does a
// host that is not its connection's.
//
// Routes in Skipper's words mean paths as Skipper reads them: decoded once, slashes merged. For them that reading decides, and a
// path that they would have as it stands is theirs no more; other routes are not walked past by it.
import { isDeepStrictEqual } from 'node:util'
import { isAmbiguous } from '../../shared/routing/ambiguity.ts'
import { cleanedPath } from '../../shared/routing/path.ts'
import { selectRoute } from '../../shared/routing/router/router.ts'
import type { PeerFacts } from '../http/forwarded.ts'
import type { RequestHead } from '../http/stream.ts'
import type { LiveRoute } from './live-route.ts'
import type { WorkerState } from './worker-state.ts'

/** Finds the route of a request, or says why none may serve it. `holds` answers for the conditions of a route. */
export function chooseRoute(
  { router, fallback }: WorkerState,
  { connection: { tls } }: PeerFacts,
  { host, path, readings }: RequestHead,
  holds: (route: LiveRoute) => boolean,
): LiveRoute | 'misdirected-request' | 'no-route' | 'ambiguous-path' {
  if (tls?.mayAsk(host) === false) return 'misdirected-request'
  if (readings === undefined)
    return selectRoute(router, host, path, holds) ?? fallback ?? 'no-route'
  const find = (reading: string) => selectRoute(router, host, reading, holds) ?? fallback
  const cleaned = find(cleanedPath(path))
  const strict = find(readings.matched)
  const route = isOfSkipper(cleaned) || isOfSkipper(strict) ? cleaned : strict
  if (route === undefined) return 'no-route'
  if (
    route !== strict &&
    !isOfSkipper(strict) &&
    strict !== undefined &&
    !servesAlike(route, strict)
  )
    return 'ambiguous-path'
  return isAmbiguous(readings, route, find, servesAlike) ? 'ambiguous-path' : route
}

function isOfSkipper(route: LiveRoute | undefined): boolean {
  return route?.route.match.weight !== undefined
}

/** Says whether two routes do the same with a request. Plain data is compared, which is too slow for every request. */
function servesAlike({ route: a }: LiveRoute, { route: b }: LiveRoute): boolean {
  return isDeepStrictEqual(a.filters, b.filters) && isDeepStrictEqual(a.backend, b.backend)
}
