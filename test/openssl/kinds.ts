// Which kinds of client does OpenSSL stand for, and what is each to see? Plain data; files are those of test/support/certificates.
import type { Sight } from './s-client.ts'

/** One client, and what it is to see. */
export interface Kind {
  readonly name: string
  readonly options: readonly string[]
  /** What it asks for; the host that it names unless said otherwise. */
  readonly host?: string
  /** What is to be seen; the rest may be anything. */
  readonly sees: Partial<Omit<Sight, 'said'>>
  /** What it says besides. */
  readonly says?: RegExp
  readonly why: string
}

const a = ['-servername', 'a.test', '-CAfile', 'ca.crt']
const good = { status: 200, verified: '0 (ok)' }

/** Clients that show no certificate. */
export const serverKinds: readonly Kind[] = [
  {
    name: 'a client of today',
    options: a,
    sees: { ...good, version: 'TLSv1.3', shown: 'a.test', signedBy: 'ECDSA' },
    why: 'ECDSA goes first where both are there and the client can do both',
  },
  {
    name: 'TLS 1.2',
    options: [...a, '-tls1_2'],
    sees: { ...good, version: 'TLSv1.2', shown: 'a.test', signedBy: 'ECDSA' },
    why: 'both versions are spoken',
  },
  {
    name: 'TLS 1.2 with RSA suites only',
    options: [...a, '-tls1_2', '-cipher', 'ECDHE-RSA-AES256-GCM-SHA384'],
    sees: { ...good, cipher: 'ECDHE-RSA-AES256-GCM-SHA384', shown: 'a.test', signedBy: 'RSA-PSS' },
    why: 'the RSA certificate of the host is for those',
  },
  {
    name: 'TLS 1.2 with CHACHA20 first',
    options: [...a, '-tls1_2', '-cipher', 'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE+AESGCM'],
    sees: { ...good, cipher: 'ECDHE-ECDSA-CHACHA20-POLY1305' },
    why: 'the order of the client counts',
  },
  {
    name: 'TLS 1.3 with RSA signatures only',
    options: [...a, '-sigalgs', 'RSA-PSS+SHA256'],
    sees: { ...good, version: 'TLSv1.3', shown: 'a.test', signedBy: 'RSA-PSS' },
    why: 'in TLS 1.3 the signature algorithms decide',
  },
  {
    name: 'P-256 only',
    options: [...a, '-groups', 'P-256'],
    sees: { ...good, group: 'prime256v1' },
    why: 'an older group, still allowed',
  },
  {
    name: 'a key share for a group that is not spoken',
    options: [...a, '-groups', 'P-521:P-384'],
    sees: { ...good, group: 'secp384r1' },
    why: 'a HelloRetryRequest asks for another share (RFC 8446 §4.1.4)',
  },
  {
    name: 'small records',
    options: [...a, '-max_send_frag', '512', '-maxfraglen', '512'],
    sees: good,
    why: 'a device with little memory (RFC 6066 §4)',
  },
  {
    name: 'no name',
    options: ['-noservername', '-CAfile', 'ca.crt'],
    host: 'b.test',
    sees: { ...good, shown: 'b.test' },
    why: 'who names no host gets the default certificate',
  },
  {
    name: 'a wrong name',
    options: ['-servername', 'nobody.test', '-CAfile', 'ca.crt'],
    host: 'nobody.test',
    sees: { status: 200, shown: 'b.test' },
    why: 'so does one that names a host without a certificate',
  },
  {
    name: 'a wrong name that is checked',
    options: [
      ...['-servername', 'nobody.test', '-CAfile', 'ca.crt'],
      ...['-verify_hostname', 'nobody.test', '-verify_return_error'],
    ],
    host: 'nobody.test',
    sees: { status: undefined },
    says: /hostname mismatch/i,
    why: 'such a client goes away: it was shown another host’s certificate',
  },
  {
    name: 'another host than the one it named',
    options: a,
    host: 'b.test',
    sees: { status: 421, shown: 'a.test' },
    why: 'the certificate of the connection is not for it (RFC 9110 §15.5.20)',
  },
  {
    name: 'a host of a wildcard',
    options: ['-servername', 'x.wild.test', '-CAfile', 'ca.crt'],
    host: 'x.wild.test',
    sees: { ...good, shown: '*.wild.test' },
    why: 'one label under it',
  },
  {
    name: 'a chain',
    options: ['-servername', 'chained.test', '-CAfile', 'ca.crt', '-verify_return_error'],
    host: 'chained.test',
    sees: { ...good, shown: 'chained.test' },
    why: 'the intermediate is sent along: the client knows its root only',
  },
  {
    name: 'HTTP/2 or 1.1',
    options: [...a, '-alpn', 'http/1.1,h2'],
    sees: { protocol: 'h2', status: undefined },
    why: 'Weir likes HTTP/2 best; text is no preface of it',
  },
  {
    name: 'HTTP/1.1 by ALPN',
    options: [...a, '-alpn', 'http/1.1'],
    sees: { ...good, protocol: 'http/1.1' },
    why: 'what it asks for',
  },
  {
    name: 'another application protocol only',
    options: [...a, '-alpn', 'smtp'],
    sees: { status: undefined, alert: 'no application protocol' },
    why: 'RFC 7301 §3.2',
  },
  {
    name: 'TLS 1.1',
    options: [...a, '-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'],
    sees: { status: undefined, alert: 'protocol version' },
    why: 'too old: an alert says so',
  },
  {
    name: 'RSA key exchange',
    options: [...a, '-tls1_2', '-cipher', 'AES128-GCM-SHA256'],
    sees: { status: undefined, alert: 'handshake failure' },
    why: 'no suite without forward secrecy',
  },
  {
    name: 'finite-field Diffie-Hellman',
    options: [...a, '-tls1_2', '-cipher', 'DHE-RSA-AES128-GCM-SHA256'],
    sees: { status: undefined, alert: 'handshake failure' },
    why: 'left out of Mozilla’s list',
  },
  {
    name: 'one that asks for OCSP',
    options: [...a, '-status'],
    sees: good,
    says: /OCSP response: no response sent/,
    why: 'nothing is stapled',
  },
  {
    name: 'a ticket and early data',
    options: a,
    sees: good,
    says: /lifetime hint: 3600 [\s\S]*Max Early Data: 0/,
    why: 'a session lives for an hour, and there is no 0-RTT',
  },
]

