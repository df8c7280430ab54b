// Weir's own annotations that say who may use a route: each key sets a part, the filter's kind judges the whole.
import type { KeySource } from '../../filters/kind.ts'
import { refOf, refOfOrigin } from '../../upstreams/backend-ref.ts'
import type { Draft } from './draft.ts'
import {
  type AuthUrl,
  parseAlbArn,
  parseAuthUrl,
  parseClaims,
  parseItems,
  parseObjectName,
  parseRequestKeys,
  parseService,
  parseSignIn,
  parseText,
  type ServiceName,
} from './filter-values.ts'
import { guarded, type Row } from './row.ts'
import { partOf } from './settings.ts'
import {
  parseChoice,
  parseCookieName,
  parseDuration,
  parseHeaderNames,
  parseLocation,
} from './values.ts'

/** The Service as a backend of the Ingress's namespace. */
const refIn = ({ namespace }: Draft, name: ServiceName) => refOf({ namespace, ...name })

/** Where a URL leads: to a Service of the Ingress's namespace, or out of it, which the operator must allow. */
const sourceOf = ({ origin, authority, path }: AuthUrl, { namespace }: Draft): KeySource => ({
  service: refOfOrigin(origin, namespace),
  authority,
  path,
})

const basicAuth: readonly Row[] = [
  guarded(
    'basic-auth-secret',
    'name of a Secret',
    'Clients need a name and password of this Secret of the namespace: entry `auth`, `htpasswd` or `users` with htpasswd lines (bcrypt, apr1, `{SHA}`, `{SSHA}`, `{PLAIN}`, crypt), or `username` and `password`. Others get 401; without the Secret 503.',
    parseObjectName,
    partOf('basic-auth', 'weir.dev/basic-auth-secret', (name, { namespace }) => ({
      secret: `${namespace}/${name}`,
    })),
  ),
  guarded(
    'basic-auth-realm',
    'text',
    'What browsers show; `Authentication Required` when absent.',
    parseText,
    partOf('basic-auth', 'weir.dev/basic-auth-realm', (realm) => ({ realm })),
  ),
]

const externalAuth: readonly Row[] = [
  guarded(
    'auth-service',
    '`service:port`',
    'This Service is asked about each request before it goes on. 2xx lets it in, 3xx and 4xx go to the client, all else is 503. It sees the request’s headers (no conditions, no ranges), X-Original-URL, X-Forwarded-Method and X-Forwarded-Uri.',
    parseService,
    partOf('external-auth', 'weir.dev/auth-service', (name, draft) => ({
      service: refIn(draft, name),
    })),
  ),
  guarded(
    'auth-url',
    '`http(s)://host[:port]/path`',
    'As `auth-service`, by a URL, whose path and Host are asked for. The host is the DNS name of a Service of this namespace (`name.namespace.svc.cluster.local`, http only), or one that `--auth-urls` allows; with https its certificate is verified.',
    parseAuthUrl,
    (url: AuthUrl, draft) => {
      if (draft.filters['external-auth']?.parts.service !== undefined) {
        return 'names a second place to ask beside `auth-service`'
      }
      return partOf('external-auth', 'weir.dev/auth-url', sourceOf)(url, draft)
    },
  ),
  guarded(
    'auth-path',
    'path, perhaps with a query',
    'Path that is asked for; that of `auth-url`, or `/`, when absent.',
    parseLocation,
    partOf('external-auth', 'weir.dev/auth-path', (path) => ({ path })),
  ),
  guarded(
    'auth-method',
    'GET, HEAD, POST',
    'Method of the question; GET when absent.',
    parseChoice({ GET: 'GET', HEAD: 'HEAD', POST: 'POST' } as const),
    partOf('external-auth', 'weir.dev/auth-method', (method) => ({ method })),
  ),
  guarded(
    'auth-timeout',
    '`500ms`, `2s`',
    'Time for the answer; 2s when absent.',
    parseDuration,
    partOf('external-auth', 'weir.dev/auth-timeout', (timeoutMs) => ({ timeoutMs })),
  ),
  guarded(
    'auth-upstream-headers',
    'names, comma separated',
    'Headers of a 2xx answer that go upstream, in the place of the client’s.',
    parseHeaderNames,
    partOf('external-auth', 'weir.dev/auth-upstream-headers', (upstreamHeaders) => ({
      upstreamHeaders,
    })),
  ),
  guarded(
    'auth-client-headers',
    'names, comma separated',
    'Headers of a 2xx answer that go to the client, such as Set-Cookie.',
    parseHeaderNames,
    partOf('external-auth', 'weir.dev/auth-client-headers', (clientHeaders) => ({
      clientHeaders,
    })),
  ),
  guarded(
    'auth-sign-in',
    'URL; `{url}` in it is the request’s own',
    'Where a browser is sent (302) when the Service says 401.',
    parseSignIn,
    partOf('external-auth', 'weir.dev/auth-sign-in', (signIn) => ({ signIn })),
  ),
  guarded(
    'auth-cache',
    '`30s`, `5m`',
    'How long a 2xx counts for requests with the same `auth-cache-by`.',
    parseDuration,
    partOf('external-auth', 'weir.dev/auth-cache', (cacheMs) => ({ cacheMs })),
  ),
  guarded(
    'auth-cache-by',
    '`header:NAME`, `cookie:NAME`, `query:NAME`, `address`, `path`, `uri`, `host`',
    'What tells clients apart for `auth-cache`; all of them together. A request that has none is asked about.',
    parseRequestKeys,
    partOf('external-auth', 'weir.dev/auth-cache-by', (cacheKeys) => ({ cacheKeys })),
  ),
]

