// To which origins may Weir send questions of its own about requests: in `--auth-urls` and in annotations alike?
//
// Invariant: two spellings of one origin give one text: scheme, host in its one form, port always written.
import { readExternalHost } from './external-host.ts'
import { formatHostPort } from './host-port.ts'
import { neverUnasked } from './reserved-addresses.ts'

/** Who is spoken to, and how. */
export interface Origin {
  readonly scheme: 'http' | 'https'
  /** A DNS name in lower case without trailing dot, or an address without brackets. */
  readonly host: string
  readonly port: number
}

/** Either an origin or the reason, as the end of a sentence, why the text has none. */
export type OriginResult =
  | { readonly ok: true; readonly origin: Origin /** Path and query. */; readonly target: string }
  | { readonly ok: false; readonly reason: string }

/** Reads an http or https URL of visible ASCII without name, password and fragment. */
export function readOrigin(text: string): OriginResult {
  const match = /^(https?):\/\/([^/?#@\\]+)([/?][!-~]*)?$/i.exec(text)
  const url = /^[!-~]+$/.test(text) && !text.includes('#') ? URL.parse(text) : null
  if (match === null || url === null) {
    return {
      ok: false,
      reason: 'is no http or https URL in visible ASCII without name, password and fragment',
    }
  }
  const result = readExternalHost(url.hostname.replace(/^\[(.*)\]$/, '$1'))
  if (!result.ok) return { ok: false, reason: `has a host that ${result.reason}` }
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  const port = Number(url.port || (scheme === 'https' ? 443 : 80))
  if (port === 0) return { ok: false, reason: 'has the port 0' }
  const { pathname, search } = url
  return { ok: true, origin: { scheme, host: result.host, port }, target: pathname + search }
}

/** Writes an origin in its one form: `https://auth.example.com:443`. */
export function formatOrigin({ scheme, host, port }: Origin): string {
  return `${scheme}://${formatHostPort(host, port)}`
}

/** The item of `--auth-urls` that allows every origin that is no address of this machine, of a link, or of a metadata service. */
export const anyOrigin = 'any'

/** Reads an item of `--auth-urls`: `any`, an origin, or `https://*.example.com` for each name one label longer. Undefined: neither. */
export function readAllowedOrigin(text: string): string | undefined {
  if (text === anyOrigin) return anyOrigin
  const match = /^(https?:\/\/)(\*\.)?([^*/?#@\\]+)\/?$/i.exec(text)
  if (match === null) return undefined
  const [, scheme = '', star = '', rest = ''] = match
  const result = readOrigin(scheme + rest)
  if (!result.ok) return undefined
  return formatOrigin({ ...result.origin, host: star + result.origin.host })
}

/**
 * Tells whether an origin may be asked by what is allowed, as readAllowedOrigin gives it: because it is named, or because any may
 * be; then its addresses, where it is a name, are still to be looked at.
 */
export function judgeOrigin(
  origin: Origin,
  allowed: ReadonlySet<string>,
): 'named' | 'any' | 'refused' {
  if (isAllowedOrigin(origin, allowed)) return 'named'
  const { host } = origin
  const isOwn = neverUnasked.has(host) || /(?:^|\.)localhost$/.test(host)
  return allowed.has(anyOrigin) && !isOwn ? 'any' : 'refused'
}

/** Tells whether an origin is among those that are named, each as readAllowedOrigin gives it. */
function isAllowedOrigin(origin: Origin, allowed: ReadonlySet<string>): boolean {
  if (allowed.has(formatOrigin(origin))) return true
  const dot = origin.host.indexOf('.')
  return dot > 0 && allowed.has(formatOrigin({ ...origin, host: `*${origin.host.slice(dot)}` }))
}
