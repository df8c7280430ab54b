// How does a line of the access log look in nginx's words (`log_format`)? A text with variables of a closed list, as plain data.
//
// Invariant: a format is one line. A variable that is not known stays in its place and is empty, so that the fields behind it do
// not move.

/** How values are escaped: as nginx does by default, for JSON, or (where they are printable) not at all. */
export type LogEscape = 'default' | 'json' | 'none'

/** A literal, a variable, or a field of the request by its name in lower case. */
export type LogPart = string | { readonly variable: LogVariable } | { readonly field: string }

export type LogFormat = readonly LogPart[]

/** What the log is to be; what is absent is as the options have it. */
export interface LogRules {
  readonly isOff?: boolean
  readonly format?: LogFormat
  readonly escaping?: LogEscape
  /** Paths and queries that are not logged: whole ones, or patterns (`~` with case, `~*` without). */
  readonly skips?: readonly string[]
  /** Requests that no route took are not logged. */
  readonly skipsUnrouted?: boolean
}

/** Variables that are known, and what each stands for. */
const variables = {
  remote_addr: 'client',
  the_real_ip: 'client',
  remote_user: 'user',
  time_local: 'local-time',
  time_iso8601: 'iso-time',
  msec: 'unix-time',
  request: 'request',
  request_method: 'method',
  request_uri: 'target',
  uri: 'path',
  document_uri: 'path',
  args: 'query',
  query_string: 'query',
  server_protocol: 'protocol',
  scheme: 'scheme',
  pass_access_scheme: 'scheme',
  host: 'host',
  best_http_host: 'host',
  status: 'status',
  body_bytes_sent: 'body-out',
  bytes_sent: 'bytes-out',
  request_length: 'bytes-in',
  request_time: 'seconds',
  http_referer: 'referer',
  http_user_agent: 'user-agent',
  upstream_addr: 'endpoint',
  upstream_status: 'endpoint-status',
  upstream_response_time: 'endpoint-seconds',
  upstream_header_time: 'endpoint-head-seconds',
  upstream_connect_time: 'endpoint-connect-seconds',
  upstream_response_length: 'endpoint-bytes',
  proxy_upstream_name: 'upstream',
  proxy_alternative_upstream_name: 'alternative',
  req_id: 'request-id',
  request_id: 'request-id',
  namespace: 'namespace',
  ingress_name: 'ingress',
  service_name: 'service',
  service_port: 'service-port',
} as const

export type LogVariable = (typeof variables)[keyof typeof variables] | 'unknown'

/** For messages. */
export const knownLogVariables = `${Object.keys(variables)
  .map((name) => `$${name}`)
  .join(', ')}, $http_NAME, $proxy_add_x_forwarded_for`

/** What ingress-nginx 1.15 logs where its ConfigMap says nothing. */
export const nginxLogFormat =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id'

/** The name of the field that upstreams get, with the peer's own address at its end. */
export const settledForwardedFor = '=x-forwarded-for'

/** Reads a format; `unknown` are the variables in it that nobody knows, each once. */
export function parseLogFormat(text: string): {
  readonly format: LogFormat
  readonly unknown: readonly string[]
} {
  const format: LogPart[] = []
  const unknown = new Set<string>()
  const line = text.replaceAll(/[\r\n]+/g, ' ')
  let at = 0
  for (const match of line.matchAll(/\$(?:\{(\w+)\}|(\w+))/g)) {
    if (match.index > at) format.push(line.slice(at, match.index))
    at = match.index + match[0].length
    const part = partOf(match[1] ?? match[2] ?? '')
    if ('variable' in part && part.variable === 'unknown') unknown.add(match[0])
    format.push(part)
  }
  if (at < line.length) format.push(line.slice(at))
  return { format, unknown: [...unknown] }
}

function partOf(name: string): Exclude<LogPart, string> {
  if (Object.hasOwn(variables, name)) {
    return { variable: variables[name as keyof typeof variables] }
  }
  if (name === 'proxy_add_x_forwarded_for') return { field: settledForwardedFor }
  const field = /^http_(\w+)$/.exec(name)?.[1]
  if (field === undefined) return { variable: 'unknown' }
  return { field: field.toLowerCase().replaceAll('_', '-') }
}

/** The fields of requests that a format shows, in lower case. */
export function fieldsOfFormat(format: LogFormat): readonly string[] {
  const names = format.flatMap((part) => {
    if (typeof part === 'string') return []
    if ('field' in part) return [part.field]
    return part.variable === 'user' ? ['authorization'] : []
  })
  return [...new Set(names)]
}
