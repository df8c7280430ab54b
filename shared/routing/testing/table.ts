// Tables for tests, from lists of routes and upstreams and back.
import { emptyMap, entriesOf, withEntries } from '../sharded-map.ts'
import type { Route, RouteTable, Upstream } from '../table.ts'

/** Makes a table; routes of one host keep their order. */
export function tableWith(
  routes: readonly Route[],
  upstreams: readonly Upstream[] = [],
  fallback?: Route,
): RouteTable {
  const table = {
    hosts: withEntries(
      emptyMap<readonly Route[]>(),
      Map.groupBy(routes, ({ match }) => match.host),
    ),
    upstreams: withEntries(
      emptyMap<Upstream>(),
      upstreams.map((upstream) => [upstream.key, upstream]),
    ),
  }
  return fallback === undefined ? table : { ...table, fallback }
}

/** Lists the routes of a table by host. */
export function routesIn(table: RouteTable): readonly Route[] {
  return byKey(entriesOf(table.hosts)).flatMap(([, routes]) => routes)
}

/** Lists the upstreams of a table by key. */
export function upstreamsIn(table: RouteTable): readonly Upstream[] {
  return byKey(entriesOf(table.upstreams)).map(([, upstream]) => upstream)
}

function byKey<V>(entries: Iterable<readonly [string, V]>): (readonly [string, V])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
}
