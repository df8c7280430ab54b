// Weir's own annotations: everything a policy can do, in one plain form.

import { type Family, supported } from './row.ts'
import { allowOnly, denyAlso, editHeaders, limitTime, shapeCookie } from './settings.ts'
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

const headerLines = '`Name: value`, one per line'
const headerNames = 'names, comma separated'
const duration = '`500ms`, `30s`, `5m`'

/** `weir.dev/`: applied last, so that it replaces what other families say. */
export const weir: Family = {
  prefix: 'weir.dev/',
  rows: [
    supported(
      {
        key: 'allow-source-ranges',
        value: 'CIDRs',
        meaning: 'Only these client addresses may use the routes; others get 403.',
        failsClosed: true,
      },
      parseCidrs,
      allowOnly,
    ),
    supported(
      {
        key: 'deny-source-ranges',
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
          'Clients that came by http get 308 to https: by X-Forwarded-Proto of a trusted proxy, or the PROXY protocol port. Without either every request counts as http, and the redirect loops.',
        failsClosed: true,
      },
      parseBool,
      (sslRedirect) => ({ sslRedirect, sslRedirectStatus: 308 }),
    ),
    supported(
      {
        key: 'redirect-to',
        value: '`https://b.test:8443/x`, `//b.test`, `/x`',
        meaning:
          'Every request is redirected. What the reference leaves out (scheme, host, path with query) comes from the request.',
        failsClosed: true,
      },
      parseReference,
      (redirect) => ({ redirect, redirectStatus: 302 }),
    ),
    supported(
      {
        key: 'redirect-status',
        value: '301, 302, 303, 307, 308',
        meaning: 'Status of `redirect-to`; 302 when absent.',
        failsClosed: false,
      },
      parseRedirectStatus,
      (redirectStatus) => ({ redirectStatus }),
    ),
    supported(
      {
        key: 'rewrite-prefix',
        value: 'path',
        meaning:
          'Replaces the path of the rule, by whole segments: `/api` with `/` turns `/api/x` into `/x`.',
        failsClosed: true,
      },
      parsePath,
      (to) => ({ rewrite: { kind: 'prefix', to } }),
    ),
    supported(
      {
        key: 'rewrite-target',
        value: 'path with `$1` to `$9`',
        meaning:
          'Replaces the whole path; `$1` to `$9` are the groups of the rule’s path, which is then a pattern (see `use-regex`).',
        failsClosed: true,
      },
      parseRewriteTarget,
      (replacement) => ({ rewrite: { kind: 'target', replacement } }),
    ),
    supported(
      {
        key: 'use-regex',
        value: 'bool',
        meaning:
          'Prefix and ImplementationSpecific paths are RE2 patterns, case-insensitive, anchored at the start only. Exact paths stay literal.',
        failsClosed: false,
      },
      parseBool,
      (useRegex) => ({ useRegex }),
    ),
    supported(
      {
        key: 'request-headers-set',
        value: headerLines,
        meaning: 'Replaces headers of the request.',
        failsClosed: true,
      },
      parseHeaderLines,
      editHeaders('requestHeaders', 'set'),
    ),
    supported(
      {
        key: 'request-headers-add',
        value: headerLines,
        meaning: 'Adds header lines to the request.',
        failsClosed: true,
      },
      parseHeaderLines,
      editHeaders('requestHeaders', 'add'),
    ),
    supported(
      {
        key: 'request-headers-remove',
        value: headerNames,
        meaning: 'Removes headers of the request.',
        failsClosed: true,
      },
      parseHeaderNames,
      editHeaders('requestHeaders', 'remove'),
    ),
    supported(
      {
        key: 'response-headers-set',
        value: headerLines,
        meaning: 'Replaces headers of the response.',
        failsClosed: false,
      },
      parseHeaderLines,
      editHeaders('responseHeaders', 'set'),
    ),
    supported(
      {
        key: 'response-headers-add',
        value: headerLines,
        meaning: 'Adds header lines to the response.',
        failsClosed: false,
      },
      parseHeaderLines,
      editHeaders('responseHeaders', 'add'),
    ),
    supported(
      {
        key: 'response-headers-remove',
        value: headerNames,
        meaning: 'Removes headers of the response.',
        failsClosed: false,
      },
      parseHeaderNames,
      editHeaders('responseHeaders', 'remove'),
    ),
    supported(
      {
        key: 'max-body-size',
        value: '`512k`, `8m`, `1g`; 0: no limit',
        meaning: 'A larger request body gets 413.',
        failsClosed: false,
      },
      parseSize,
      (maxBodyBytes) => ({ maxBodyBytes }),
    ),
    supported(
      {
        key: 'connect-timeout',
        value: duration,
        meaning: 'Time to connect to an endpoint.',
        failsClosed: false,
      },
      parseDuration,
      limitTime('connectMs'),
    ),
    supported(
      {
        key: 'read-timeout',
        value: duration,
        meaning:
          'Time from the end of the request to the response head, and between two reads of the body.',
        failsClosed: false,
      },
      parseDuration,
      limitTime('readMs'),
    ),
    supported(
      {
        key: 'send-timeout',
        value: duration,
        meaning: 'Time between two writes of the request body.',
        failsClosed: false,
      },
      parseDuration,
      limitTime('sendMs'),
    ),
    supported(
      {
        key: 'balance',
        value: '`round-robin`, `least-requests`',
        meaning: 'How an endpoint is chosen.',
        failsClosed: false,
      },
      parseChoice({ 'round-robin': 'round-robin', 'least-requests': 'least-requests' } as const),
      (balance) => ({ balance }),
    ),
    supported(
      {
        key: 'affinity',
        value: '`cookie`, `none`',
        meaning: 'A cookie sends a client back to the endpoint that served it before.',
        failsClosed: false,
      },
      parseChoice({ cookie: true, none: false }),
      (hasAffinity, { affinity }) => ({ hasAffinity, affinity: { cookie: 'weir', ...affinity } }),
    ),
    supported(
      {
        key: 'affinity-cookie-name',
        value: 'name',
        meaning: 'Name of the cookie; `weir` when absent.',
        failsClosed: false,
      },
      parseCookieName,
      shapeCookie('cookie'),
    ),
    supported(
      {
        key: 'affinity-cookie-path',
        value: 'path',
        meaning: 'Path of the cookie; the path of the rule when absent, `/` for patterns.',
        failsClosed: false,
      },
      parsePath,
      shapeCookie('path'),
    ),
    supported(
      {
        key: 'affinity-cookie-max-age',
        value: 'seconds',
        meaning: 'Age of the cookie; a session cookie when absent or 0.',
        failsClosed: false,
      },
      parseAge,
      shapeCookie('maxAgeSeconds'),
    ),
    supported(
      {
        key: 'affinity-cookie-same-site',
        value: '`Strict`, `Lax`, `None`',
        meaning: 'SameSite of the cookie; `None` implies Secure.',
        failsClosed: false,
      },
      parseChoice({ Strict: 'Strict', Lax: 'Lax', None: 'None' } as const),
      shapeCookie('sameSite'),
    ),
    supported(
      {
        key: 'affinity-cookie-secure',
        value: 'bool',
        meaning: 'Secure flag of the cookie.',
        failsClosed: false,
      },
      parseBool,
      shapeCookie('secure'),
    ),
    supported(
      {
        key: 'affinity-change-on-failure',
        value: 'bool',
        meaning: 'When the endpoint fails, another one is chosen and the cookie set anew.',
        failsClosed: false,
      },
      parseBool,
      shapeCookie('changeOnFailure'),
    ),
  ],
}
