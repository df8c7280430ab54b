// What is known about one request when it ends: the exchange fills it in, the recorder turns it into counters and a log line.
// One object per client connection, reused for each of its requests: nothing may keep a reference past `record()`.
import type { FailureCode } from '../../shared/routing/failure.ts'
import type { RouteCounters } from './route-series.ts'

/** Fields of a request that its log line shows. */
export interface LoggedFields {
  /** Lower case. */
  readonly names: readonly string[]
  /** One for each name; empty when it is absent. */
  readonly values: readonly string[]
}

/** One finished request. Times are monotonic ms from performance.now() unless said otherwise; 0 = did not happen. */
export interface RequestRecord {
  /** ms since the epoch, of the request's first byte. */
  wallStartMs: number
  requestId: string
  /** Client address by the rules of X-Forwarded-For. */
  clientAddress: string
  method: string
  /** Host as the client sent it, without port; empty when unreadable. */
  host: string
  /** Path as matched (normalised), without the query. */
  path: string
  /** With its `?`, or empty. */
  query: string
  /** 0 or 1, for HTTP/1.0 and HTTP/1.1. */
  protocol: string
  status: number
  /** Empty when nothing failed; a failure code, or a policy's answer code such as `redirect`. */
  error: FailureCode | string
  /** Body bytes from the client, and body bytes to the client. */
  bytesIn: number
  bytesOut: number
  /** Of the field lines that came from the client without Host, and of those that went to it. */
  fieldBytesIn: number
  fieldBytesOut: number
  /** All of it: first byte of the request to last byte of the response. */
  totalMs: number
  /** From the request's head being written upstream to the response's head. */
  upstreamMs: number
  /** From there to the end of the response. */
  responseMs: number
  /** Of connecting to the endpoint that answered last; 0 when a connection was used again. */
  connectMs: number
  /** Weir's own time only: head read → head written upstream, plus response head read → written to the client. */
  overheadMs: number
  /** Of the route and the Service that was chosen; undefined without a route. */
  counters: RouteCounters | undefined
  /** `address:port` ([v6]:port) of the endpoint that answered last; empty when none. */
  endpoint: string
  retries: number
  userAgent: string
  referer: string
  /** `http` or `https`; empty when the head was not readable. */
  scheme: string
  /** Undefined where the log shows none. */
  loggedFields: LoggedFields | undefined
  /** True for an upgraded connection: the record is written when the tunnel ends. */
  tunnel: boolean
}
