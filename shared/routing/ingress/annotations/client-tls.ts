// What do annotations say of the certificates of clients?
//
// Invariant: a key of this file that is given and not understood closes the routes: ingress-nginx drops the protection for some of
// them, which nobody wants back.
import type { ClientCertificateFilter } from '../../filters/client-certificate.ts'
import { compileSearch } from '../../pattern.ts'
import type { Draft } from './draft.ts'
import { parseFullName, parseObjectName } from './filter-values.ts'
import { asThere } from './nginx-auth.ts'
import { guarded, ofHost, type SupportedRow } from './row.ts'
import { partOf } from './settings.ts'
import { accept, type Parsed, type Parser, parseBool, parseChoice, refuse } from './values.ts'

const clientCheck = 'client-certificate'

type Parts = Partial<ClientCertificateFilter>

function part(key: string, parts: Parts, draft: Draft): Partial<Draft> {
  return partOf(clientCheck, key, () => parts)(undefined, draft)
}

/** A part without the Secret asks for nothing; of routes that are closed anyway it is not said. */
function ofSecret<T>(key: string, secretKey: string, parts: (value: T) => Parts) {
  return (value: T, draft: Draft): Partial<Draft> | string => {
    if (draft.filters[clientCheck] !== undefined) return part(key, parts(value), draft)
    return draft.closed === undefined ? `has no effect without \`${secretKey}\`` : {}
  }
}

function takeSecret(key: string, parts: Parts) {
  return (secret: string, draft: Draft): Partial<Draft> | string => {
    if (draft.hasNoTls) {
      return 'needs the option --listen-tls: where TLS ends in front of Weir, client certificates do not come here'
    }
    if (!secret.startsWith(`${draft.namespace}/`)) {
      return `names a Secret of another namespace than ${draft.namespace}`
    }
    const before = draft.filters[clientCheck]?.parts.secret
    return before !== undefined && before !== secret
      ? 'differs from another Secret of this Ingress'
      : part(key, { ...parts, secret }, draft)
  }
}

function parseDepth(text: string): Parsed<number> {
  return /^\d{1,2}$/.test(text) ? accept(Number(text)) : refuse('must be a whole number')
}

