// What changed between two tables? The control thread sends the answer to every worker.
//
// Invariant: a table with the delta applied equals the next table, routes of a host in the next table's order.
// References are compared first: what did not change keeps its own, so that the delta costs what changed.
import { isDeepStrictEqual } from 'node:util'
import type { CertificateRef } from './certificates.ts'
import { noServingRules } from './serving-rules.ts'
import { differences, emptyMap, type ShardedMap } from './sharded-map.ts'
import { emptyTable, type Route, type RouteTable, type TableDelta, type Upstream } from './table.ts'
import { isSameUpstream } from './upstreams/endpoints.ts'

/** Lists the changes; undefined when there are none. Without a previous table it is the whole next one, even if empty. */
export function diffTables(
  previous: RouteTable | undefined,
  next: RouteTable,
  version: number,
): TableDelta | undefined {
  const before = previous ?? emptyTable
  const hosts = diffHosts(before.hosts, next.hosts)
  const upstreams = diffUpstreams(before.upstreams, next.upstreams)
  const certificates = diffCertificates(before.certificates, next.certificates)
  const { fallback, serving = noServingRules } = next
  const isFallbackSame = isDeepStrictEqual(before.fallback, fallback)
  const isServingSame = isDeepStrictEqual(before.serving ?? noServingRules, serving)
  const delta: TableDelta = {
    version,
    hosts,
    upstreams,
    ...(isFallbackSame ? {} : { fallback: { route: fallback } }),
    ...(isServingSame ? {} : { serving }),
    ...(certificates.size === 0 ? {} : { certificates }),
  }
  const isRestSame = isFallbackSame && isServingSame && certificates.size === 0
  const isEmpty = hosts.size === 0 && upstreams.size === 0 && isRestSame
  return isEmpty && previous !== undefined ? undefined : delta
}

function diffHosts(
  previous: ShardedMap<readonly Route[]>,
  next: ShardedMap<readonly Route[]>,
): ReadonlyMap<string, readonly Route[]> {
  const changed = new Map<string, readonly Route[]>()
  for (const [host, before, after] of differences(previous, next)) {
    if (after === undefined || !areSameRoutes(before, after)) changed.set(host, after ?? [])
  }
  return changed
}

const noCertificates: ShardedMap<readonly CertificateRef[]> = emptyMap()

function diffCertificates(
  previous: RouteTable['certificates'] = noCertificates,
  next: RouteTable['certificates'] = noCertificates,
): ReadonlyMap<string, readonly CertificateRef[]> {
  const changed = new Map<string, readonly CertificateRef[]>()
  for (const [host, before, after] of differences(previous, next)) {
    if (!isDeepStrictEqual(before, after)) changed.set(host, after ?? [])
  }
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
  previous: ShardedMap<Upstream>,
  next: ShardedMap<Upstream>,
): ReadonlyMap<string, Upstream | undefined> {
  const changed = new Map<string, Upstream | undefined>()
  for (const [key, before, after] of differences(previous, next)) {
    const isSame = before !== undefined && after !== undefined && isSameUpstream(before, after)
    if (!isSame) changed.set(key, after)
  }
  return changed
}
