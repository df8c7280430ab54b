// What can be set on the port that speaks TLS? Rows of settings-table.ts.
import { hostPort, integer, knownNames, objectPath, oneOf } from '../shared/options-kinds.ts'
import { type OptionTable, option, optional } from '../shared/options-table.ts'
import { isTlsCipher, isTlsGroup, tlsVersions, usualGroups } from '../shared/tls-words.ts'

const tls = 'TLS'

const cipherNames = knownNames(
  'NAME,…',
  'a list of cipher suites that OpenSSL knows, such as TLS_AES_128_GCM_SHA256 or ECDHE-RSA-AES128-GCM-SHA256',
  isTlsCipher,
)

const groupNames = knownNames(
  'NAME,…',
  'a list of groups that OpenSSL knows, such as X25519MLKEM768, X25519 or P-256',
  isTlsGroup,
)

/** The options of TLS. */
export const tlsOptions = {
  listenTls: optional(hostPort, {
    group: tls,
    absent: 'off',
    help: 'Serves clients that speak TLS here, beside --listen: the certificates are those that `spec.tls` of Ingresses names (docs/tls.md).',
  }),
  defaultCertificate: optional(objectPath, {
    group: tls,
    absent: 'self-signed, made at start',
    help: 'Shows the certificate of this Secret where no other is for the host, or a client names no host.',
  }),
  tlsUnknownHost: option(oneOf(['default', 'reject']), {
    group: tls,
    default: 'default',
    help: 'Shows hosts that no certificate is for, and clients that name no host, the default certificate, or ends the handshake.',
  }),
  tlsMinVersion: option(oneOf(tlsVersions), {
    group: tls,
    default: '1.2',
    help: 'Speaks no TLS older than this.',
  }),
  tlsCiphers: optional(cipherNames, {
    group: tls,
    absent: "Mozilla's intermediate list (docs/tls.md)",
    help: 'Allows these cipher suites, of TLS 1.2 and 1.3 together.',
  }),
  tlsGroups: option(groupNames, {
    group: tls,
    default: usualGroups,
    help: 'Agrees on keys by these groups, the best first.',
  }),
  tlsHandshakeTimeoutMs: option(integer(100, 600_000, 'ms'), {
    group: tls,
    default: 10_000,
    help: 'Gives a client this long for its handshake, from the moment it is connected.',
  }),
  tlsMaxHandshakes: option(integer(1, 1_000_000), {
    group: tls,
    default: 2000,
    help: 'Waits for up to this many handshakes at a time, over all workers; the oldest gives way to a new one.',
  }),
} satisfies OptionTable
