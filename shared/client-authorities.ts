// By whose word are certificates of clients good? Reads the entries of a Secret.
import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { authorityFault } from './authorities.ts'

/** PEM, one certificate or list after the other. */
export interface ClientAuthorities {
  readonly ca: string
  /** What they have revoked; undefined: nothing is known of that. */
  readonly crl: string | undefined
}

type Entries = Readonly<Record<string, string>>

const known = new WeakMap<Entries, { readonly authorities: ClientAuthorities | undefined }>()

/** Reads `ca.crt` and `ca.crl`; undefined when there is no authority, or OpenSSL does not take all of it. */
export function readClientAuthorities(data: Entries): ClientAuthorities | undefined {
  let found = known.get(data)
  if (found === undefined) {
    found = { authorities: readAnew(data) }
    known.set(data, found)
  }
  return found.authorities
}

/** Says why nobody can be verified by it, as the end of a sentence about its object; undefined: clients can. */
export function clientAuthoritiesFault(data: Entries): string | undefined {
  const fault = authorityFault(data)
  if (fault !== undefined) return fault
  return readClientAuthorities(data) === undefined
    ? 'its ca.crl holds no list of revoked certificates that can be read (PEM is expected)'
    : undefined
}

function readAnew({ 'ca.crt': ca, 'ca.crl': crl }: Entries): ClientAuthorities | undefined {
  if (ca === undefined) return undefined
  try {
    // A context takes text in which there is no certificate at all.
    if (new X509Certificate(ca).subject === undefined) return undefined
    createSecureContext({ ca, ...(crl === undefined ? {} : { crl }) })
    return { ca, crl }
  } catch {
    return undefined
  }
}
