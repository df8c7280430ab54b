// How is the text of an annotation for a filter read? As in values.ts: what a parser lets through is safe to use as it is.
import { type Origin, readOrigin } from '../../../auth-origin.ts'
import { formatHostPort } from '../../../host-port.ts'

import type { StatusRange } from '../../backend.ts'
import { isAlbArn } from '../../filters/alb-identity.ts'
import { faultOfName } from '../../filters/header-edits.ts'
import { faultOfRequestKey, type RequestKey } from '../../request-key.ts'
import type { BackendName } from '../../upstreams/backend-ref.ts'
import { accept, type Parsed, type Parser, refuse, splitList } from './values.ts'

/** A port of a Service of the Ingress's own namespace. */
export type ServiceName = Omit<BackendName, 'namespace'>

/** Parses `service:port`, the port by number or name; the Service is one of the Ingress's own namespace. */
export function parseService(text: string): Parsed<ServiceName> {
  const match = /^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?):([a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?)$/.exec(
    text,
  )
  const [, service = '', , port = ''] = match ?? []
  const number = Number(port)
  if (match === null || (/^\d+$/.test(port) && (number < 1 || number > 65_535))) {
    return refuse('must be a Service of this namespace and its port, such as auth:80')
  }
  return accept({ service, port: /^\d+$/.test(port) ? number : port })
}

/** A URL of which Weir asks: about requests, or for keys. */
export interface AuthUrl {
  readonly origin: Origin
  /** As the Host field names it. */
  readonly authority: string
  readonly path: string
}

/** Parses a URL that Weir asks, outside of the cluster or a Service by its DNS name. */
export function parseAuthUrl(text: string): Parsed<AuthUrl> {
  const result = readOrigin(text)
  if (!result.ok) return refuse(result.reason)
  const { origin, target } = result
  const { scheme, host, port } = origin
  if (scheme === 'https' && /\.svc(?:\.cluster\.local)?$/.test(host)) {
    return refuse('has https, but Services of the cluster are spoken to in plain HTTP; write http')
  }
  const isUsual = port === (scheme === 'https' ? 443 : 80)
  const name = host.includes(':') ? `[${host}]` : host
  const authority = isUsual ? name : formatHostPort(host, port)
  return accept({ origin, authority, path: target })
}

/** Makes a parser of `namespace/name` of an object of this kind. */
export function parseFullName(kind: string): Parser<string> {
  return (text) =>
    /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/.test(text)
      ? accept(text)
      : refuse(`must be namespace/name of a ${kind}`)
}

/** Parses the name of an object of the namespace (RFC 1123 subdomain). */
export function parseObjectName(text: string): Parsed<string> {
  return text.length <= 253 && /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/.test(text)
    ? accept(text)
    : refuse('must be the name of an object of this namespace, without the namespace')
}

/** Parses a host, perhaps with a port. */
export function parseHostField(text: string): Parsed<string> {
  return /^[a-zA-Z0-9]([-a-zA-Z0-9.]{0,251}[a-zA-Z0-9])?(:\d{1,5})?$/.test(text)
    ? accept(text)
    : refuse('must be a host such as web.b.test')
}

/** Parses one line of ASCII text. */
export function parseText(text: string): Parsed<string> {
  return /^[ -~]{1,1024}$/.test(text) ? accept(text) : refuse('must be one line of ASCII text')
}

/** Parses texts separated by commas; at least one. */
export function parseItems(text: string): Parsed<readonly string[]> {
  const items = text.split(',').map((item) => item.trim())
  return items.every((item) => /^[ -~]+$/.test(item))
    ? accept(items)
    : refuse('must be ASCII texts separated by commas')
}

/** Parses the ARN of an Application Load Balancer. */
export function parseAlbArn(text: string): Parsed<string> {
  return isAlbArn(text)
    ? accept(text)
    : refuse(
        'must be the ARN of an Application Load Balancer, such as arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/edge/50dc6c495c0c9188',
      )
}

