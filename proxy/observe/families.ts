// Which metrics the data plane counts: name, kind, meaning and buckets, once for the workers that count and the thread that exports.
// Adding a metric: a row here, then a slot in recorder.ts. Durations are in seconds, as Prometheus wants them.

/** One metric family that lives in slots. */
export type Family =
  | { readonly name: string; readonly kind: 'counter' | 'gauge'; readonly help: string }
  | {
      readonly name: string
      readonly kind: 'histogram'
      readonly help: string
      /** Finite upper bounds in seconds, or in the unit that the name says; ascending. */
      readonly bounds: readonly number[]
    }

// At most 16 bounds: finding a bucket walks them from the fast end.
const edgeBounds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const
const overheadBounds = [
  0.00001, 0.000025, 0.00005, 0.000075, 0.0001, 0.00015, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
  0.01, 0.025, 0.1,
] as const
const storeBounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05] as const
const delayBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const

/** What `protocol` of `weir_connections` may be, in the access log's words; `TLS` is passed on unread. */
export const connectionProtocols = { http1: 'HTTP/1.1', http2: 'HTTP/2.0', tls: 'TLS' } as const

/** The families of the data plane, in the order they are exported. */
export const families = {
  requests: {
    name: 'weir_requests_total',
    kind: 'counter',
    help: 'Requests that ended, by route, method and status; a tunnel counts once, as 101, when it ends. Labels are empty where no route matched.',
  },
  requestDuration: {
    name: 'weir_request_duration_seconds',
    kind: 'histogram',
    help: 'From the first byte of a request to the last byte of its response; tunnels are left out.',
    bounds: edgeBounds,
  },
  upstreamDuration: {
    name: 'weir_upstream_duration_seconds',
    kind: 'histogram',
    help: 'From a request head being written upstream to the head of its response; tunnels are left out.',
    bounds: edgeBounds,
  },
  proxyOverhead: {
    name: 'weir_proxy_overhead_seconds',
    kind: 'histogram',
    help: 'Time of Weir itself per request, without waiting for the client or the upstream.',
    bounds: overheadBounds,
  },
  failures: {
    name: 'weir_failures_total',
    kind: 'counter',
    help: 'Requests that Weir refused or could not finish, by code and route; errors that an upstream answers itself are not in it.',
  },
  connections: {
    name: 'weir_connections',
    kind: 'gauge',
    help: 'Client connections now, by protocol (as in the access log; TLS: passed on unread) and state: active (a request is in progress), idle (keep-alive), tunnel (upgraded).',
  },
  connectionsRefused: {
    name: 'weir_connections_refused_total',
    kind: 'counter',
    help: 'Client connections refused because there were too many, or too little memory was left.',
  },
  handshakes: {
    name: 'weir_tls_handshakes_total',
    kind: 'counter',
    help: 'TLS handshakes of clients that were done, by version and by whether a session was resumed.',
  },
  handshakeFailures: {
    name: 'weir_tls_handshake_failures_total',
    kind: 'counter',
    help: 'TLS handshakes of clients that came to nothing, by reason: timeout, crowded-out (too many at a time), plain-http, client-closed, client-alert (it refused our certificate, mostly), no-common-version, no-common-cipher, no-common-protocol, no-certificate, malformed.',
  },
  sessionsCut: {
    name: 'weir_http2_sessions_cut_total',
    kind: 'counter',
    help: 'HTTP/2 connections of clients that were cut, by reason: resets (of too many streams), flood (of frames that ask for nothing), settings (never acknowledged).',
  },
  passthroughConnections: {
    name: 'weir_passthrough_connections_total',
    kind: 'counter',
    help: 'TLS connections of clients that were passed on unread, also those that found no endpoint.',
  },
  passthroughBytes: {
    name: 'weir_passthrough_bytes_total',
    kind: 'counter',
    help: 'Bytes of TLS that were passed on unread, by direction: in (from clients), out (to them).',
  },
  upstreamConnections: {
    name: 'weir_upstream_connections',
    kind: 'gauge',
    help: 'Upstream connections now: busy (a request is in progress), idle (kept for the next one).',
  },
  endpoints: {
    name: 'weir_endpoints',
    kind: 'gauge',
    help: 'Endpoints now, as each data-plane thread sees them: serving, ejected (they failed in a row), unhealthy (their health checks fail); the last two are passed over while others serve.',
  },
  upstreamErrors: {
    name: 'weir_upstream_errors_total',
    kind: 'counter',
    help: 'Failed attempts at an upstream, by failure code; an attempt that is retried counts too.',
  },
  retries: {
    name: 'weir_retries_total',
    kind: 'counter',
    help: 'Requests sent to an upstream once more after a failed attempt.',
  },
  retriesRefused: {
    name: 'weir_retries_refused_total',
    kind: 'counter',
    help: 'Retries that were not made because the retry budget was spent.',
  },
  accessLogDropped: {
    name: 'weir_access_log_dropped_total',
    kind: 'counter',
    help: 'Access log lines dropped because their reader was too slow.',
  },
  spansExported: {
    name: 'weir_spans_exported_total',
    kind: 'counter',
    help: 'Spans of sampled requests that the collector took.',
  },
  spansDropped: {
    name: 'weir_spans_dropped_total',
    kind: 'counter',
    help: 'Spans that were dropped, by reason: queue (too many waited), export (the collector did not take them, or there is none).',
  },
  workerCpu: {
    name: 'weir_worker_cpu_seconds_total',
    kind: 'counter',
    help: 'Processor time of each data-plane thread, user and system.',
  },
  workerBusy: {
    name: 'weir_worker_busy_seconds_total',
    kind: 'counter',
    help: 'Time in which the event loop of each data-plane thread was not waiting for events; 1 per second is all it has.',
  },
  workerDelay: {
    name: 'weir_worker_loop_delay_seconds',
    kind: 'histogram',
    help: 'How long the event loop of a data-plane thread lets a due timer wait, sampled 10 times a second.',
    bounds: delayBounds,
  },
  storeCalls: {
    name: 'weir_store_calls_total',
    kind: 'counter',
    help: 'Questions to the store that all nodes share (--valkey), by result: answered, late, failed, or skipped because it is down.',
  },
  storeDuration: {
    name: 'weir_store_seconds',
    kind: 'histogram',
    help: 'Time of a question to the store that all nodes share, until its answer or until it was given up.',
    bounds: storeBounds,
  },
  filterFaults: {
    name: 'weir_filter_faults_total',
    kind: 'counter',
    help: 'Faults of filters, by kind and reason: threw, timed-out (never settled), blocked (held the event loop for 50 ms or more), stuck (never returned: its worker was started anew).',
  },
  recordsLost: {
    name: 'weir_records_lost_total',
    kind: 'counter',
    help: 'Requests that could not be counted or logged because of a fault in Weir.',
  },
} as const satisfies Record<string, Family>
