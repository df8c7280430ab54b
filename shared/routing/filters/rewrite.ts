// Which path goes upstream? Prefix rewrites by whole segments, and nginx `rewrite-target` by pattern and captures.
//
// Invariant: what comes out begins with exactly one `/`, has no space, control byte or `#`, and no dot segment for any reader:
// a capture can never climb out of the place that the replacement puts it in (`/img(.*)` → `/static$1`, `/img/../x`).
// Invariant: a path that a rewrite does not fit is never forwarded as it came.

import { decodePlain, holdsDotSegment } from '../path.ts'
import { compilePattern } from '../pattern.ts'
import type { Filter, FilterKind } from './kind.ts'

/** Changes the path that goes upstream. */
export type RewriteFilter = Filter & { readonly kind: 'rewrite' } & (
    | {
        /** Replaces the matched prefix `from` by `to` (`/api` → `/`: `/api/x` becomes `/x`). */
        readonly by: 'prefix'
        readonly from: string
        readonly to: string
      }
    | {
        /** nginx `rewrite-target`: RE2 `pattern`, anchored, case-insensitive; `$1`…`$9` in `replacement` are its groups. */
        readonly by: 'regex'
        readonly pattern: string
        readonly replacement: string
      }
  )

/** Rewrites the path as it was matched; a query of the rewritten path comes before that of the request. */
export const rewriteKind: FilterKind<RewriteFilter> = {
  kind: 'rewrite',
  fault: (filter) => {
    if (filter.by === 'prefix') return undefined
    const result = compilePattern(filter.pattern)
    return result.ok ? undefined : result.reason
  },
  compile: (filter) => {
    const rewrite =
      filter.by === 'prefix'
        ? compilePrefix(filter.from, filter.to)
        : compileReplacement(filter.pattern, filter.replacement)
    return {
      request: {
        kind: 'sync',
        decide(request) {
          request.target = joinQuery(rewrite(decodePlain(request.path)), request.query)
          return undefined
        },
      },
    }
  },
}

/** A rewrite may bring a query of its own; the request's comes behind it. */
export function joinQuery(path: string, query: string): string {
  return query !== '' && path.includes('?') ? `${path}&${query.slice(1)}` : path + query
}

function compilePrefix(from: string, to: string): (path: string) => string {
  const base = from.endsWith('/') ? from.slice(0, -1) : from
  const target = to.endsWith('/') ? to.slice(0, -1) : to
  return (path) => {
    const covers =
      path.startsWith(base) && (path.length === base.length || path.startsWith('/', base.length))
    return covers ? repairPath(target + path.slice(base.length)) : repairPath(target)
  }
}

/** Makes what gives a path that `source` fits its replacement; throws a RangeError on what is no pattern. */
export function compileReplacement(source: string, replacement: string): (path: string) => string {
  const result = compilePattern(source)
  if (!result.ok) throw new RangeError(result.reason)
  const { pattern } = result
  const parts = splitReplacement(replacement)
  const constant = parts.length === 1 ? parts[0] : undefined
  if (typeof constant === 'string') {
    // The route was matched by this very pattern: without captures nothing is left to find out.
    const fixed = repairTarget(constant)
    return () => fixed
  }
  return (path) => {
    const groups = pattern.groups(path)
    let text = ''
    for (const part of parts) text += typeof part === 'string' ? part : (groups?.[part] ?? '')
    return repairTarget(text)
  }
}

/** Splits `/a/$1/b` into its literal texts and group numbers; a group that the pattern does not have is empty. */
function splitReplacement(replacement: string): readonly (string | number)[] {
  const parts: (string | number)[] = []
  let end = 0
  for (const match of replacement.matchAll(/\$([1-9])/g)) {
    if (match.index > end) parts.push(replacement.slice(end, match.index))
    parts.push(Number(match[1]))
    end = match.index + match[0].length
  }
  if (end < replacement.length || parts.length === 0) parts.push(replacement.slice(end))
  return parts
}

/** Repairs a rewritten path that may carry a query. */
function repairTarget(target: string): string {
  const mark = target.indexOf('?')
  if (mark === -1) return repairPath(target)
  return repairPath(target.slice(0, mark)) + escapeUnsafe(target.slice(mark))
}

/** Makes a path keep the invariants above. Nearly every path already does: two tests, then it is used as it is. */
export function repairPath(path: string): string {
  const whole = /^\/(?!\/)/.test(path) ? path : `/${path.replace(/^\/+/, '')}`
  // Removed, not resolved: resolving `..` is the very climb that must not happen.
  const calm = holdsDotSegment(whole) ? dropDotSegments(whole) : whole
  return escapeUnsafe(calm)
}

function dropDotSegments(path: string): string {
  const kept = path.split('/').filter((segment) => !holdsDotSegment(`/${segment}`))
  const joined = kept.join('/')
  return /^\/(?!\/)/.test(joined) ? joined : `/${joined.replace(/^\/+/, '')}`
}

/** Percent-encodes what would end or split the request line. Bytes of 0x80 and above pass as they came. */
function escapeUnsafe(text: string): string {
  return /[^!-"$-~\x80-\xff]/.test(text)
    ? text.replace(/[^!-"$-~\x80-\xff]/gu, (char) => encodeURIComponent(char.toWellFormed()))
    : text
}