const guarded = (host: string, client?: string, more: readonly string[] = []): string[] => [
  ...['-servername', host, '-CAfile', 'ca.crt', '-quiet'],
  ...(client === undefined ? [] : ['-cert', `${client}.crt`, '-key', `${client}.key`]),
  ...more,
]

/** What is known of `clients.test` (with a list of what is revoked) and `unlisted.test` (without one). */
export const clientKinds: readonly Kind[] = [
  {
    name: 'a good certificate',
    options: guarded('clients.test', 'client-good'),
    sees: { status: 200 },
    why: 'of an authority of the Secret',
  },
  {
    name: 'none',
    options: guarded('clients.test'),
    sees: { status: 400 },
    says: /client-certificate-required/,
    why: 'it was asked for one',
  },
  {
    name: 'an expired one',
    options: guarded('clients.test', 'client-expired'),
    sees: { status: 400 },
    says: /client-certificate-refused/,
    why: 'its time is over',
  },
  {
    name: 'a revoked one',
    options: guarded('clients.test', 'client-revoked'),
    sees: { status: 400 },
    says: /client-certificate-refused/,
    why: 'it is in ca.crl',
  },
  {
    name: 'a revoked one, where no list says so',
    options: guarded('unlisted.test', 'client-revoked'),
    sees: { status: 200 },
    why: 'nobody told',
  },
  {
    name: 'one of another authority',
    options: guarded('clients.test', 'client-other'),
    sees: { status: 400 },
    says: /client-certificate-refused/,
    why: 'not of the Secret',
  },
  {
    name: 'one by an intermediate, with it',
    options: guarded('unlisted.test', 'client-chained', ['-cert_chain', 'client-chained.crt']),
    sees: { status: 200 },
    why: 'the client sends what is between',
  },
  {
    name: 'one by an intermediate, without it',
    options: guarded('unlisted.test', 'client-chained'),
    sees: { status: 400 },
    says: /client-certificate-refused/,
    why: 'nobody knows who issued it',
  },
  {
    name: 'one by an intermediate that has no list',
    options: guarded('clients.test', 'client-chained', ['-cert_chain', 'client-chained.crt']),
    sees: { status: 400 },
    says: /client-certificate-refused/,
    why: 'with ca.crl each authority of the chain needs a list, as in nginx',
  },
  {
    name: 'one for servers',
    options: guarded('unlisted.test', 'a-ecdsa'),
    sees: { status: 400 },
    says: /client-certificate-refused/,
    why: 'its use is another (RFC 5280 §4.2.1.12)',
  },
]