function parsePage(text: string): Parsed<string> {
  return /^https?:\/\/[!#%-~]{1,2000}$/i.test(text)
    ? accept(text)
    : refuse('must be a URL with http:// or https://, without variables')
}

const parseSubject: Parser<string> = (text) => {
  const search = compileSearch(text)
  if (text === '') return refuse('must not be empty')
  return search.ok ? accept(text) : refuse(`is no pattern: ${search.reason}`)
}

/** ingress-nginx takes no other words. */
const parseCommonName: Parser<string> = (text) =>
  text.startsWith('CN=') ? parseSubject(text) : refuse('must begin with CN=')

const nginxPrefix = 'nginx.ingress.kubernetes.io/'
const nginxSecret = 'auth-tls-secret'

const modes = {
  on: 'on',
  off: 'off',
  optional: 'optional',
  optional_no_ca: 'optional-no-ca',
} as const

function nginxPart<T>(key: string, parts: (value: T) => Parts) {
  return ofSecret(nginxPrefix + key, nginxSecret, parts)
}

/** ingress-nginx’s own rows. */
export const nginxClientTlsRows: readonly SupportedRow[] = [
  ofHost(
    guarded(
      nginxSecret,
      'namespace/name of a Secret, of the Ingress’s own namespace',
      'Clients need a certificate of an authority in `ca.crt` that `ca.crl` does not revoke; others get 400. Endpoints hear of it in `ssl-client-verify`, `ssl-client-subject-dn`, `ssl-client-issuer-dn`; clients cannot send these. Without `--listen-tls`, and without the Secret, the routes answer 503. Differs: plain http without a redirect is refused, too. For this Ingress; with `--like ingress-nginx` for all routes of the host.',
      parseFullName('Secret'),
      takeSecret(nginxPrefix + nginxSecret, { nginxFields: 'facts' }),
    ),
  ),
  guarded(
    'auth-tls-verify-client',
    '`on`, `off`, `optional`, `optional_no_ca`',
    '`optional`: a client may send no certificate; `optional_no_ca`: also one of an unknown authority, which the endpoint has to judge; `off`: nobody is asked. `on` when absent.',
    parseChoice(modes),
    nginxPart('auth-tls-verify-client', (verify: ClientCertificateFilter['verify']) => ({
      verify,
    })),
  ),
  guarded(
    'auth-tls-verify-depth',
    '0 to 16',
    'Authorities between a certificate and one of `ca.crt`, at most; 1 when absent.',
    parseDepth,
    nginxPart('auth-tls-verify-depth', (depth: number) => ({ depth })),
  ),
  guarded(
    'auth-tls-error-page',
    'URL',
    'Where clients without an accepted certificate are sent (302), instead of 400.',
    parsePage,
    nginxPart('auth-tls-error-page', (errorPage: string) => ({ errorPage })),
  ),
  guarded(
    'auth-tls-match-cn',
    '`CN=` and a pattern (RE2)',
    'Certificates whose subject (RFC 4514) has no match get 403. As in ingress-nginx it is looked for anywhere: `CN=ann` lets in `CN=anna`; end it with `(,|$)`.',
    parseCommonName,
    nginxPart('auth-tls-match-cn', (subject: string) => ({ subject })),
  ),
  guarded(
    'auth-tls-pass-certificate-to-upstream',
    'bool',
    'Sends the certificate, too: `ssl-client-cert`, PEM with percent signs.',
    parseBool,
    nginxPart('auth-tls-pass-certificate-to-upstream', (isPassed: boolean) => ({
      nginxFields: isPassed ? 'all' : 'facts',
    })),
  ),
].map((row) => (row.key === nginxSecret ? asThere(row) : aloneIsOff(row)))

/** What asks for nothing needs no Secret. */
function aloneIsOff(row: SupportedRow): SupportedRow {
  const whole = asThere(row, { kind: clientCheck, key: nginxSecret })
  const read: SupportedRow['read'] = (text, draft) =>
    draft.filters[clientCheck] === undefined && /^(?:off|false)$/.test(text)
      ? {}
      : whole.read(text, draft)
  return { ...whole, read }
}

const ownSecret = 'client-ca'

function weirPart<T>(key: string, parts: (value: T) => Parts) {
  return ofSecret(`weir.dev/${key}`, `weir.dev/${ownSecret}`, parts)
}

/** Weir’s own rows. */
export const weirClientTlsRows: readonly SupportedRow[] = [
  guarded(
    ownSecret,
    'name of a Secret of the Ingress’s namespace',
    'Clients need a certificate of an authority in `ca.crt` that `ca.crl` does not revoke; others get 400, over plain http, too. What they say of certificates themselves (`Client-Cert`, `ssl-client-*`) does not go upstream. Without `--listen-tls`, and without the Secret, the routes answer 503.',
    parseObjectName,
    (name, draft) => takeSecret(`weir.dev/${ownSecret}`, {})(`${draft.namespace}/${name}`, draft),
  ),
  guarded(
    'client-verify',
    '`on`, `optional`, `optional-no-ca`',
    '`optional`: a client may send no certificate; `optional-no-ca`: also one of an unknown authority, which the endpoint has to judge. `on` when absent.',
    parseChoice({ on: 'on', optional: 'optional', 'optional-no-ca': 'optional-no-ca' } as const),
    weirPart('client-verify', (verify: ClientCertificateFilter['verify']) => ({ verify })),
  ),
  guarded(
    'client-depth',
    '0 to 16',
    'Authorities between a certificate and one of `ca.crt`, at most; 1 when absent.',
    parseDepth,
    weirPart('client-depth', (depth: number) => ({ depth })),
  ),
  guarded(
    'client-subject',
    'pattern (RE2)',
    'Certificates whose subject (RFC 4514: `CN=ann,O=shop`) has no match anywhere get 403; `^CN=ann,` begins with it.',
    parseSubject,
    weirPart('client-subject', (subject: string) => ({ subject })),
  ),
  guarded(
    'client-cert-header',
    'bool',
    'Sends verified certificates to endpoints in `Client-Cert` and `Client-Cert-Chain` (RFC 9440).',
    parseBool,
    weirPart('client-cert-header', (standardFields: boolean) => ({ standardFields })),
  ),
]
