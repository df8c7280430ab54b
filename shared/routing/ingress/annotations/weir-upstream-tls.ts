// Weir's own keys of TLS to endpoints: by whom they are verified, by which name, and what is shown to them.
//
// Invariant: endpoints are verified unless it is asked for in as many words that they are not; then a problem says so.
import type { AuthorityRef } from '../../upstreams/upstream-tls.ts'
import type { Draft } from './draft.ts'
import { parseObjectName } from './filter-values.ts'
import { guarded, type SupportedRow } from './row.ts'
import type { UpstreamTlsDraft } from './upstream-tls-draft.ts'
import { accept, type Parsed, parseChoice, parseDnsName } from './values.ts'

const inClear =
  'needs TLS to the endpoints, and backend-protocol says that they are spoken to in clear (https or h2 is TLS)'

/** Changes what is said of TLS; any of the keys asks for TLS. */
function tell(draft: Draft, change: Partial<UpstreamTlsDraft>): Partial<Draft> {
  const { upstreamProtocol, upstreamTls } = draft
  if (upstreamProtocol === 'http' || upstreamProtocol === 'h2c') {
    return { closed: inClear, remark: `${inClear}: its routes answer 503` }
  }
  const before: UpstreamTlsDraft =
    upstreamTls?.isOwn === true
      ? upstreamTls
      : { isHttps: true, isOwn: true, verifies: true, sendsName: true, authority: 'known' }
  return { upstreamTls: { ...before, ...change } }
}

const prefix = 'configmap/'

function parseAuthority(text: string): Parsed<AuthorityRef> {
  const isConfigMap = text.startsWith(prefix)
  const name = parseObjectName(isConfigMap ? text.slice(prefix.length) : text)
  return name.ok ? accept({ kind: isConfigMap ? 'config-map' : 'secret', name: name.value }) : name
}

/** Without verification nobody looks at the authorities. */
function withoutVerification(draft: Draft): Partial<Draft> {
  const change = tell(draft, { verifies: false, authority: 'known' })
  if (change.closed !== undefined) return change
  return {
    ...change,
    remark: 'leaves endpoints unverified: whoever is between can read and change what is sent',
  }
}

/** The rows; they stand behind that of `backend-protocol`. */
export const weirUpstreamTlsRows: readonly SupportedRow[] = [
  guarded(
    'backend-ca',
    'name of a Secret of the Ingress’s namespace, or `configmap/NAME`',
    'Speaks TLS to endpoints (with `backend-protocol: h2` HTTP/2 over it): their certificate must be for `SERVICE.NAMESPACE.svc` or `backend-server-name`, by an authority in `ca.crt`; 502 else. Without the object, or where `ca.crt` cannot be read, the routes answer 503.',
    parseAuthority,
    ({ kind, name }, draft) =>
      tell(draft, { authority: { kind, name: `${draft.namespace}/${name}` } }),
  ),
  guarded(
    'backend-server-name',
    'DNS name',
    'The name that certificates of endpoints must have, and that is sent to them (SNI). Asks for TLS, as `backend-ca` does; without that by an authority that Node or `NODE_EXTRA_CA_CERTS` knows.',
    parseDnsName,
    (name, draft) => tell(draft, { name }),
  ),
  guarded(
    'backend-client-cert',
    'name of a Secret of the Ingress’s namespace',
    'Shows `tls.crt` with `tls.key` to endpoints that ask for a certificate. Asks for TLS, as `backend-ca` does. Without the Secret the routes answer 503.',
    parseObjectName,
    (name, draft) => tell(draft, { secret: `${draft.namespace}/${name}` }),
  ),
  guarded(
    'backend-verify',
    '`on`, `off`',
    '`off`: certificates of endpoints may be anybody’s, which is reported. `on` when absent.',
    parseChoice({ on: true, off: false }),
    (verifies: boolean, draft) => (verifies ? tell(draft, {}) : withoutVerification(draft)),
  ),
]
