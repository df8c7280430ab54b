// Where among the filters of a route is the client's certificate asked for?
//
//   certificate ─► … ─► redirect to https ─► certificate again, for what was let through without TLS ─► …
//
// Invariant: no other filter sees a request whose client's certificate was not accepted, but for those that answer plain http with
// a redirect: there no certificate can be shown, and clients are sent where it can.
import type { ClientCertificateFilter } from './filters/client-certificate.ts'
import type { Filter } from './filters/kind.ts'

/** Puts the check in its place among the filters of a route. */
export function withClientCheck(filters: readonly Filter[], check: Filter): readonly Filter[] {
  // What is turned away is seen in traces, too.
  const at = filters[0]?.kind === 'trace' ? 1 : 0
  const redirect = filters.findLastIndex(({ kind }) => kind === 'redirect')
  if (redirect === -1) return [...filters.slice(0, at), check, ...filters.slice(at)]
  const before = { ...check, isBeforeRedirect: true as const }
  const upToRedirect = filters.slice(at, redirect + 1)
  return [...filters.slice(0, at), before, ...upToRedirect, check, ...filters.slice(redirect + 1)]
}

/** The check of a route; undefined: it has none. */
export function clientCheckOf(filters: readonly Filter[]): ClientCertificateFilter | undefined {
  return filters.findLast(isClientCheck)
}

function isClientCheck(filter: Filter): filter is ClientCertificateFilter {
  return filter.kind === 'client-certificate'
}