/** Parses a URL that a browser is sent to, perhaps with `{url}` in it. */
export function parseSignIn(text: string): Parsed<string> {
  return /^(?:https?:\/)?\/(?!\/\/)[!-~]*$/.test(text)
    ? accept(text)
    : refuse('must be a URL or path of visible ASCII such as https://login.b.test/?rd={url}')
}

/** Parses lines `claim: Header-Name`; names of headers become lower case. */
export function parseClaims(text: string): Parsed<readonly (readonly [string, string])[]> {
  const claims: (readonly [string, string])[] = []
  for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
    const colon = line.lastIndexOf(':')
    const claim = line.slice(0, colon).trim()
    const field = line
      .slice(colon + 1)
      .trim()
      .toLowerCase()
    const fault = colon < 1 || claim === '' ? 'a line has no claim' : faultOfName(field)
    if (fault !== undefined) return refuse(`must have lines \`claim: Header-Name\`, but ${fault}`)
    claims.push([claim, field])
  }
  return claims.length === 0
    ? refuse('must have at least one line `claim: Header-Name`')
    : accept(claims)
}

/** Parses properties of a request: `header:X-Key`, `cookie:sid`, `query:key`, `address`, `path`, `uri`, `host`. */
export function parseRequestKeys(text: string): Parsed<readonly RequestKey[]> {
  const keys: RequestKey[] = []
  for (const item of splitList(text)) {
    const [from = '', name] = item.split(':', 2)
    if (from === 'address' || from === 'path' || from === 'uri' || from === 'host') {
      if (name !== undefined) return refuse(`has a name behind ${from}`)
      keys.push({ from })
    } else if (from === 'header' || from === 'cookie' || from === 'query') {
      if (name === undefined || !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
        return refuse(`needs a name behind ${from}, such as ${from}:key`)
      }
      const key: RequestKey = { from, name: from === 'header' ? name.toLowerCase() : name }
      const fault = faultOfRequestKey(key)
      if (fault !== undefined) return refuse(`cannot be used: ${fault}`)
      keys.push(key)
    } else
      return refuse('must be of: header:NAME, cookie:NAME, query:NAME, address, path, uri, host')
  }
  return keys.length === 0 ? refuse('must name at least one property of the request') : accept(keys)
}

/** Parses a whole number from `min` to `max`. */
export function parseWhole(min: number, max: number): Parser<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max
      ? accept(value)
      : refuse(`must be a whole number from ${min} to ${max}`)
  }
}

/** Parses a percentage of 0 to 100, with or without `%`; fractions may follow a point. */
export function parsePercent(text: string): Parsed<number> {
  const match = /^(\d{1,3}(?:\.\d{1,4})?)%?$/.exec(text)
  const value = Number(match?.[1] ?? Number.NaN)
  return value >= 0 && value <= 100 ? accept(value) : refuse('must be 0 to 100 percent')
}

/** Parses statuses and ranges of them: `404, 500-599`. */
export function parseStatusRanges(text: string): Parsed<readonly StatusRange[]> {
  const ranges: StatusRange[] = []
  for (const item of splitList(text)) {
    const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(item)
    const from = Number(match?.[1])
    const to = Number(match?.[2] ?? match?.[1])
    if (match === null || to < from) return refuse('must be statuses such as 404, 500-599')
    ranges.push({ from, to })
  }
  return ranges.length === 0 ? refuse('must name at least one status') : accept(ranges)
}

/** Parses statuses as parseStatusRanges does, into each of them. */
export function parseStatuses(text: string): Parsed<readonly number[]> {
  const ranges = parseStatusRanges(text)
  if (!ranges.ok) return ranges
  return accept(
    ranges.value.flatMap(({ from, to }) =>
      Array.from({ length: to - from + 1 }, (_, index) => from + index),
    ),
  )
}

/** Parses words separated by commas or white space; they become lower case. At least one. */
export function parseWords(text: string): Parsed<readonly string[]> {
  const words = splitList(text.toLowerCase())
  return words.length === 0 ? refuse('must name at least one') : accept(words)
}
