// Why did a TLS handshake come to nothing? A few words for a metric, from the many of OpenSSL.

/** The label of `weir_tls_handshake_failures_total{reason}`. */
export const handshakeFailures = [
  'timeout',
  'crowded-out',
  'plain-http',
  'client-closed',
  'client-alert',
  'no-common-version',
  'no-common-cipher',
  'no-common-protocol',
  'no-certificate',
  'malformed',
] as const
export type HandshakeFailure = (typeof handshakeFailures)[number]

const codes: Readonly<Record<string, HandshakeFailure>> = {
  ECONNRESET: 'client-closed',
  EPIPE: 'client-closed',
  ERR_SSL_UNEXPECTED_EOF_WHILE_READING: 'client-closed',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'no-common-version',
  ERR_SSL_VERSION_TOO_LOW: 'no-common-version',
  ERR_SSL_NO_SHARED_CIPHER: 'no-common-cipher',
  ERR_SSL_NO_SUITABLE_KEY_SHARE: 'no-common-cipher',
  ERR_SSL_NO_SHARED_GROUP: 'no-common-cipher',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'no-common-protocol',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'no-certificate',
}

/** Names the failure behind an error of `tlsClientError`. */
export function handshakeFailureOf({ code = '' }: NodeJS.ErrnoException): HandshakeFailure {
  return codes[code] ?? (code.includes('_ALERT_') ? 'client-alert' : 'malformed')
}
