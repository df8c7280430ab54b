// Does the client have a certificate that this route's host accepts? TLS verified it when the connection began; here it counts.
//
//   connection verified by another authority, or by none ─► 421: the client opens a connection for this host (RFC 9110 §15.5.20)
//   no certificate ─► 400, or the error page       not accepted ─► the same       subject does not match ─► 403
//
// Invariant: what a client says of itself in the fields that tell of certificates never goes upstream.
// Invariant: a Secret that is missing, or has no authority in it, closes the route.
import { clientAuthoritiesFault, readClientAuthorities } from '../../client-authorities.ts'
import { compileSearch } from '../pattern.ts'
import { dropFields, fieldNames, tellNginx, tellStandard } from './client-certificate-fields.ts'
import type {
  Answer,
  AssetRef,
  ClientCertificate,
  ConnectionTls,
  Filter,
  FilterKind,
  RequestView,
  Verdict,
} from './kind.ts'

/** How clients are verified, and what the upstream hears of it. */
export interface ClientCertificateFilter extends Filter {
  readonly kind: 'client-certificate'
  /** `namespace/name`: `ca.crt` holds the authorities, `ca.crl` what they have revoked. */
  readonly secret: string
  /**
   * `on`: a certificate that is verified. `optional`: that, or none. `optional-no-ca`: also one of an unknown authority.
   * `off`: nobody is asked.
   */
  readonly verify: 'on' | 'optional' | 'optional-no-ca' | 'off'
  /** Authorities between a certificate and one of the Secret's, at most. */
  readonly depth: number
  /** RE2, looked for in the subject as RFC 4514 writes it; whose does not match gets 403. Empty: any. */
  readonly subject: string
  /** Where browsers go instead of a 400; empty: nowhere. */
  readonly errorPage: string
  /** Fields as ingress-nginx sends them, without the certificate, or with it (`ssl-client-cert`). */
  readonly nginxFields: 'none' | 'facts' | 'all'
  /** Fields of RFC 9440. */
  readonly standardFields: boolean
  /** Behind it is a filter that sends plain http to https, and behind that this one again. */
  readonly isBeforeRedirect?: true
}

/** What nginx excuses in `optional_no_ca`: that nobody of ours has issued it. */
const unknownAuthority: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

const maxDepth = 16

export const clientCertificateKind: FilterKind<ClientCertificateFilter> = {
  kind: 'client-certificate',
  isGuard: true,
  defaults: {
    verify: 'on',
    depth: 1,
    subject: '',
    errorPage: '',
    nginxFields: 'none',
    standardFields: false,
  },
  fault({ secret, depth, subject }) {
    if (typeof secret !== 'string') return 'the Secret with the authorities is not named'
    if (!Number.isInteger(depth) || depth < 0 || depth > maxDepth) {
      return `the depth must be a whole number from 0 to ${maxDepth}`
    }
    const pattern = compileSearch(subject)
    return pattern.ok ? undefined : `the subject is no pattern: ${pattern.reason}`
  },
  vouchesFor: () => fieldNames,
  assets: (filter) => (filter.verify === 'off' ? [] : [refOf(filter)]),
  assetFault: (_filter, _ref, data) => clientAuthoritiesFault(data),
  compile(filter, context) {
    const { verify, errorPage, isBeforeRedirect } = filter
    const authorities = context.asset(refOf(filter), readClientAuthorities)
    const judge = judgeOf(filter)
    const page = errorPage === '' ? undefined : redirectTo(errorPage)
    const decide = (request: RequestView): Verdict => {
      const { tls } = request
      dropFields(request)
      if (verify !== 'off' && authorities.value === undefined) return 'policy-closed'
      if (isBeforeRedirect && tls === undefined && request.scheme === 'http') return undefined
      const verdict = verify === 'off' ? undefined : judge(tls)
      if (verdict !== undefined) {
        return page !== undefined && isOfCertificate(verdict) ? page : verdict
      }
      tell(filter, request)
      return undefined
    }
    return { request: { kind: 'sync', decide } }
  },
}

function refOf({ secret }: ClientCertificateFilter): AssetRef & { readonly kind: 'secret' } {
  return { kind: 'secret', name: secret }
}

function judgeOf(filter: ClientCertificateFilter): (tls: ConnectionTls | undefined) => Verdict {
  const { secret, verify, subject } = filter
  const search = compileSearch(subject)
  const isOfSubject = (text: string) => search.ok && search.search(text)
  const without = (): Verdict => {
    if (verify === 'on') return 'client-certificate-required'
    return isOfSubject('') ? undefined : 'client-subject-refused'
  }
  return (tls) => {
    // On a port without TLS nobody can show one.
    if (tls === undefined) return without()
    if (tls.verifiedBy !== secret) return 'misdirected-request'
    const { certificate } = tls
    if (certificate === undefined) return without()
    if (!isAccepted(certificate, filter)) return 'client-certificate-refused'
    return isOfSubject(certificate.subject) ? undefined : 'client-subject-refused'
  }
}

function isAccepted(
  { error, chain }: ClientCertificate,
  { verify, depth }: ClientCertificateFilter,
): boolean {
  if (error === undefined) return chain.length <= depth
  return verify === 'optional-no-ca' && unknownAuthority.has(error)
}

function isOfCertificate(verdict: Verdict): boolean {
  return verdict === 'client-certificate-required' || verdict === 'client-certificate-refused'
}

function redirectTo(location: string): Answer {
  return { status: 302, code: 'redirect', headers: [['Location', location]], body: '' }
}

function tell(
  { verify, nginxFields, standardFields }: ClientCertificateFilter,
  request: RequestView,
): void {
  const { tls } = request
  if (tls === undefined) return
  const certificate = verify === 'off' ? undefined : tls.certificate
  if (nginxFields !== 'none') tellNginx(request, certificate, nginxFields === 'all')
  if (standardFields && certificate?.error === undefined) tellStandard(request, certificate)
}
