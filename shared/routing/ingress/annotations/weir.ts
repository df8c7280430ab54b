// Weir's own annotations: everything a policy can do, in one plain form.

import type { UpstreamProtocol } from '../../upstreams/upstream-protocol.ts'
import { weirClientTlsRows } from './client-tls.ts'
import { weirPassthroughRow } from './passthrough.ts'
import { type Family, guarded, supported } from './row.ts'
import { allowOnly, denyAlso, editHeaders, limitTo, shapeCookie } from './settings.ts'
import {
  parseAge,
  parseBool,
  parseChoice,
  parseCidrs,
  parseCookieName,
  parseDuration,
  parseHeaderLines,
  parseHeaderNames,
  parsePath,
  parseRedirectStatus,
  parseReference,
  parseRewriteTarget,
  parseSize,
} from './values.ts'
import { authRows } from './weir-auth.ts'
import { balanceRows } from './weir-balance.ts'
import { filterRows } from './weir-filters.ts'
import { healthRows } from './weir-health.ts'
import { limitRows } from './weir-limits.ts'
import { matchRows } from './weir-match.ts'
import { weirUpstreamTlsRows } from './weir-upstream-tls.ts'

const headerLines = '`Name: value`, one per line'
const headerNames = 'names, comma separated'
const duration = '`500ms`, `30s`, `5m`'

