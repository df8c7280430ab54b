// How is the text of an annotation read? One parser per kind of value, shared by all families.
//
// Invariant: what a parser lets through is safe to use as it is: no control byte, no variable of another proxy's language.
// A parser that is not sure refuses, with a reason that ends the sentence "The value …".

import { parseCidr } from '../../../cidr.ts'
import { faultOfName, faultOfValue } from '../../filters/header-edits.ts'
import type { RedirectTarget } from '../../filters/redirect.ts'

/** Either a value or the reason why the text is none. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string }

export type Parser<T> = (text: string) => Parsed<T>

const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false] as const),
])

/** Parses what Go's strconv.ParseBool takes, as ingress-nginx does. */
export function parseBool(text: string): Parsed<boolean> {
  const value = booleans.get(text)
  return value === undefined ? refuse('must be "true" or "false"') : accept(value)
}

// setTimeout takes 2^31-1 ms at most and fires at once beyond it.
const maxMs = 2 ** 31 - 1

/** Parses whole seconds without a unit, as ingress-nginx writes its timeouts; the value is in ms. */
export function parseSeconds(text: string): Parsed<number> {
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : 0
  return ms > 0 && ms <= maxMs
    ? accept(ms)
    : refuse('must be whole seconds above 0, without a unit')
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Parses `500ms`, `30s`, `5m`, `1h`, or seconds without a unit; the value is in ms. */
export function parseDuration(text: string): Parsed<number> {
  const match = /^(\d{1,9})(ms|s|m|h)?$/.exec(text)
  const ms = match === null ? 0 : Number(match[1]) * (unitMs[match[2] ?? 's'] ?? 0)
  return ms > 0 && ms <= maxMs
    ? accept(ms)
    : refuse('must be a time above 0 such as 500ms, 30s or 5m')
}

const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
}

/** Parses an nginx size (`8m`, `1g`, `1024`); the value is in bytes, 0 means no limit. */
export function parseSize(text: string): Parsed<number> {
  const match = /^(\d{1,12})([bkmg]?)$/i.exec(text)
  const bytes =
    match === null ? -1 : Number(match[1]) * (unitBytes[match[2]?.toLowerCase() ?? ''] ?? -1)
  return bytes >= 0 && Number.isSafeInteger(bytes)
    ? accept(bytes)
    : refuse('must be a size such as 512k, 8m or 1g, or 0 for no limit')
}

/** Parses a whole number of seconds for a cookie's age; 0 is a session cookie. */
export function parseAge(text: string): Parsed<number> {
  return /^\d{1,9}$/.test(text) ? accept(Number(text)) : refuse('must be whole seconds')
}

/** Parses CIDRs and addresses separated by commas or white space; at least one. */
export function parseCidrs(text: string): Parsed<readonly string[]> {
  const items = splitList(text)
  if (items.length === 0) return refuse('must name at least one address or CIDR')
  for (const item of items) {
    const result = parseCidr(item)
    if (!result.ok) return refuse(`must be a list of addresses and CIDRs, but ${result.reason}`)
  }
  return accept(items)
}

/** Makes a parser of the given words, in any case, for the values they stand for. */
export function parseChoice<T>(choices: Readonly<Record<string, T>>): Parser<T> {
  const byWord = new Map(
    Object.entries(choices).map(([word, value]) => [word.toLowerCase(), value]),
  )
  return (text) => {
    const value = byWord.get(text.toLowerCase())
    return value === undefined
      ? refuse(`must be one of: ${Object.keys(choices).join(', ')}`)
      : accept(value)
  }
}

const statuses = { 301: 301, 302: 302, 303: 303, 307: 307, 308: 308 } as const

/** Parses the status of a redirect. */
export const parseRedirectStatus = parseChoice(statuses)

