// What does an upstream hear of a client's certificate, and in which fields?
import type { ClientCertificate, RequestView } from './kind.ts'

/** Fields in which only Weir speaks: those of ingress-nginx, and those of RFC 9440. */
export const fieldNames: readonly string[] = [
  'ssl-client-verify',
  'ssl-client-subject-dn',
  'ssl-client-issuer-dn',
  'ssl-client-cert',
  'client-cert',
  'client-cert-chain',
]

/** Drops what the client says of its own certificate (RFC 9440 §2.4). */
export function dropFields(request: RequestView): void {
  for (const name of fieldNames) if (request.field(name) !== undefined) request.dropField(name)
}

/** As ingress-nginx tells it; `ssl-client-cert` is PEM, with percent signs. */
export function tellNginx(
  request: RequestView,
  certificate: ClientCertificate | undefined,
  withCertificate: boolean,
): void {
  request.setField('ssl-client-verify', verifyWord(certificate))
  if (certificate === undefined) return
  if (certificate.subject !== '') request.setField('ssl-client-subject-dn', certificate.subject)
  if (certificate.issuer !== '') request.setField('ssl-client-issuer-dn', certificate.issuer)
  if (withCertificate) request.setField('ssl-client-cert', encodeURIComponent(certificate.pem))
}

/** As RFC 9440 §2.2 and §2.3 write it: byte sequences of structured fields (RFC 8941 §3.3.5). */
export function tellStandard(
  request: RequestView,
  certificate: ClientCertificate | undefined,
): void {
  if (certificate === undefined) return
  request.setField('client-cert', byteSequence(certificate.der))
  if (certificate.chain.length > 0) {
    request.setField('client-cert-chain', certificate.chain.map(byteSequence).join(', '))
  }
}

function byteSequence(bytes: Buffer): string {
  return `:${bytes.toString('base64')}:`
}

/** nginx's `$ssl_client_verify`. */
function verifyWord(certificate: ClientCertificate | undefined): string {
  if (certificate === undefined) return 'NONE'
  const { error } = certificate
  return error === undefined ? 'SUCCESS' : `FAILED:${reasons[error] ?? inWords(error)}`
}

/** OpenSSL's texts of what goes wrong most (X509_verify_cert_error_string). */
const reasons: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'certificate has expired',
  CERT_NOT_YET_VALID: 'certificate is not yet valid',
  CERT_REVOKED: 'certificate revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'self-signed certificate in certificate chain',
  UNABLE_TO_GET_ISSUER_CERT: 'unable to get issuer certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unable to get local issuer certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unable to verify the first certificate',
}

function inWords(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ')
}