/** `weir.dev/`: applied last, so that it replaces what other families say. */
export const weir: Family = {
  prefix: 'weir.dev/',
  rows: [
    ...matchRows,
    ...authRows,
    ...filterRows,
    ...limitRows,
    guarded(
      'allow-source-ranges',
      'CIDRs',
      'Only these client addresses may use the routes; others get 403.',
      parseCidrs,
      allowOnly,
    ),
    guarded(
      'deny-source-ranges',
      'CIDRs',
      'These client addresses get 403. Deny beats allow.',
      parseCidrs,
      denyAlso,
    ),
    guarded(
      'backend-protocol',
      '`http`, `https`, `h2c`, `h2`',
      'What endpoints speak: HTTP/1.1 (http, https) or HTTP/2 (h2c in clear by prior knowledge, h2), as gRPC needs it. https and h2 are verified: the certificate must be for `SERVICE.NAMESPACE.svc`, by an authority that Node or `NODE_EXTRA_CA_CERTS` knows, unless `backend-ca` and its like say otherwise. Goes before `appProtocol` of the Service port.',
      parseChoice<UpstreamProtocol>({ http: 'http', https: 'https', h2c: 'h2c', h2: 'h2' }),
      (upstreamProtocol, { upstreamTls }) => ({
        upstreamProtocol,
        upstreamTls: { ...upstreamTls, isHttps: false },
      }),
    ),
    ...weirUpstreamTlsRows,
    guarded(
      'ssl-redirect',
      'bool',
      'Clients that came by http get 308 to https: by X-Forwarded-Proto of a trusted proxy, or the PROXY protocol port. Without either every request counts as http, and the redirect loops.',
      parseBool,
      (sslRedirect) => ({ sslRedirect, tlsRedirect: false, sslRedirectStatus: 308 }),
    ),
    guarded(
      'redirect-to',
      '`https://b.test:8443/x`, `//b.test`, `/x`',
      'Every request is redirected. What the reference leaves out (scheme, host, path with query) comes from the request.',
      parseReference,
      (redirect) => ({ redirect, redirectStatus: 302 }),
    ),
    supported(
      'redirect-status',
      '301, 302, 303, 307, 308',
      'Status of `redirect-to`; 302 when absent.',
      parseRedirectStatus,
      (redirectStatus) => ({ redirectStatus }),
    ),
    guarded(
      'rewrite-prefix',
      'path',
      'Replaces the path of the rule, by whole segments: `/api` with `/` turns `/api/x` into `/x`.',
      parsePath,
      (to) => ({ rewrite: { kind: 'prefix', to } }),
    ),
    guarded(
      'rewrite-target',
      'path with `$1` to `$9`',
      'Replaces the whole path; `$1` to `$9` are the groups of the rule’s path, which is then a pattern (see `use-regex`).',
      parseRewriteTarget,
      (replacement) => ({ rewrite: { kind: 'target', replacement } }),
    ),
    supported(
      'use-regex',
      'bool',
      'Prefix and ImplementationSpecific paths are RE2 patterns, case-insensitive, anchored at the start only. Exact paths stay literal. What a path holds as an escape only (`é`, a space) stands for it.',
      parseBool,
      (useRegex) => ({ useRegex }),
    ),
    supported(
      'path-wildcards',
      'bool',
      'Paths as they are written for the AWS and GCE controllers: `/*` is every path and `/foo/*` the prefix `/foo`, of any pathType. Differs: `/foo` itself belongs to it. Wildcards elsewhere (`/foo*`, `/a/*/b`) are refused; patterns of `use-regex` are no wildcards. `--path-wildcards` when absent.',
      parseBool,
      (pathWildcards) => ({ pathWildcards }),
    ),
    guarded(
      'request-headers-set',
      headerLines,
      'Replaces headers of the request.',
      parseHeaderLines,
      editHeaders('requestHeaders', 'set'),
    ),
    guarded(
      'request-headers-add',
      headerLines,
      'Adds header lines to the request.',
      parseHeaderLines,
      editHeaders('requestHeaders', 'add'),
    ),
    guarded(
      'request-headers-remove',
      headerNames,
      'Removes headers of the request.',
      parseHeaderNames,
      editHeaders('requestHeaders', 'remove'),
    ),
    supported(
      'response-headers-set',
      headerLines,
      'Replaces headers of the response. What Weir answers itself (redirects, errors) is not edited, here and below.',
      parseHeaderLines,
      editHeaders('responseHeaders', 'set'),
    ),
    supported(
      'response-headers-add',
      headerLines,
      'Adds header lines to the response.',
      parseHeaderLines,
      editHeaders('responseHeaders', 'add'),
    ),
    supported(
      'response-headers-remove',
      headerNames,
      'Removes headers of the response.',
      parseHeaderNames,
      editHeaders('responseHeaders', 'remove'),
    ),
    supported(
      'max-body-size',
      '`512k`, `8m`, `1g`; 0: no limit',
      'A larger request body gets 413.',
      parseSize,
      limitTo('maxBodyBytes'),
    ),
    supported(
      'connect-timeout',
      duration,
      'Time to connect to an endpoint.',
      parseDuration,
      limitTo('connectMs'),
    ),
    supported(
      'read-timeout',
      duration,
      'Time from the end of the request to the response head, and between two reads of the body.',
      parseDuration,
      limitTo('readMs'),
    ),
    supported(
      'send-timeout',
      duration,
      'Time between two writes of the request body.',
      parseDuration,
      limitTo('sendMs'),
    ),
    weirPassthroughRow,
    ...weirClientTlsRows,
    ...balanceRows,
    ...healthRows,
    supported(
      'affinity',
      '`cookie`, `none`',
      'A cookie sends a client back to the endpoint that served it before.',
      parseChoice({ cookie: true, none: false }),
      (hasAffinity, { affinity }) => ({ hasAffinity, affinity: { cookie: 'weir', ...affinity } }),
    ),
    supported(
      'affinity-cookie-name',
      'name',
      'Name of the cookie; `weir` when absent.',
      parseCookieName,
      shapeCookie('cookie'),
    ),
    supported(
      'affinity-cookie-path',
      'path',
      'Path of the cookie; the path of the rule when absent, `/` for patterns.',
      parsePath,
      shapeCookie('path'),
    ),
    supported(
      'affinity-cookie-max-age',
      'seconds',
      'Age of the cookie; a session cookie when absent or 0.',
      parseAge,
      shapeCookie('maxAgeSeconds'),
    ),
    supported(
      'affinity-cookie-same-site',
      '`Strict`, `Lax`, `None`',
      'SameSite of the cookie; `None` implies Secure.',
      parseChoice({ Strict: 'Strict', Lax: 'Lax', None: 'None' } as const),
      shapeCookie('sameSite'),
    ),
    supported(
      'affinity-cookie-secure',
      'bool',
      'Secure flag of the cookie.',
      parseBool,
      shapeCookie('secure'),
    ),
    supported(
      'affinity-change-on-failure',
      'bool',
      'When the endpoint fails, another one is chosen and the cookie set anew.',
      parseBool,
      shapeCookie('changeOnFailure'),
    ),
  ],
}
