// How does a request read in the access log, in a format of nginx (`log_format`)? Made once per format, asked per line.
//
// Invariant: a line is printable ASCII with one line feed at its end, whatever bytes the client sent and however values are
// escaped.
// Invariant: no query is in it unless the operator asks for queries (`--log-queries`): they carry secrets.
import { readCredentials } from '../../shared/routing/credentials.ts'
import type { LogEscape, LogFormat, LogPart, LogVariable } from '../../shared/routing/log-format.ts'
import { apacheTime, escaped, hex, isoTime, withoutQuery } from './log-line.ts'
import type { RequestRecord } from './record.ts'
import { requestBytes, responseBytes } from './request-sizes.ts'

/** Makes a line of a record. */
export type ToLine = (record: RequestRecord) => string

export interface NginxLineOptions {
  readonly escaping: LogEscape
  readonly logsQueries: boolean
}

/** A value that is not escaped yet; undefined: there is none. */
type Read = (record: RequestRecord) => string | number | undefined

/** Makes the lines of a format. */
export function createNginxLine(format: LogFormat, options: NginxLineOptions): ToLine {
  const { escaping, logsQueries } = options
  const parts = format.map((part): ToLine => {
    if (typeof part === 'string') {
      const literal = printable(part)
      return () => literal
    }
    const read = readerOf(part, logsQueries)
    const absent = escaping === 'default' ? '-' : ''
    const write = escapes[escaping]
    return (record) => {
      const value = read(record)
      if (value === undefined) return absent
      return typeof value === 'number' ? String(value) : write(value)
    }
  })
  return (record) => {
    let line = ''
    for (const part of parts) line += part(record)
    return `${line}\n`
  }
}

const unsafe = /[^ !#-[\]-~]/g
const unprintable = /[^ -~]/g

const escapes: Readonly<Record<LogEscape, (value: string) => string>> = {
  default: (value) => hex(value, unsafe),
  json: escaped,
  none: printable,
}

function printable(text: string): string {
  return hex(text, unprintable)
}

function readerOf(part: Exclude<LogPart, string>, logsQueries: boolean): Read {
  if ('field' in part) {
    const { field } = part
    if (field === 'referer' && !logsQueries) return readers.referer
    return (record) => fieldOf(record, field)
  }
  return (logsQueries ? withQueries[part.variable] : undefined) ?? readers[part.variable]
}

function fieldOf({ loggedFields: fields }: RequestRecord, name: string): string | undefined {
  return fields?.values[fields.names.indexOf(name)] || undefined
}

/** What became of the attempt that was made last; undefined when none reached an endpoint. */
const atEndpoint =
  (read: (record: RequestRecord) => string | number): Read =>
  (record) =>
    record.endpoint === '' ? undefined : read(record)

const readers: Readonly<Record<LogVariable, Read>> = {
  client: (record) => record.clientAddress || undefined,
  user: (record) => readCredentials(fieldOf(record, 'authorization'))?.name,
  'local-time': (record) => apacheTime(endOf(record)),
  'iso-time': (record) => `${isoTime(endOf(record)).slice(0, 19)}+00:00`,
  'unix-time': (record) => seconds(endOf(record)),
  request: ({ method, path, protocol }) => (method === '' ? '' : `${method} ${path} ${protocol}`),
  method: (record) => record.method || undefined,
  target: (record) => record.path || undefined,
  path: (record) => record.path || undefined,
  query: () => undefined,
  protocol: (record) => record.protocol || undefined,
  scheme: (record) => record.scheme || undefined,
  host: (record) => record.host || undefined,
  status: (record) => record.status,
  'body-out': (record) => record.bytesOut,
  'bytes-out': responseBytes,
  'bytes-in': requestBytes,
  seconds: (record) => seconds(record.totalMs),
  referer: (record) => withoutQuery(record.referer) || undefined,
  'user-agent': (record) => record.userAgent || undefined,
  endpoint: (record) => record.endpoint || undefined,
  'endpoint-status': atEndpoint((record) => record.status),
  'endpoint-seconds': atEndpoint(({ connectMs, responseMs }) => seconds(connectMs + responseMs)),
  'endpoint-head-seconds': atEndpoint(({ connectMs, upstreamMs }) =>
    seconds(connectMs + upstreamMs),
  ),
  'endpoint-connect-seconds': atEndpoint((record) => seconds(record.connectMs)),
  'endpoint-bytes': atEndpoint((record) => record.bytesOut),
  upstream: ({ counters }) => nginxName(counters?.place?.upstream) || undefined,
  alternative: ({ counters }) => nginxName(counters?.place?.canary),
  'request-id': (record) => record.requestId || undefined,
  namespace: ({ counters }) => counters?.namespace || undefined,
  ingress: ({ counters }) => counters?.ingress || undefined,
  service: ({ counters }) => counters?.place?.main || counters?.service || undefined,
  'service-port': ({ counters }) => counters?.place?.upstream?.split(':')[1] || undefined,
  unknown: () => undefined,
}

const withQueries: { readonly [K in LogVariable]?: Read } = {
  request: ({ method, path, query, protocol }) =>
    method === '' ? '' : `${method} ${path}${query} ${protocol}`,
  target: ({ path, query }) => path + query || undefined,
  query: ({ query }) => query.slice(1) || undefined,
  referer: (record) => record.referer || undefined,
}

/** ms since the epoch: nginx logs a request when it is over. */
function endOf({ wallStartMs, totalMs }: RequestRecord): number {
  return wallStartMs + totalMs
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}

/** `shop/web:80` as ingress-nginx names it: `shop-web-80`. */
function nginxName(key = ''): string {
  return key.replace(/[/:]/g, '-')
}
