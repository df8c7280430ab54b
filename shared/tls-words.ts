// Which words of TLS may be set: versions, cipher suites, groups? What this Node's OpenSSL knows.
import { createSecureContext, getCiphers } from 'node:tls'

export const tlsVersions = ['1.2', '1.3'] as const
export type TlsVersion = (typeof tlsVersions)[number]

/** What a port that speaks TLS allows. */
export interface TlsRules {
  readonly minVersion: TlsVersion
  /** Names of OpenSSL, of TLS 1.2 and 1.3 together. */
  readonly ciphers: readonly string[]
  /** Key agreement, best first. */
  readonly groups: readonly string[]
}

/**
 * Mozilla's intermediate suites (guideline 5.7, https://ssl-config.mozilla.org), without the three of finite-field DHE: clients that
 * know nothing better are older than ten years.
 */
export const intermediateCiphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
]

/** Tells whether OpenSSL knows a cipher suite by this name. */
export function isTlsCipher(name: string): boolean {
  return getCiphers().includes(name.toLowerCase())
}

/** Tells whether OpenSSL knows a group by this name. */
export function isTlsGroup(name: string): boolean {
  if (!/^[A-Za-z0-9_-]+$/.test(name)) return false
  try {
    // Without `ca` each thread would read all roots that Node trusts: some 5 MB resident.
    createSecureContext({ ecdhCurve: name, ca: [] })
    return true
  } catch {
    return false
  }
}

const [major = 0, minor = 0] = process.versions.openssl.split('.').map(Number)
// Told by the version: to ask OpenSSL would load its TLS, also where nobody speaks it (1 to 2 MB resident).
const hasHybrid = major > 3 || (major === 3 && minor >= 5)

/** The best first; the hybrid with ML-KEM only where OpenSSL has it. */
export const usualGroups = [
  ...(hasHybrid ? ['X25519MLKEM768'] : []),
  ...['X25519', 'P-256', 'P-384'],
]
