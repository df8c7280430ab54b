// Which texts with nginx's variables does Weir understand? Those of a closed list; others are refused, never sent as they stand.
import type { RequestText, TextPart } from '../../request-text.ts'
import { accept, type Parsed, refuse } from './values.ts'

/** What a text may need besides the request: who owns the route, and which Service is behind it. */
export interface RouteNames {
  readonly namespace: string
  readonly ingress: string
  readonly service: string
  readonly port: string
}

/** A part that is known when the route is made. */
export interface NamePart {
  readonly from: 'name'
  readonly of: keyof RouteNames
}

/** A text as it stands in an annotation. */
export type NginxText = readonly (TextPart | NamePart)[]

const variables = new Map<string, TextPart | NamePart>([
  ['request_uri', { from: 'uri' }],
  ['escaped_request_uri', { from: 'escaped-uri' }],
  ['uri', { from: 'path' }],
  ['document_uri', { from: 'path' }],
  ['host', { from: 'host' }],
  ['http_host', { from: 'authority' }],
  ['best_http_host', { from: 'authority' }],
  ['remote_addr', { from: 'address' }],
  ['the_real_ip', { from: 'address' }],
  ['scheme', { from: 'scheme' }],
  ['pass_access_scheme', { from: 'scheme' }],
  ['server_port', { from: 'port' }],
  ['request_method', { from: 'method' }],
  ['is_args', { from: 'question-mark' }],
  ['args', { from: 'query-string' }],
  ['query_string', { from: 'query-string' }],
  ['remote_user', { from: 'user' }],
  ['request_id', { from: 'request-id' }],
  ['req_id', { from: 'request-id' }],
  ['proxy_add_x_forwarded_for', { from: 'header', name: 'x-forwarded-for' }],
  ['namespace', { from: 'name', of: 'namespace' }],
  ['ingress_name', { from: 'name', of: 'ingress' }],
  ['service_name', { from: 'name', of: 'service' }],
  ['service_port', { from: 'name', of: 'port' }],
])

/** For messages. */
export const knownVariables =
  '$host, $http_host, $scheme, $server_port, $request_uri, $escaped_request_uri, $uri, $is_args, $args, $request_method, $request_id, $remote_addr, $remote_user, $proxy_add_x_forwarded_for, $http_NAME, $cookie_NAME, $arg_NAME, $namespace, $ingress_name, $service_name, $service_port'

/** Parses a text; `groups` allows `$1` to `$9`. */
export function parseNginxText(text: string, groups = false): Parsed<NginxText> {
  const parts: (TextPart | NamePart)[] = []
  let literal = ''
  let at = 0
  for (const match of text.matchAll(/\$(?:\{(\w+)\}|(\d)|([A-Za-z_]\w*))?/g)) {
    literal += text.slice(at, match.index)
    at = match.index + match[0].length
    const part = partOf(match[1] ?? match[2] ?? match[3] ?? '', groups)
    if (part === undefined) {
      return refuse(
        `has ${match[0]}, which is none of ${knownVariables}${groups ? ', $1 to $9' : ''}`,
      )
    }
    if (literal !== '') parts.push(literal)
    literal = ''
    parts.push(part)
  }
  literal += text.slice(at)
  if (literal !== '') parts.push(literal)
  return accept(parts)
}

function partOf(variable: string, groups: boolean): TextPart | NamePart | undefined {
  const known = variables.get(variable)
  if (known !== undefined) return known
  if (groups && /^[1-9]$/.test(variable)) return { from: 'group', group: Number(variable) }
  const [, kind, name = ''] = /^(http|cookie|arg)_(\w+)$/.exec(variable) ?? []
  switch (kind ?? '') {
    case 'http':
      return { from: 'header', name: name.toLowerCase().replaceAll('_', '-') }
    case 'cookie':
      return { from: 'cookie', name }
    case 'arg':
      return { from: 'query', name }
    default:
      return undefined
  }
}

/** Says whether a text needs to know the route. */
export function needsNames(text: NginxText): boolean {
  return text.some((part) => typeof part !== 'string' && part.from === 'name')
}

/** Fills in what is known of the route. */
export function withNames(text: NginxText, names: RouteNames): RequestText {
  return text.map((part) =>
    typeof part !== 'string' && part.from === 'name' ? names[part.of] : part,
  )
}