const jwt: readonly Row[] = [
  guarded(
    'jwt-keys',
    '`http(s)://host[:port]/path` of a key set (JWKS)',
    'Clients need a token that is signed by one of these keys and valid now. Others get 401; without keys 503. The host is one that `auth-url` may name, and redirects are not followed.',
    parseAuthUrl,
    partOf('jwt', 'weir.dev/jwt-keys', (url: AuthUrl, draft) => ({ keys: sourceOf(url, draft) })),
  ),
  guarded(
    'jwt-alb-arn',
    'ARN of an Application Load Balancer',
    'Clients need the token that this load balancer signs when it has let them in (`x-amzn-oidc-data`), instead of one of `jwt-keys`. Its keys are fetched from AWS when a token names them. `jwt-audience` is then the client of the identity provider; `x-amzn-oidc-identity` goes upstream as the token’s `sub`.',
    parseAlbArn,
    partOf('jwt', 'weir.dev/jwt-alb-arn', (albArn) => ({ albArn, header: 'x-amzn-oidc-data' })),
  ),
  guarded(
    'jwt-issuer',
    'text',
    'The issuer (`iss`) that a token must have.',
    parseText,
    partOf('jwt', 'weir.dev/jwt-issuer', (issuer) => ({ issuer })),
  ),
  guarded(
    'jwt-audience',
    'texts, comma separated',
    'One of these must be among the token’s audiences (`aud`).',
    parseItems,
    partOf('jwt', 'weir.dev/jwt-audience', (audiences) => ({ audiences })),
  ),
  guarded(
    'jwt-header',
    'name',
    'Header that brings the token; `Authorization: Bearer` when absent.',
    parseHeaderNames,
    partOf('jwt', 'weir.dev/jwt-header', ([header]: readonly string[]) => ({ header })),
  ),
  guarded(
    'jwt-cookie',
    'name',
    'Cookie that may bring the token instead.',
    parseCookieName,
    partOf('jwt', 'weir.dev/jwt-cookie', (cookie) => ({ cookie })),
  ),
  guarded(
    'jwt-claims-to-headers',
    '`claim: Header-Name`, one per line',
    'Claims that go upstream as headers, in the place of the client’s.',
    parseClaims,
    partOf('jwt', 'weir.dev/jwt-claims-to-headers', (claims) => ({ claims })),
  ),
]

/** The rows of filters that let in or refuse. */
export const authRows: readonly Row[] = [...basicAuth, ...externalAuth, ...jwt]
