// The annotations of ingress-nginx that Weir acts on; the others are in nginx-unsupported.ts.
// Semantics are those of ingress-nginx 1.15 with its default ConfigMap; where Weir differs, the row says so.

import type { Draft } from './draft.ts'
import { nginxUnsupported } from './nginx-unsupported.ts'
import { type Family, type Row, supported } from './row.ts'
import { allowOnly, denyAlso, limitTime, shapeCookie } from './settings.ts'
import type { RedirectTarget } from './values.ts'
import {
  parseAge,
  parseBool,
  parseChoice,
  parseCidrs,
  parseCookieName,
  parseLiteralUrl,
  parseLocation,
  parsePath,
  parseRedirectStatus,
  parseRewriteTarget,
  parseSeconds,
  parseSize,
} from './values.ts'

const statusCodes = '301, 302, 303, 307, 308'

const rows: readonly Row[] = [
  supported(
    {
      key: 'allowlist-source-range',
      value: 'CIDRs',
      meaning: 'Only these client addresses may use the routes; others get 403.',
      failsClosed: true,
    },
    parseCidrs,
    allowOnly,
  ),
  supported(
    {
      key: 'whitelist-source-range',
      value: 'CIDRs',
      meaning: 'Older name of `allowlist-source-range`.',
      failsClosed: true,
    },
    parseCidrs,
    allowOnly,
  ),
  supported(
    {
      key: 'denylist-source-range',
      value: 'CIDRs',
      meaning: 'These client addresses get 403. Deny beats allow.',
      failsClosed: true,
    },
    parseCidrs,
    denyAlso,
  ),
  supported(
    {
      key: 'ssl-redirect',
      value: 'bool',
      meaning:
        'Clients that came by http get 308 to https. Differs: only an explicit "true" counts, and `spec.tls` is not asked for, since TLS ends at the load balancer.',
      failsClosed: true,
    },
    parseBool,
    (sslRedirect) => ({ sslRedirect, sslRedirectStatus: 308 }),
  ),
  supported(
    {
      key: 'force-ssl-redirect',
      value: 'bool',
      meaning:
        'As `ssl-redirect`. The scheme is that of X-Forwarded-Proto of a trusted proxy, or of the PROXY protocol port.',
      failsClosed: true,
    },
    parseBool,
    (isForced, { sslRedirect }) => ({
      sslRedirect: sslRedirect || isForced,
      sslRedirectStatus: 308,
    }),
  ),
  supported(
    {
      key: 'preserve-trailing-slash',
      value: 'bool',
      meaning: 'Accepted: Weir always keeps the path as it was in a redirect to https.',
      failsClosed: false,
    },
    parseBool,
    () => ({}),
  ),
  supported(
    {
      key: 'permanent-redirect-code',
      value: statusCodes,
      meaning: 'Status of `permanent-redirect`; 301 when absent.',
      failsClosed: false,
    },
    parseRedirectStatus,
    (permanentStatus) => ({ permanentStatus }),
  ),
  supported(
    {
      key: 'permanent-redirect',
      value: 'URL',
      meaning:
        'Every request is redirected to this URL as it stands. A trailing `$request_uri` keeps path and query, `$host` the host.',
      failsClosed: true,
    },
    parseLiteralUrl,
    (redirect, { permanentStatus }) => ({ redirect, redirectStatus: permanentStatus }),
  ),
  supported(
    {
      key: 'temporal-redirect-code',
      value: statusCodes,
      meaning: 'Status of `temporal-redirect`; 302 when absent.',
      failsClosed: false,
    },
    parseRedirectStatus,
    (temporalStatus) => ({ temporalStatus }),
  ),
  supported(
    {
      key: 'temporal-redirect',
      value: 'URL',
      meaning: 'As `permanent-redirect`, and stronger when both are given.',
      failsClosed: true,
    },
    parseLiteralUrl,
    (redirect, { temporalStatus }) => ({ redirect, redirectStatus: temporalStatus }),
  ),
  supported(
    {
      key: 'app-root',
      value: 'path',
      meaning:
        'Exactly `/` gets 302 to this path, with the scheme the client used. Differs: the Ingress needs a rule that covers `/`.',
      failsClosed: false,
    },
    parseLocation,
    (appRoot) => ({ appRoot }),
  ),
  supported(
    {
      key: 'use-regex',
      value: 'bool',
      meaning:
        'Prefix and ImplementationSpecific paths are patterns, case-insensitive, anchored at the start only. Differs: RE2 syntax; for this Ingress, not for all of the host; Exact paths stay literal.',
      failsClosed: false,
    },
    parseBool,
    (useRegex) => ({ useRegex }),
  ),
  supported(
    {
      key: 'rewrite-target',
      value: 'path with `$1` to `$9`, or URL',
      meaning:
        'Replaces the whole path, the query is kept; `$1` to `$9` are the groups of the rule’s path. Groups, or a path that can only be a pattern, turn `use-regex` on. An http(s) URL is a 302 redirect.',
      failsClosed: true,
    },
    parseRewrite,
    rewriteOrRedirect,
  ),
  supported(
    {
      key: 'x-forwarded-prefix',
      value: 'path',
      meaning: 'Sent upstream as X-Forwarded-Prefix, with `rewrite-target` only.',
      failsClosed: false,
    },
    parsePath,
    (forwardedPrefix) => ({ forwardedPrefix }),
  ),
  supported(
    {
      key: 'proxy-body-size',
      value: '`512k`, `8m`, `1g`; 0: no limit',
      meaning:
        'A larger request body gets 413. Differs: no limit when absent (ingress-nginx: `1m`).',
      failsClosed: false,
    },
    parseSize,
    (maxBodyBytes) => ({ maxBodyBytes }),
  ),
  supported(
    {
      key: 'proxy-connect-timeout',
      value: 'seconds',
      meaning: 'Time to connect to an endpoint.',
      failsClosed: false,
    },
    parseSeconds,
    limitTime('connectMs'),
  ),
  supported(
    {
      key: 'proxy-read-timeout',
      value: 'seconds',
      meaning: 'Time to the response head, and between two reads of the response body.',
      failsClosed: false,
    },
    parseSeconds,
    limitTime('readMs'),
  ),
  supported(
    {
      key: 'proxy-send-timeout',
      value: 'seconds',
      meaning: 'Time between two writes of the request body.',
      failsClosed: false,
    },
    parseSeconds,
    limitTime('sendMs'),
  ),
  supported(
    {
      key: 'affinity',
      value: '`cookie`',
      meaning: 'A cookie sends a client back to the endpoint that served it before.',
      failsClosed: false,
    },
    parseChoice({ cookie: true }),
    (hasAffinity) => ({ hasAffinity }),
  ),
  supported(
    {
      key: 'affinity-mode',
      value: '`balanced`, `persistent`',
      meaning:
        'Accepted. Differs: Weir is always persistent; a client moves only when its endpoint is gone.',
      failsClosed: false,
    },
    parseChoice({ balanced: true, persistent: true }),
    () => ({}),
  ),
  supported(
    {
      key: 'session-cookie-name',
      value: 'name',
      meaning: 'Name of the cookie; `INGRESSCOOKIE` when absent.',
      failsClosed: false,
    },
    parseCookieName,
    shapeCookie('cookie'),
  ),
  supported(
    {
      key: 'session-cookie-path',
      value: 'path',
      meaning: 'Path of the cookie; the path of the rule when absent, `/` for patterns.',
      failsClosed: false,
    },
    parsePath,
    shapeCookie('path'),
  ),
  supported(
    {
      key: 'session-cookie-max-age',
      value: 'seconds',
      meaning: 'Age of the cookie; a session cookie when absent.',
      failsClosed: false,
    },
    parseAge,
    shapeCookie('maxAgeSeconds'),
  ),
  supported(
    {
      key: 'session-cookie-expires',
      value: 'seconds',
      meaning: 'Used as the age when `session-cookie-max-age` is absent.',
      failsClosed: false,
    },
    parseAge,
    (cookieExpiresSeconds) => ({ cookieExpiresSeconds }),
  ),
  supported(
    {
      key: 'session-cookie-samesite',
      value: '`Strict`, `Lax`, `None`',
      meaning: 'SameSite of the cookie; `None` implies Secure.',
      failsClosed: false,
    },
    parseChoice({ Strict: 'Strict', Lax: 'Lax', None: 'None' } as const),
    shapeCookie('sameSite'),
  ),
  supported(
    {
      key: 'session-cookie-secure',
      value: 'bool',
      meaning: 'Secure flag of the cookie.',
      failsClosed: false,
    },
    parseBool,
    shapeCookie('secure'),
  ),
  supported(
    {
      key: 'session-cookie-change-on-failure',
      value: 'bool',
      meaning: 'When the endpoint fails, another one is chosen and the cookie set anew.',
      failsClosed: false,
    },
    parseBool,
    shapeCookie('changeOnFailure'),
  ),
  supported(
    {
      key: 'load-balance',
      value: '`round_robin`',
      meaning:
        'How an endpoint is chosen. `ewma` and the hashing kinds do not exist; see `weir.dev/balance`.',
      failsClosed: false,
    },
    parseChoice({ round_robin: 'round-robin' } as const),
    (balance) => ({ balance }),
  ),
  supported(
    {
      key: 'backend-protocol',
      value: '`HTTP`',
      meaning:
        'Weir speaks plain HTTP/1.1 to endpoints; HTTPS, GRPC, GRPCS, FCGI and AUTO_HTTP are not supported.',
      failsClosed: true,
    },
    parseChoice({ HTTP: true }),
    () => ({}),
  ),
]

type RewriteValue = { readonly url: RedirectTarget } | { readonly replacement: string }

function parseRewrite(text: string) {
  if (/^https?:/i.test(text)) {
    const result = parseLiteralUrl(text)
    return result.ok ? { ok: true as const, value: { url: result.value } } : result
  }
  const result = parseRewriteTarget(text)
  return result.ok ? { ok: true as const, value: { replacement: result.value } } : result
}

/** nginx answers 302 when the replacement of its `rewrite` is a URL; a redirect annotation is stronger. */
function rewriteOrRedirect(value: RewriteValue, draft: Draft): Partial<Draft> {
  if ('replacement' in value) return { rewrite: { kind: 'target', replacement: value.replacement } }
  return draft.redirect === undefined ? { redirect: value.url, redirectStatus: 302 } : {}
}

/** `nginx.ingress.kubernetes.io/`. */
export const nginx: Family = {
  prefix: 'nginx.ingress.kubernetes.io/',
  rows: [...rows, ...nginxUnsupported],
}
