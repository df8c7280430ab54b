// What changed between two tables? The control thread sends the answer to every worker.
//
// Invariant: a table with the delta applied equals the next table, routes of a host in the next table's order.
// References are compared first: the translator keeps those of whatever did not change.
import { isDeepStrictEqual } from 'node:util'
import type { Route, RouteTable, TableDelta, Upstream } from './table.ts'
import { isSameUpstream } from './upstreams/endpoints.ts'

/** Lists the changes; undefined when there are none. Without a previous table it is the whole next one, even if empty. */
export function diffTables(
  previous: RouteTable | undefined,
  next: RouteTable,
  version: number,
): TableDelta | undefined {
  const hosts = diffHosts(previous?.routes ?? [], next.routes)
  const upstreams = diffUpstreams(previous?.upstreams ?? [], next.upstreams)
  const delta: TableDelta = isDeepStrictEqual(previous?.fallback, next.fallback)
    ? { version, hosts, upstreams }
    : { version, hosts, upstreams, fallback: { route: next.fallback } }
  const isEmpty = hosts.size === 0 && upstreams.size === 0 && delta.fallback === undefined
  return isEmpty && previous !== undefined ? undefined : delta
}

function diffHosts(
  previous: readonly Route[],
  next: readonly Route[],
): ReadonlyMap<string, readonly Route[]> {
  const changed = new Map<string, readonly Route[]>()
  if (previous === next) return changed
  const before = Map.groupBy(previous, (route) => route.match.host)
  const after = Map.groupBy(next, (route) => route.match.host)
  for (const [host, routes] of after) {
    if (!areSameRoutes(before.get(host), routes)) changed.set(host, routes)
  }
  for (const host of before.keys()) if (!after.has(host)) changed.set(host, [])
  return changed
}

function areSameRoutes(before: readonly Route[] | undefined, after: readonly Route[]): boolean {
  return (
    before?.length === after.length &&
    after.every((route, index) => {
      const other = before[index]
      return route === other || isDeepStrictEqual(route, other)
    })
  )
}

function diffUpstreams(
  previous: readonly Upstream[],
  next: readonly Upstream[],
): ReadonlyMap<string, Upstream | undefined> {
  const changed = new Map<string, Upstream | undefined>()
  if (previous === next || diffInPlace(previous, next, changed)) return changed
  changed.clear()
  const before = new Map(previous.map((upstream) => [upstream.key, upstream]))
  for (const upstream of next) {
    const other = before.get(upstream.key)
    before.delete(upstream.key)
    if (other === undefined || !isSame(upstream, other)) changed.set(upstream.key, upstream)
  }
  for (const key of before.keys()) changed.set(key, undefined)
  return changed
}

/** The common case, without maps: the same keys in the same places. False when it is not that case. */
function diffInPlace(
  previous: readonly Upstream[],
  next: readonly Upstream[],
  changed: Map<string, Upstream | undefined>,
): boolean {
  if (previous.length !== next.length) return false
  for (const [index, upstream] of next.entries()) {
    const other = previous[index]
    if (upstream === other) continue
    if (upstream.key !== other?.key) return false
    if (!isSame(upstream, other)) changed.set(upstream.key, upstream)
  }
  return true
}

function isSame(a: Upstream, b: Upstream): boolean {
  return a === b || isSameUpstream(a, b)
}
