// Which host outside of the cluster is meant, in `--external-names` and in Services of type ExternalName alike?
//
// Invariant: two spellings of one host give one text, and what comes out can be connected to or looked up: it is refused where
// it is written, not when a request needs it.
import { normaliseAddress } from './ip-address.ts'

/** Either a host or the reason, as the end of a sentence, why the text is none. */
export type ExternalHostResult =
  | {
      readonly ok: true
      /** A DNS name in lower case without trailing dot, or an address. */
      readonly host: string
    }
  | { readonly ok: false; readonly reason: string }

/** Reads a host: a DNS name (RFC 1123, with underscores), or an IPv4 or IPv6 address without brackets. */
export function readExternalHost(text: string): ExternalHostResult {
  const address = normaliseAddress(text)
  if (address !== undefined) return { ok: true, host: address }
  const lower = text.toLowerCase()
  const host = lower.endsWith('.') ? lower.slice(0, -1) : lower
  const reason = whatIsWrong(host)
  return reason === undefined ? { ok: true, host } : { ok: false, reason }
}

function whatIsWrong(host: string): string | undefined {
  if (host === '') return 'is empty'
  if (host.includes('/')) return 'is a URL or a path; only its host belongs there'
  if (host.includes('*')) return 'has a *; each host is named in full'
  if (/^\[|%/.test(host)) return 'has brackets or a zone; addresses are written without'
  if (/^[^:]*:\d*$/.test(host)) return 'has a port; the port is that of the Service'
  if (host.length > 253) return 'is longer than 253 characters'
  const labels = host.split('.')
  for (const label of labels) {
    if (label === '') return 'has an empty label'
    if (label.length > 63) return 'has a label longer than 63 characters'
    if (!/^[a-z0-9_-]+$/.test(label)) {
      return 'has characters other than letters, digits, -, _ and . (others are written as xn--…)'
    }
    if (label.startsWith('-') || label.endsWith('-')) return 'has a label with - at an end'
  }
  // RFC 1123 §2.1: what ends like an address is one, and some readers take 127.1 or 0x7f000001 for 127.0.0.1.
  const last = labels.at(-1) ?? ''
  return /^(?:\d+|0x[0-9a-f]*)$/.test(last) ? 'ends with a number and is no address' : undefined
}
