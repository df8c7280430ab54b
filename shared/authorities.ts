// By whose word are endpoints who they say they are, and what is shown to them? Reads the entries of a Secret or ConfigMap.
import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'

type Entries = Readonly<Record<string, string>>

/** Says why `ca.crt` cannot be verified by, as the end of a sentence about its object; undefined: it can. */
export function authorityFault({ 'ca.crt': ca }: Entries): string | undefined {
  if (ca === undefined) return 'it has no ca.crt to verify by'
  try {
    // A context takes text in which there is no certificate at all.
    if (new X509Certificate(ca).subject !== undefined) createSecureContext({ ca })
    return undefined
  } catch {
    return 'its ca.crt holds no certificates that can be read (PEM is expected)'
  }
}

/** Says why `tls.crt` with `tls.key` cannot be shown; undefined: they can. */
export function pairFault({ 'tls.crt': cert, 'tls.key': key }: Entries): string | undefined {
  if (cert === undefined || key === undefined) return 'it has no tls.crt with tls.key to show'
  try {
    createSecureContext({ cert, key })
    return undefined
  } catch {
    return 'its tls.crt and tls.key cannot be read, or do not fit each other'
  }
}
