// Which path and query does a request ask for, whatever its version calls them? (RFC 3986 §3.3, RFC 9112 §3.2.1)
import type { FailureCode } from '../../shared/routing/failure.ts'
import {
  isOrdinaryPath,
  normalisePath,
  type Readings,
  readingsOf,
  spellQuery,
} from '../../shared/routing/path.ts'

/** Where path and query are noted. */
export interface TargetFacts {
  /** Canonical path: the same string is matched and sent upstream. */
  path: string
  /** Of a path that applications read in several ways; undefined for nearly all. */
  readings: Readings | undefined
  /** With its `?`, or empty. */
  query: string
}

/** Reads `target`, an absolute path with or without a query, into `head`, whose `readings` and `query` are empty. */
export function readOriginForm(target: string, head: TargetFacts): FailureCode | undefined {
  let path = target
  const queryAt = target.indexOf('?')
  if (queryAt !== -1) {
    const query = spellQuery(target.slice(queryAt))
    if (query === undefined) return 'malformed-request'
    head.query = query
    path = target.slice(0, queryAt)
  }
  if (isOrdinaryPath(path)) {
    head.path = path
    return undefined
  }
  const normalised = normalisePath(path)
  if (normalised === undefined) return 'malformed-request'
  head.path = normalised
  head.readings = readingsOf(normalised)
  return undefined
}
