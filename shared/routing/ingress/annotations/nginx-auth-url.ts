// The annotations of ingress-nginx that have a server asked about each request.
//
// Invariant: a key of this file that is given and not understood closes the routes, unless all that is lost is comfort: where to
// sign in, or that an answer counts again.
import type { AuthRequestFilter } from '../../filters/auth-request.ts'
import { faultOfName } from '../../filters/header-edits.ts'
import {
  type AuthTarget,
  parseAuthTarget,
  parseCacheRules,
  parseSignIn,
  parseText,
  placeOf,
} from './auth-texts.ts'
import type { Draft } from './draft.ts'
import { asThere, ownName, parseObject } from './nginx-auth.ts'
import { guarded, type SupportedRow, supported } from './row.ts'
import { partOf } from './settings.ts'
import { accept, type Parsed, parseBool, parseChoice, refuse } from './values.ts'

const prefix = 'nginx.ingress.kubernetes.io/'
const kind = 'auth-request'
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const
const kept = 'Accepted: connections to auth servers are kept and shared as all others are.'

/** A part without `auth-url` asks for nothing; of routes that are closed anyway it is not said. */
function ofAuthUrl<T>(
  key: string,
  parts: (value: T, draft: Draft) => Partial<AuthRequestFilter> | string,
) {
  return (value: T, draft: Draft): Partial<Draft> | string => {
    if (draft.filters[kind] === undefined) {
      return draft.closed === undefined ? 'has no effect without `auth-url`' : {}
    }
    const made = parts(value, draft)
    return typeof made === 'string' ? made : partOf(kind, prefix + key, () => made)(value, draft)
  }
}

/** Parses the method of a question. */
export function parseMethod(text: string): Parsed<string> {
  return methods.some((method) => method === text)
    ? accept(text)
    : refuse(`must be one of: ${methods.join(', ')}`)
}

/** Parses names of header fields, comma separated; empty items are none. */
export function parseNames(text: string): Parsed<readonly string[]> {
  const names = text
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
  const bad = names.find((name) => !/^[a-z0-9_-]+$/.test(name))
  if (bad !== undefined)
    return refuse(`must be names of headers, comma separated; '${bad}' is none`)
  const fault = names.map(faultOfName).find((found) => found !== undefined)
  return fault === undefined ? accept(names) : refuse(`must not name this one: ${fault}`)
}

/** Parses the value of X-Auth-Request-Redirect. */
export function parseRedirectValue(text: string): Parsed<string> {
  return /^[-._~a-zA-Z0-9/:,?&=]{1,2048}$/.test(text)
    ? accept(text)
    : refuse('must be a URL or path of letters, digits and -._~/:,?&=')
}

/** Parses the name of a query parameter. */
export function parseParameter(text: string): Parsed<string> {
  return /^[-._~a-zA-Z0-9]{1,128}$/.test(text)
    ? accept(text)
    : refuse('must be the name of a query parameter')
}

/** Parses the text that tells clients apart. */
export function parseCacheKey(text: string): ReturnType<typeof parseText> {
  return /^[-A-Za-z0-9_${}]+$/.test(text)
    ? parseText(text)
    : refuse('must be letters, digits, -, _ and variables such as $cookie_session')
}

/** What an answer counts for when nothing else is said. */
export const defaultCacheRules = [{ statuses: [200, 202, 401], ms: 300_000 }]