const absolute =
  /^(?:(?:(https?):)?\/\/(\$host|\$http_host|[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(\d{1,5}))?)?(\$request_uri|[/?#][!-#%-~]*)?$/i

/**
 * Parses a URL reference: `https://b.test:8443/x`, `//b.test`, `/x`; what it leaves out comes from the request.
 * Of nginx's variables only `$host` (and `$http_host`) as the host and `$request_uri` as the path are known.
 */
export function parseReference(text: string): Parsed<RedirectTarget> {
  const match = text === '' ? null : absolute.exec(text)
  const port = match?.[3] === undefined ? undefined : Number(match[3])
  if (match === null || (port !== undefined && (port < 1 || port > 65535))) {
    return refuse('must be a URL of visible ASCII such as https://b.test/x, without variables')
  }
  const [, scheme, host, , path] = match
  return accept({
    ...(scheme === undefined ? {} : { scheme: /^https$/i.test(scheme) ? 'https' : 'http' }),
    // nginx: $http_host is the Host field as it came, $host is it without its port.
    ...(host === undefined
      ? {}
      : host.startsWith('$')
        ? { keepsPort: host === '$http_host' }
        : { host: host.toLowerCase() }),
    ...(port === undefined ? {} : { port }),
    ...(path === undefined || path === '$request_uri' ? {} : { path }),
  })
}

/** Parses an absolute http(s) URL that is sent as it stands: without a path of its own it has none (nginx). */
export function parseLiteralUrl(text: string): Parsed<RedirectTarget> {
  if (!/^https?:\/\//i.test(text)) return refuse('must begin with http:// or https://')
  const result = parseReference(text)
  if (!result.ok || result.value.path !== undefined || text.endsWith('$request_uri')) return result
  return accept({ ...result.value, path: '' })
}

/** Parses a DNS name; lower case. */
export function parseDnsName(text: string): Parsed<string> {
  return /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i.test(text)
    ? accept(text.toLowerCase())
    : refuse('must be a DNS name')
}

/** Parses a path that begins with `/`: visible ASCII without `;`, `?` and `#`. */
export function parsePath(text: string): Parsed<string> {
  return /^\/(?!\/)[!"$-:<->@-~]*$/.test(text)
    ? accept(text)
    : refuse('must be a path of visible ASCII that begins with one /')
}

/** Parses a path that a client is sent to, which may have a query. */
export function parseLocation(text: string): Parsed<string> {
  return /^\/(?!\/)[!-~]*$/.test(text)
    ? accept(text)
    : refuse('must be a path of visible ASCII that begins with one /')
}

/** Parses an nginx rewrite target: a path with `$1` to `$9` for the groups of the pattern, perhaps with a query. */
export function parseRewriteTarget(text: string): Parsed<string> {
  if (!/^[/$][!"$-~]*$/.test(text)) {
    return refuse('must be a path of visible ASCII that begins with / (or $1)')
  }
  return /\$(?![1-9])/.test(text) ? refuse('may use $1 to $9 only, no variables') : accept(text)
}

/** Parses a cookie's name (RFC 6265 §4.1.1). */
export function parseCookieName(text: string): Parsed<string> {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/.test(text)
    ? accept(text)
    : refuse('must be a cookie name')
}

/** Parses lines of `Name: value`; names become lower case. */
export function parseHeaderLines(text: string): Parsed<readonly (readonly [string, string])[]> {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const fields: (readonly [string, string])[] = []
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon === -1) return refuse('must have lines of the form `Name: value`')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const fault = faultOfName(name) ?? faultOfValue(value)
    if (fault !== undefined)
      return refuse(`must have lines of the form \`Name: value\`, but ${fault}`)
    fields.push([name, value])
  }
  return fields.length === 0 ? refuse('must have at least one line `Name: value`') : accept(fields)
}

/** Parses header names separated by commas or white space; they become lower case. */
export function parseHeaderNames(text: string): Parsed<readonly string[]> {
  const names = splitList(text.toLowerCase())
  if (names.length === 0) return refuse('must name at least one header')
  const fault = names.map(faultOfName).find((found) => found !== undefined)
  return fault === undefined
    ? accept(names)
    : refuse(`must be a list of header names, but ${fault}`)
}

/** Splits at commas and white space. */
export function splitList(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((item) => item !== '')
}

/** Makes the result of a text that is understood. */
export function accept<T>(value: T): Parsed<T> {
  return { ok: true, value }
}

/** Makes the result of a text that is not; `reason` ends the sentence "The value …". */
export function refuse(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason }
}
