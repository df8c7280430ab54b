// Does a Secret hold a certificate with its key, and for which hosts and until when is it good?
//
// Invariant: nothing of a key is ever in a text that this makes.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'

/** A certificate with its chain and its key, as a server shows it. */
export interface Identity {
  /** PEM: its own certificate first, then the chain. */
  readonly cert: string
  /** PEM. */
  readonly key: string
  /** OpenSSL holds one certificate of each: `ec`, `rsa`, `ed25519` … */
  readonly keyType: string
  /** Wall-clock ms. */
  readonly validFrom: number
  readonly validTo: number
  /** Of DNS, as it says them; empty when it says none. */
  readonly names: readonly string[]
  /** Tells whether it is for this host, or for all hosts of `*.a.test` (RFC 6125 §6.4.3). */
  covers(host: string): boolean
}

/** Why there is no identity: completes the sentence "The Secret … ". */
export type IdentityReading =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly why: string }

/** Reads `tls.crt` and `tls.key`, the entries of a Secret of the type kubernetes.io/tls. */
export function readIdentity(data: Readonly<Record<string, string>>): IdentityReading {
  const { 'tls.crt': cert, 'tls.key': key } = data
  if (cert === undefined || cert === '') return refused('has no tls.crt')
  if (key === undefined || key === '') return refused('has no tls.key')
  const leaf = parseCertificate(cert)
  if (leaf === undefined) return refused('holds no certificate in tls.crt (PEM is expected)')
  const privateKey = parseKey(key)
  if (privateKey === undefined) return refused('holds no private key in tls.key (PEM is expected)')
  if (!leaf.checkPrivateKey(privateKey)) {
    return refused(`has a tls.key that does not fit its tls.crt (${shownNames(namesOf(leaf))})`)
  }
  return {
    ok: true,
    identity: {
      cert,
      key,
      keyType: privateKey.asymmetricKeyType ?? '',
      validFrom: leaf.validFromDate.getTime(),
      validTo: leaf.validToDate.getTime(),
      names: namesOf(leaf),
      covers: (host) => leaf.checkHost(sampleOf(host)) !== undefined,
    },
  }
}

/** As readIdentity, and OpenSSL takes all of it: the chain can be parsed, the key is long enough. Costs a context. */
export function readServableIdentity(data: Readonly<Record<string, string>>): IdentityReading {
  const reading = readIdentity(data)
  if (!reading.ok) return reading
  const { cert, key } = reading.identity
  try {
    createSecureContext({ cert, key, ca: [] })
    return reading
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    return refused(`has a certificate that OpenSSL does not take (${code})`)
  }
}

/** Names for a sentence. */
export function shownNames(names: readonly string[]): string {
  if (names.length === 0) return 'for no host'
  const shown = names.slice(0, 5).join(', ')
  return `for ${shown}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
}

function refused(why: string): IdentityReading {
  return { ok: false, why }
}

/** Any host of a wildcard stands for all: what covers one label covers each. */
function sampleOf(host: string): string {
  return host.startsWith('*.') ? `any${host.slice(1)}` : host
}

function namesOf({ subjectAltName, subject }: X509Certificate): string[] {
  const names = (subjectAltName ?? '').split(', ').flatMap((name) => {
    return name.startsWith('DNS:') ? [name.slice(4)] : []
  })
  if (names.length > 0) return names
  const common = /^CN=(.+)$/m.exec(subject ?? '')?.[1]
  return common === undefined ? [] : [common]
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function parseKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}
