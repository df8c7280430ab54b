// Where is the client sent instead of being served, and with which Location?
//
// Invariant: a Location is visible ASCII only (no CR, LF or space), and its authority is either configured or a host that
// looks like one: a redirect cannot be used to split a response or to send clients elsewhere.
import type { Filter, FilterKind, RequestView, Verdict } from './kind.ts'

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
}

/** Answers with a redirect instead of forwarding. */
export interface RedirectFilter extends Filter, RedirectTarget {
  readonly kind: 'redirect'
  /** `insecure`: only when the client did not use https (X-Forwarded-Proto of a trusted peer, or the PROXY port). */
  readonly when: 'always' | 'insecure'
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
  fault: (filter) =>
    filter.host === undefined || validHost.test(filter.host)
      ? undefined
      : 'the host of a redirect must be a name or an address',
  compile: (filter) => ({
    request: {
      kind: 'sync',
      decide: (request) =>
        filter.when === 'insecure' && request.scheme !== 'http'
          ? undefined
          : redirectTo(filter, filter.status, request),
    },
  }),
}

/** Sends clients of `/` to another path, with their own scheme, host and port. */
export const appRootKind: FilterKind<AppRootFilter> = {
  kind: 'app-root',
  fault: () => undefined,
  compile: ({ path }) => ({
    request: {
      kind: 'sync',
      decide: (request) => (request.path === '/' ? redirectTo({ path }, 302, request) : undefined),
    },
  }),
}

const validHost = /^(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])$/i

function redirectTo(target: RedirectTarget, status: RedirectStatus, request: RequestView): Verdict {
  const scheme = target.scheme ?? request.scheme
  const host = target.host ?? request.host
  // An HTTP/1.0 client may name no host: there is nowhere to send it, and serving it would undo the redirect.
  if (!validHost.test(host)) return 'malformed-request'
  const port = target.port ?? portOf(target, scheme, request)
  const location = `${scheme}://${host}${portSuffix(scheme, port)}${percentEncode(pathOf(target, request))}`
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
  return request.path.startsWith('/') ? request.path + request.query : `/${request.query}`
}

function portSuffix(scheme: 'http' | 'https', port: number | undefined): string {
  const usual = scheme === 'https' ? 443 : 80
  return port === undefined || port === usual ? '' : `:${port}`
}

/** Percent-encodes every byte that is not visible ASCII: chars are bytes (latin1), as they came from the wire. */
function percentEncode(text: string): string {
  return /[^!-~]/.test(text)
    ? text.replace(/[^!-~]/gu, (char) =>
        char <= '\xff'
          ? `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
          : encodeURIComponent(char.toWellFormed()),
      )
    : text
}
