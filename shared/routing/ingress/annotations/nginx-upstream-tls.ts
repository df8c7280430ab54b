// ingress-nginx's annotations about the protocol that endpoints speak: TLS to them, and what is shown and asked there.
import type { TlsVersion, UpstreamTls } from '../../upstreams/upstream-tls.ts'
import type { Draft } from './draft.ts'
import { parseFullName } from './filter-values.ts'
import { guarded, type Row, supported } from './row.ts'
import type { UpstreamTlsDraft } from './upstream-tls-draft.ts'
import { accept, type Parsed, type Parser, parseChoice, parseDnsName, refuse } from './values.ts'

/** Reads a part that counts together with a Secret only (ingress-nginx); there a `guard` that cannot be read closes. */
function part<K extends keyof UpstreamTlsDraft>(
  name: K,
  parse: Parser<NonNullable<UpstreamTlsDraft[K]>>,
  guard?: 'guard',
) {
  return (text: string, { upstreamTls }: Draft): Partial<Draft> | string => {
    if (upstreamTls?.secret === undefined) {
      // That is how it is without them.
      if (text.toLowerCase() === 'off') return {}
      return { remark: 'has no effect without proxy-ssl-secret' }
    }
    const result = parse(text)
    if (result.ok) return { upstreamTls: { ...upstreamTls, [name]: result.value } }
    return guard === undefined ? result.reason : close(result.reason)
  }
}

/** Closes the routes because of the value that was read last; `reason` is the end of "The value …". */
function close(reason: string): Partial<Draft> {
  return { closed: `${reason}`, remark: `${reason}: its routes answer 503` }
}

const protocols = /^(?:HTTP|HTTPS|AUTO_HTTP|GRPC|GRPCS|FCGI)$/

function parseProtocol(text: string): Parsed<string> {
  return accept(text.toUpperCase())
}

const noFastCgi =
  'asks for FastCGI, which Weir does not speak (put a server that speaks HTTP in front of it)'

function speak(protocol: string, { upstreamTls }: Draft): Partial<Draft> {
  if (!protocols.test(protocol)) {
    return {
      remark: 'is none of HTTP, HTTPS, GRPC, GRPCS, AUTO_HTTP: endpoints are spoken to in HTTP',
    }
  }
  if (protocol === 'FCGI') return close(noFastCgi)
  // As clients come to Weir, or as the port says.
  if (protocol === 'AUTO_HTTP') return {}
  if (protocol === 'HTTP') return { upstreamProtocol: 'http' }
  if (protocol === 'GRPC') return { upstreamProtocol: 'h2c' }
  const tls = { upstreamTls: { ...upstreamTls, isHttps: true } }
  return protocol === 'HTTPS' ? tls : { ...tls, upstreamProtocol: 'h2' }
}

function takeSecret(secret: string, { namespace, upstreamTls }: Draft): Partial<Draft> | string {
  return secret.startsWith(`${namespace}/`)
    ? { upstreamTls: { isHttps: false, ...upstreamTls, secret } }
    : `names a Secret of another namespace than ${namespace}`
}

const order: readonly TlsVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

/** nginx lists versions; those between the first and the last are spoken, too. */
function parseVersions(text: string): Parsed<NonNullable<UpstreamTls['versions']>> {
  const words = text.split(/\s+/)
  const known = order.filter((version) => words.includes(version))
  const [min] = known
  const max = known.at(-1)
  return min === undefined || max === undefined || known.length !== words.length
    ? refuse(`must be of ${order.join(' ')}`)
    : accept([min, max])
}

const parseCiphers: Parser<string> = (text) =>
  /^[\w:+!@=.-]{1,1024}$/.test(text)
    ? accept(text)
    : refuse('must be a list of ciphers in OpenSSL’s words, such as HIGH:!aNULL')

const parseDepth: Parser<number> = (text) =>
  /^\d{1,2}$/.test(text) ? accept(Number(text)) : refuse('must be a whole number')

/** The rows of protocols of endpoints. */
export const upstreamTlsRows: readonly Row[] = [
  guarded(
    'proxy-ssl-secret',
    'namespace/name, of the Ingress’s own namespace',
    'With `backend-protocol: HTTPS`: `tls.crt` and `tls.key` of this Secret are shown to endpoints that ask for a certificate, `ca.crt` is what they are verified by. Without the Secret the routes answer 503.',
    parseFullName('Secret'),
    takeSecret,
  ),
  supported(
    'proxy-ssl-verify',
    '`on`, `off`',
    'Endpoints must have a certificate of the Secret’s `ca.crt` for `proxy-ssl-name`; 502 else. `off` when absent.',
    accept,
    part('verifies', parseChoice({ on: true, off: false }), 'guard'),
  ),
  supported(
    'proxy-ssl-name',
    'DNS name',
    'The name that certificates of endpoints must have. Differs: `SERVICE.NAMESPACE.svc` when absent, where ingress-nginx compares a name that no certificate has.',
    accept,
    part('name', parseDnsName, 'guard'),
  ),
  supported(
    'proxy-ssl-server-name',
    '`on`, `off`',
    'Sends `proxy-ssl-name` to endpoints when TLS begins; `off` when absent.',
    accept,
    part('sendsName', parseChoice({ on: true, off: false })),
  ),
  supported(
    'proxy-ssl-verify-depth',
    'int',
    'Accepted. Differs: chains may be as long as they are.',
    parseDepth,
    () => ({}),
  ),
  supported(
    'proxy-ssl-protocols',
    '`TLSv1.2 TLSv1.3`',
    'Versions of TLS to endpoints; 1.2 and 1.3 when absent.',
    accept,
    part('versions', parseVersions),
  ),
  supported(
    'proxy-ssl-ciphers',
    'list in OpenSSL’s words',
    'Ciphers of TLS to endpoints.',
    accept,
    part('ciphers', parseCiphers),
  ),
  supported(
    'backend-protocol',
    '`HTTP`, `HTTPS`, `GRPC`, `GRPCS`, `AUTO_HTTP`',
    'HTTPS and GRPCS speak TLS to endpoints, and verify nothing without `proxy-ssl-verify`, as ingress-nginx has it. GRPC and GRPCS speak HTTP/2: in clear by prior knowledge, over TLS by ALPN. AUTO_HTTP is plain HTTP, as clients come to Weir. FCGI is not supported. Goes before `appProtocol` of the Service port.',
    parseProtocol,
    speak,
  ),
  supported(
    'connection-proxy-header',
    '`close`, `keep-alive`',
    '`close`: each connection to an endpoint serves one request. Differs: upgrades (WebSocket) pass with either.',
    parseChoice({ close: true, 'keep-alive': false }),
    (closes: boolean, { backend: { closesConnections: _, ...backend } }) => ({
      backend: closes ? { ...backend, closesConnections: true as const } : backend,
    }),
  ),
]
