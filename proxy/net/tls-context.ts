// What does a server's TLS context hold? Certificates with their keys, and the rules of its port.
import { constants } from 'node:crypto'
import type { TlsOptions } from 'node:tls'
import type { TlsRules } from '../../shared/tls-words.ts'

/** A certificate with its chain, and its key: PEM. */
export interface ServerIdentity {
  readonly cert: string
  readonly key: string
}

/**
 * Makes the options of a context; with several identities OpenSSL takes the one that a client can verify (RFC 8446 §4.4.2.2).
 * Without any every handshake ends with the alert handshake_failure.
 */
export function serverContext(
  { minVersion, ciphers, groups }: TlsRules,
  identities: readonly ServerIdentity[],
): TlsOptions {
  const isNew = (name: string) => name.toUpperCase().startsWith('TLS_')
  return {
    // OpenSSL has lists of its own for the versions that no suite is named for: they are not spoken.
    minVersion: ciphers.every(isNew) ? 'TLSv1.3' : `TLSv${minVersion}`,
    maxVersion: ciphers.some(isNew) ? 'TLSv1.3' : 'TLSv1.2',
    ciphers: ciphers.join(':'),
    ecdhCurve: groups.join(':'),
    // Who asks clients for certificates says by whom; the roots that Node trusts are for clients.
    ca: [],
    cert: identities.map(({ cert }) => cert),
    key: identities.map(({ key }) => key),
    // A client knows best which cipher it is fast at: all that are allowed are good. Renegotiation serves attackers only.
    honorCipherOrder: false,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  }
}
