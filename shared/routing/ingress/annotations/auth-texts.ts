// How does ingress-nginx write where requests are asked about, where clients sign in, and how long an answer counts?
import { readOrigin } from '../../../auth-origin.ts'
import type { CacheRule } from '../../filters/auth-request.ts'
import { literalOf, type RequestText } from '../../request-text.ts'
import { type BackendRef, refOfOrigin } from '../../upstreams/backend-ref.ts'
import { needsNames, parseNginxText, withNames } from './nginx-text.ts'
import { accept, type Parsed, refuse } from './values.ts'

const noNames = { namespace: '', ingress: '', service: '', port: '' }

/** Parses a text of nginx's variables that knows of the request alone. */
export function parseText(text: string): Parsed<RequestText> {
  const result = parseNginxText(text)
  if (!result.ok) return result
  return needsNames(result.value)
    ? refuse('has a variable of the route; only those of the request may stand here')
    : accept(withNames(result.value, noNames))
}

/** Where a question goes: to the place of a URL, or to what serves the request's own host. */
export interface AuthTarget {
  readonly origin?: Parameters<typeof refOfOrigin>[0]
  readonly target: RequestText
}

const ownHost = String.raw`\$(?:\{(?:host|http_host|best_http_host)\}|(?:host|http_host|best_http_host)(?![\w:.-]))`
const url = new RegExp(
  String.raw`^(https?|\$scheme|\$pass_access_scheme)://(${ownHost}|[^/?$]+)(.*)$`,
  'i',
)

/**
 * Parses `auth-url`: a URL with nginx's variables behind its host. The host is a literal, or `$host`: then the question is for
 * what serves that host here.
 */
export function parseAuthTarget(text: string): Parsed<AuthTarget> {
  const [, scheme = '', host = '', rest = ''] = url.exec(text) ?? []
  if (scheme === '') return refuse('must be an http or https URL; its host may be $host')
  if (rest.startsWith('$') && !/^\$\{?(?:request_uri|uri|document_uri)\b/.test(rest)) {
    return refuse('has a variable in its host; only $host alone may stand there')
  }
  const target = parseText(rest.startsWith('?') ? `/${rest}` : rest || '/')
  if (!target.ok) return target
  if (host.startsWith('$')) return accept({ target: target.value })
  if (scheme.startsWith('$')) return refuse('needs http or https where its host is a name')
  const result = readOrigin(`${scheme}://${host}/`)
  if (!result.ok) return refuse(result.reason)
  const { origin } = result
  if (origin.scheme === 'https' && /\.svc(?:\.cluster\.local)?$/.test(origin.host)) {
    return refuse('has https, but Services of the cluster are spoken to in plain HTTP; write http')
  }
  const spelled = literalOf(target.value) ?? ''
  return /[^!-~]|#/.test(spelled)
    ? refuse('must be a URL of visible ASCII without fragment')
    : accept({ origin, target: target.value })
}

/** Where a question for an origin goes, and the Host that it has: without a port, as ingress-nginx sends it. */
export function placeOf(
  { origin, target }: AuthTarget,
  namespace: string,
): { readonly service?: BackendRef; readonly host?: string; readonly target: RequestText } {
  if (origin === undefined) return { target }
  const { host } = origin
  return {
    service: refOfOrigin(origin, namespace),
    host: host.includes(':') ? `[${host}]` : host,
    target,
  }
}

/**
 * Parses `auth-signin`, with the way back in the parameter `name`: added unless the URL has it. A path gets scheme and host of the
 * request.
 */
export function parseSignIn(text: string, name: string): Parsed<RequestText> {
  if (!/^(?:https?:\/\/|\$scheme:\/\/|\$pass_access_scheme:\/\/|\/(?!\/))[!-~]+$/i.test(text)) {
    return refuse('must be a URL of visible ASCII such as https://$host/oauth2/start')
  }
  const question = text.indexOf('?')
  const parameters = new URLSearchParams(question === -1 ? '' : text.slice(question))
  const whole = text.startsWith('/') ? `$scheme://$host${text}` : text
  if (parameters.get(name)) return parseText(whole)
  const joint = parameters.size === 0 ? '?' : '&'
  return parseText(`${whole}${joint}${name}=$scheme://$http_host$escaped_request_uri`)
}

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  M: 2_592_000_000,
  y: 31_536_000_000,
}

/** Parses rules of nginx's proxy_cache_valid, comma separated: `200 202 10m, 401 5m`, `any 1m`, `5m` (200, 301 and 302). */
export function parseCacheRules(text: string): Parsed<readonly CacheRule[]> {
  const rules: CacheRule[] = []
  for (const item of text.split(',').map((part) => part.trim())) {
    if (item === '') continue
    const words = item.split(/\s+/)
    const [, count, unit = ''] = /^(\d{1,9})(ms|[smhdwMy])$/.exec(words.pop() ?? '') ?? []
    const isTold = words.every((word) => /^(?:[1-5]\d\d|any)$/.test(word))
    if (count === undefined || !isTold) {
      return refuse('must be statuses with a time behind them, such as 200 202 10m, 401 5m')
    }
    const told = words.length === 0 ? [200, 301, 302] : words.map(Number)
    const statuses = words.includes('any') ? [] : told
    rules.push({ statuses, ms: Number(count) * (units[unit] ?? 0) })
  }
  return accept(rules)
}
