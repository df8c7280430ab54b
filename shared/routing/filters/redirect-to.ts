// Where is the client sent, as Skipper's redirectTo says: what the location leaves out comes from the request as the filters
// before have left it, but for the scheme, which is https?
//
// Invariant: a Location is visible ASCII only, and its authority is configured or a host that looks like one (as in redirect.ts).
import type { Filter, FilterKind } from './kind.ts'
import { pathOfTarget, queryOfTarget, writePath } from './target.ts'

/** Sends every client elsewhere. */
export interface RedirectToFilter extends Filter {
  readonly kind: 'redirect-to'
  /** 300 to 399. */
  readonly status: number
  readonly scheme: string
  /** Absent: that of the request. */
  readonly authority?: string
  /** Absent: that of the request. */
  readonly path?: string
  /** Without `?`; absent: that of the request. */
  readonly query?: string
  /** The path in lower case. */
  readonly lowers?: true
}

const hostPattern = /^(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])?$/i

export const redirectToKind: FilterKind<RedirectToFilter> = {
  kind: 'redirect-to',
  isGuard: true,
  fault({ status, scheme, authority }) {
    if (!(status >= 300 && status <= 399)) return 'the status must be 300 to 399'
    if (!/^[a-z][a-z0-9+.-]*$/i.test(scheme)) return 'the scheme of a location is letters'
    return authority === undefined || isHost(authority)
      ? undefined
      : 'the host of a location must be a name or an address'
  },
  compile({ status, scheme, authority, path, query, lowers }) {
    const fixedPath = path === undefined ? undefined : writePath(path)
    return {
      request: {
        kind: 'sync',
        decide(request) {
          const host = authority ?? (request.upstreamHost || request.host)
          // There is nowhere to send a client of HTTP/1.0 that names no host.
          if (authority === undefined && !(host !== '' && isHost(host))) return 'malformed-request'
          const written = fixedPath ?? writePath(pathOfTarget(request.target))
          const asked = query ?? queryOfTarget(request.target)
          const end = asked === '' ? '' : `?${escapeQuery(asked)}`
          const place = lowers === true ? written.toLowerCase() : written
          const location = `${scheme}://${lowers === true ? host.toLowerCase() : host}${place}${end}`
          return { status, code: 'redirect', headers: [['location', location]], body: '' }
        },
      },
    }
  },
}

function isHost(authority: string): boolean {
  return hostPattern.test(authority.replace(/:\d*$/, ''))
}

function escapeQuery(query: string): string {
  return query.replace(
    /[^!$-~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}
