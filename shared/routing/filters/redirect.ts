// Where is the client sent instead of being served, and with which Location?
//
// Invariant: a Location is visible ASCII only (no CR, LF or space), and its authority is either configured or a host that
// looks like one: a redirect cannot be used to split a response or to send clients elsewhere.
import { decodePlain } from '../path.ts'
import { compilePattern } from '../pattern.ts'
import type { Filter, FilterKind, RequestView, Verdict } from './kind.ts'
import { compileReplacement, joinQuery } from './rewrite.ts'

/** The statuses that a redirect may have (RFC 9110 §15.4). */
export type RedirectStatus = 301 | 302 | 303 | 307 | 308

/** Where a redirect leads; what is absent comes from the request. */
export interface RedirectTarget {
  readonly scheme?: 'http' | 'https'
  readonly host?: string
  readonly port?: number
  /** A path (with its own query, if any) replaces the request's path and drops its query; absent keeps both. */
  readonly path?: string
  /**
   * Without `host` and `port`: whether the port of the request's Host stays. Absent: while the scheme is the request's own,
   * for another scheme is served by another port.
   */
  readonly keepsPort?: boolean
  /** Without `port`: names the scheme's own port. */
  readonly namesPort?: boolean
  /** One `/` at the end of the request's path and query is left out, as ingress-nginx does on the way to https. */
  readonly cutsSlash?: boolean
  /** Location is the path alone; only without `scheme`, `host` and `port`. */
  readonly isRelative?: boolean
  /** An RE2 pattern that the request's path fits: `$1` to `$9` in `path` are its groups, and the query is kept. */
  readonly pattern?: string
}

/** Answers with a redirect instead of forwarding. */
export interface RedirectFilter extends Filter, RedirectTarget {
  readonly kind: 'redirect'
  /**
   * `insecure`: only when the client did not use https (X-Forwarded-Proto of a trusted peer, or the PROXY port). `told`: only
   * when a trusted peer says so, as Skipper has it: who says nothing is served.
   */
  readonly when: 'always' | 'insecure' | 'told'
  readonly status: RedirectStatus
}

/** nginx `app-root`: exactly `/` answers 302 to this path of the same host. */
export interface AppRootFilter extends Filter {
  readonly kind: 'app-root'
  readonly path: string
}

/** Redirects every request, or those that came by http. */
export const redirectKind: FilterKind<RedirectFilter> = {
  kind: 'redirect',
  fault: ({ host, pattern }) => {
    if (host !== undefined && !validHost.test(host)) {
      return 'the host of a redirect must be a name or an address'
    }
    const result = pattern === undefined ? undefined : compilePattern(pattern)
    return result?.ok === false ? result.reason : undefined
  },
  compile: (filter) => {
    const { when, status, pattern, path } = filter
    const pathFor =
      pattern === undefined || path === undefined
        ? (request: RequestView) => pathOf(filter, request)
        : replaceBy(pattern, path)
    return {
      request: {
        kind: 'sync',
        decide: (request) =>
          isMeant(when, request)
            ? redirectTo(
                when === 'insecure' ? toBelieved(filter, request) : filter,
                status,
                request,
                pathFor(request),
              )
            : undefined,
      },
    }
  },
}

function isMeant(when: RedirectFilter['when'], request: RequestView): boolean {
  if (when === 'always') return true
  return when === 'insecure'
    ? request.scheme === 'http'
    : request.field('x-forwarded-proto') === 'http'
}

/** To https on the host that a believed peer names, without its port, as ingress-nginx does. */
function toBelieved(target: RedirectTarget, { believedHost }: RequestView): RedirectTarget {
  if (believedHost === '' || target.host !== undefined) return target
  return { ...target, host: believedHost.replace(/:\d*$/, '') }
}

function replaceBy(pattern: string, replacement: string): (request: RequestView) => string {
  const replace = compileReplacement(pattern, replacement)
  return ({ path, query }) => joinQuery(replace(decodePlain(path)), query)
}

/** Sends clients of `/` to another path, with their own scheme, host and port. */
export const appRootKind: FilterKind<AppRootFilter> = {
  kind: 'app-root',
  fault: () => undefined,
  compile: ({ path }) => ({
    request: {
      kind: 'sync',
      decide: (request) => (request.path === '/' ? redirectTo({}, 302, request, path) : undefined),
    },
  }),
}

const validHost = /^(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])$/i

function redirectTo(
  target: RedirectTarget,
  status: RedirectStatus,
  request: RequestView,
  path: string,
): Verdict {
  const origin = target.isRelative === true ? '' : originOf(target, request)
  if (origin === undefined) return 'malformed-request'
  const location = origin + percentEncode(path)
  return {
    status,
    code: 'redirect',
    headers: [
      ['location', location],
      ['content-type', 'text/plain'],
    ],
    body: `${status} redirect\n`,
  }
}

/** Scheme and authority; undefined when there are none, as an HTTP/1.0 client may name no host. */
export function originOf(target: RedirectTarget, request: RequestView): string | undefined {
  const scheme = target.scheme ?? request.scheme
  const host = target.host ?? request.host
  // There is nowhere to send the client, and serving it would undo the redirect.
  if (!validHost.test(host)) return undefined
  if (target.namesPort === true && target.port === undefined) {
    return `${scheme}://${host}:${usualPort(scheme)}`
  }
  const port = target.port ?? portOf(target, scheme, request)
  return `${scheme}://${host}${portSuffix(scheme, port)}`
}

/** The port that the client used, where it is to stay (RFC 9110 §7.2: Host carries it unless it is the scheme's own). */
function portOf(
  { host, keepsPort }: RedirectTarget,
  scheme: 'http' | 'https',
  request: RequestView,
): number | undefined {
  if (host !== undefined || !(keepsPort ?? scheme === request.scheme)) return undefined
  const port = /:(\d{1,5})$/.exec(request.authority)?.[1]
  return port === undefined ? undefined : Number(port)
}

function pathOf(target: RedirectTarget, request: RequestView): string {
  if (target.path !== undefined) return target.path
  // `OPTIONS *` has no path of its own.
  const path = request.path.startsWith('/') ? request.path + request.query : `/${request.query}`
  return target.cutsSlash === true && path.endsWith('/') ? path.slice(0, -1) : path
}

function usualPort(scheme: 'http' | 'https'): number {
  return scheme === 'https' ? 443 : 80
}

function portSuffix(scheme: 'http' | 'https', port: number | undefined): string {
  return port === undefined || port === usualPort(scheme) ? '' : `:${port}`
}

/** Percent-encodes every byte that is not visible ASCII: chars are bytes (latin1), as they came from the wire. */
export function percentEncode(text: string): string {
  return /[^!-~]/.test(text)
    ? text.replace(/[^!-~]/gu, (char) =>
        char <= '\xff'
          ? `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
          : encodeURIComponent(char.toWellFormed()),
      )
    : text
}