const rows: readonly SupportedRow[] = [
  guarded(
    'auth-url',
    'URL; `$host` or a name as its host, nginx’s variables behind it',
    'This server is asked about each request before it goes on: 2xx lets it in, 401 and 403 go to the client, all else is 500. It gets the client’s headers without X-Forwarded-Proto, and X-Original-URL, X-Original-Method, X-Auth-Request-Redirect, X-Real-IP, X-Forwarded-For, X-Request-ID, X-Sent-From. A Service by its DNS name (`name.namespace.svc.cluster.local`, http only) is asked at its endpoints, another host where `--auth-urls` allows it. With `$host` as the host the request stays inside of Weir: the route of that path on the same host is asked, if nothing guards it. Differs: the scheme in X-Original-URL is that of the client.',
    parseAuthTarget,
    (target: AuthTarget, draft) =>
      partOf(kind, `${prefix}auth-url`, () => ({
        ...placeOf(target, draft.namespace),
        cacheRules: defaultCacheRules,
      }))(target, draft),
  ),
  guarded(
    'auth-method',
    methods.join(', '),
    'Method of the question; GET when absent. When given, the server also gets X-Original-URI and X-Scheme.',
    parseMethod,
    ofAuthUrl('auth-method', (method: string) => ({ method })),
  ),
  supported(
    'auth-signin-redirect-param',
    'name',
    'Query parameter of `auth-signin` with the way back; `rd` when absent.',
    parseParameter,
    (signInParameter) => ({ signInParameter }),
  ),
  supported(
    'auth-signin',
    'URL with nginx’s variables',
    'Where a browser is sent (302) when the server says 401, with the request’s own URL in the parameter `rd` unless it is there already.',
    (text) => accept(text),
    ofAuthUrl('auth-signin', (text: string, { signInParameter = 'rd' }) => {
      const signIn = parseSignIn(text, signInParameter)
      return signIn.ok ? { signIn: signIn.value } : signIn.reason
    }),
  ),
  guarded(
    'auth-response-headers',
    'names, comma separated',
    'Headers of a 2xx answer that go upstream, in the place of the client’s; what the answer does not have is dropped.',
    parseNames,
    ofAuthUrl('auth-response-headers', (upstreamHeaders: readonly string[]) => ({
      upstreamHeaders,
    })),
  ),
  guarded(
    'auth-request-redirect',
    'URL or path',
    'What the server gets as X-Auth-Request-Redirect; path and query of the request when absent.',
    parseRedirectValue,
    ofAuthUrl('auth-request-redirect', (requestRedirect: string) => ({ requestRedirect })),
  ),
  guarded(
    'auth-always-set-cookie',
    'bool',
    'Cookies of the server reach the client with every response, not only with those of 200, 201, 204, 206, 301 to 304, 307 and 308.',
    parseBool,
    ofAuthUrl('auth-always-set-cookie', (alwaysSetCookie: boolean) => ({ alwaysSetCookie })),
  ),
  guarded(
    'auth-proxy-set-headers',
    '[namespace/]name of a ConfigMap',
    'More headers for the server. A ConfigMap that is missing, of another namespace, or with what is no header: 503. Differs: values with variables are refused.',
    parseObject,
    (object, draft) =>
      ownName(object, draft, (configMap) =>
        ofAuthUrl('auth-proxy-set-headers', (name: string) => ({ configMap: name }))(
          configMap,
          draft,
        ),
      ),
  ),
  supported(
    'auth-cache-key',
    'text with nginx’s variables, such as `$http_authorization`',
    'Requests of one rule for which this text is the same share an answer. Answers with cookies, Vary or Expires are not shared.',
    parseCacheKey,
    ofAuthUrl('auth-cache-key', (cacheKey) => ({ cacheKey })),
  ),
  guarded(
    'auth-cache-duration',
    '`200 202 10m, 401 5m`',
    'How long an answer counts, by its status; `200 202 401 5m` when absent. Cache-Control of the answer goes before it.',
    parseCacheRules,
    ofAuthUrl('auth-cache-duration', (cacheRules) => ({ cacheRules })),
  ),
]

/** Their loss changes nothing that a client could notice. */
const connections: readonly SupportedRow[] = [
  ['auth-keepalive', 'int'],
  ['auth-keepalive-requests', 'int'],
  ['auth-keepalive-share-vars', 'bool'],
  ['auth-keepalive-timeout', 'seconds'],
].map(([key = '', value = '']) => guarded(key, value, kept, accept<string>, () => ({})))

const wholes: readonly SupportedRow[] = [
  supported(
    'enable-global-auth',
    'bool',
    '"false": the authentication server of the ConfigMap (`global-auth-url`) is not asked about this Ingress.',
    parseBool,
    (usesGlobalAuth) => ({ usesGlobalAuth }),
  ),
  guarded(
    'satisfy',
    '`all`, `any`',
    'Whether all guards must let a request in (address lists, passwords, authentication server), or one is enough; `all` when absent.',
    parseChoice({ all: false, any: true }),
    (satisfiesAny) => ({ satisfiesAny }),
  ),
]

/** The rows of questions about requests, and of how guards count together. */
export const authUrlRows: readonly SupportedRow[] = [
  ...wholes,
  ...rows.map((row) =>
    row.key === 'auth-url' ? asThere(row) : asThere(row, { kind, key: 'auth-url' }),
  ),
  ...connections,
]
