// The annotations of ingress-nginx that Weir acts on; the others are in nginx-unsupported.ts.
// Semantics are those of ingress-nginx 1.15 with its default ConfigMap; where Weir differs, the row says so.

import type { IngressDefaults } from '../defaults.ts'
import { nginxClientTlsRows } from './client-tls.ts'
import type { Draft } from './draft.ts'
import { affinityRows } from './nginx-affinity.ts'
import { basicAuthRows } from './nginx-auth.ts'
import { authUrlRows } from './nginx-auth-url.ts'
import { balanceRows } from './nginx-balance.ts'
import { bufferRows } from './nginx-buffers.ts'
import { canaryRows } from './nginx-canary.ts'
import { corsRows } from './nginx-cors.ts'
import { errorRows } from './nginx-errors.ts'
import { hostRows } from './nginx-hosts.ts'
import { limitRows } from './nginx-limits.ts'
import { mirrorRows } from './nginx-mirror.ts'
import { redirectRows } from './nginx-redirects.ts'
import { rewriteRows } from './nginx-rewrites.ts'
import { snippetRows } from './nginx-snippets.ts'
import { traceRows } from './nginx-traces.ts'
import { nginxUnsupported } from './nginx-unsupported.ts'
import { upstreamTlsRows } from './nginx-upstream-tls.ts'
import { nginxPassthroughRow } from './passthrough.ts'
import { emptyCloses, type Family, guarded, type Row, type SupportedRow, supported } from './row.ts'
import { allowOnly, denyAlso, limitTo } from './settings.ts'
import { parseBool, parseCidrs, parseSeconds, parseSize } from './values.ts'

/** With `--like ingress-nginx` a value that cannot be read counts as the default, which is to redirect. */
function orDefault(row: SupportedRow): SupportedRow {
  const read: SupportedRow['read'] = (text, draft) => {
    const change = row.read(text, draft)
    return typeof change === 'string' && draft.defaults.sslRedirect === true
      ? { remark: `${change}, and counts as absent` }
      : change
  }
  return { ...row, read }
}

const rows: readonly Row[] = [
  emptyCloses(
    guarded(
      'allowlist-source-range',
      'CIDRs',
      'Only these client addresses may use the routes; others get 403.',
      parseCidrs,
      allowOnly,
    ),
  ),
  emptyCloses(
    guarded(
      'whitelist-source-range',
      'CIDRs',
      'Older name of `allowlist-source-range`.',
      parseCidrs,
      allowOnly,
    ),
  ),
  emptyCloses(
    guarded(
      'denylist-source-range',
      'CIDRs',
      'These client addresses get 403. Deny beats allow.',
      parseCidrs,
      denyAlso,
    ),
  ),
  orDefault(
    guarded(
      'ssl-redirect',
      'bool',
      'Clients that came by http get 308 to https. Without `--like` and without the key in the ConfigMap only an explicit "true" counts, and `spec.tls` is not asked for, since TLS ends at the load balancer; with either of them it counts for hosts of `spec.tls`.',
      parseBool,
      (isOn, { defaults }) =>
        withStatus(
          defaults.sslRedirect === undefined ? { sslRedirect: isOn } : { tlsRedirect: isOn },
          defaults,
        ),
    ),
  ),
  guarded(
    'force-ssl-redirect',
    'bool',
    'As `ssl-redirect`. The scheme is that of X-Forwarded-Proto of a trusted proxy, or of the PROXY protocol port.',
    parseBool,
    (isForced, { sslRedirect, defaults }) =>
      withStatus(
        { sslRedirect: isForced || (defaults.forceSslRedirect === undefined && sslRedirect) },
        defaults,
      ),
  ),
  ...hostRows,
  ...redirectRows,
  supported(
    'use-regex',
    'bool',
    'Prefix and ImplementationSpecific paths are patterns, case-insensitive, anchored at the start only. Differs: RE2 syntax. For this Ingress, and Exact paths stay literal; with `--like ingress-nginx` for all paths of the host, Exact ones too, unless another namespace was there first. What a path holds as an escape only (`é`, a space) stands for it.',
    parseBool,
    (useRegex) => ({ useRegex }),
  ),
  ...rewriteRows,
  supported(
    'proxy-body-size',
    '`512k`, `8m`, `1g`; 0: no limit',
    'A larger request body gets 413. Differs: no limit when absent (ingress-nginx: `1m`).',
    parseSize,
    limitTo('maxBodyBytes'),
  ),
  supported(
    'proxy-connect-timeout',
    'seconds',
    'Time to connect to an endpoint.',
    parseSeconds,
    limitTo('connectMs'),
  ),
  supported(
    'proxy-read-timeout',
    'seconds',
    'Time to the response head, and between two reads of the response body.',
    parseSeconds,
    limitTo('readMs'),
  ),
  supported(
    'proxy-send-timeout',
    'seconds',
    'Time between two writes of the request body.',
    parseSeconds,
    limitTo('sendMs'),
  ),
  ...affinityRows,
  ...balanceRows,
  ...bufferRows,
  ...mirrorRows,
  ...corsRows,
  ...limitRows,
  ...basicAuthRows,
  ...canaryRows,
  ...authUrlRows,
  ...snippetRows,
  ...errorRows,
  ...traceRows,
  ...upstreamTlsRows,
  nginxPassthroughRow,
  ...nginxClientTlsRows,
  guarded(
    'enable-modsecurity',
    '`false`',
    'Weir has no web application firewall: attach one to the load balancer. `false` serves this Ingress though the ConfigMap asks for one.',
    parseBool,
    (isOn) =>
      isOn
        ? 'asks for a web application firewall, which Weir does not have: attach one to the load balancer'
        : { declinesFirewall: true },
  ),
]

/** Takes back the status that a key of Skipper has set. */
function withStatus(change: Partial<Draft>, defaults: IngressDefaults): Partial<Draft> {
  return { ...change, sslRedirectStatus: defaults.sslRedirectStatus ?? 308 }
}

/** `nginx.ingress.kubernetes.io/`. */
export const nginx: Family = {
  prefix: 'nginx.ingress.kubernetes.io/',
  hasPhases: true,
  rows: [...rows, ...nginxUnsupported],
}
