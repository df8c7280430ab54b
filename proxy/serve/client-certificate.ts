// What did a client prove when TLS began? Reads its certificate from a socket, once the handshake is done.
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../../shared/routing/filters/kind.ts'

/** Reads the certificate that a client sent; undefined: it sent none. The socket must have asked for one. */
export function readClientCertificate(socket: TLSSocket): ClientCertificate | undefined {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return undefined
  const error = socket.authorized ? undefined : codeOf(socket.authorizationError)
  const [, ...issuers] = chainOf(socket)
  return {
    pem: certificate.toString(),
    der: certificate.raw,
    // The last of a chain that was verified is the authority itself, which the upstream knows.
    chain: error === undefined ? issuers.slice(0, -1) : issuers,
    subject: distinguishedName(certificate.subject),
    issuer: distinguishedName(certificate.issuer),
    error,
  }
}

function codeOf(error: unknown): string {
  if (typeof error === 'string') return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'UNSPECIFIED'
}

/** DER, from the client's certificate on. */
function chainOf(socket: TLSSocket): readonly Buffer[] {
  const chain: Buffer[] = []
  const seen = new Set<string>()
  let next: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true)
  // A certificate that signs itself is its own issuer.
  while (next?.raw !== undefined && !seen.has(next.fingerprint256 ?? '')) {
    seen.add(next.fingerprint256 ?? '')
    chain.push(next.raw)
    next = next.issuerCertificate
  }
  return chain
}

/**
 * Writes a name as RFC 4514 does, from what Node gives: one relative name per line, in the certificate's order, values escaped
 * but for what is not ASCII. nginx shows names so, too (`$ssl_client_s_dn`).
 */
export function distinguishedName(lines: string | undefined): string {
  return (lines ?? '')
    .split('\n')
    .reverse()
    .map((line) => line.replace(/(?<!\\) \+ (?=[\w.]+=)/g, '+').replace(/[^ -~]/gu, escapeBytes))
    .join(',')
}

function escapeBytes(character: string): string {
  return [...Buffer.from(character)]
    .map((byte) => `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')
}
