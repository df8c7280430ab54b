// Every way a request can fail, once: the code is stable and appears in the log, the metric and the answer's body.
// `side` says who caused it. Adding a code: a row here; the pages and the metric follow by themselves.

interface FailureRow {
  readonly status: number
  readonly side: 'client' | 'upstream' | 'proxy'
  readonly text: string
}

const rows = {
  'malformed-request': { status: 400, side: 'client', text: 'The request is not valid HTTP.' },
  'plain-http': {
    status: 400,
    side: 'client',
    text: 'This port speaks TLS: use https instead of http.',
  },
  'ambiguous-path': {
    status: 400,
    side: 'client',
    text: 'Applications may read this path as one of another route.',
  },
  'content-refused': { status: 400, side: 'client', text: 'The body holds what is refused here.' },
  'client-certificate-required': {
    status: 400,
    side: 'client',
    text: 'A client certificate is required here, and none was sent.',
  },
  'client-certificate-refused': {
    status: 400,
    side: 'client',
    text: 'The client certificate is not accepted here.',
  },
  'client-subject-refused': {
    status: 403,
    side: 'client',
    text: 'The subject of the client certificate may not use this route.',
  },
  'access-denied': { status: 403, side: 'client', text: 'This address may not use this route.' },
  'no-route': { status: 404, side: 'client', text: 'No route for this host and path.' },
  'method-refused': { status: 405, side: 'client', text: 'This method is not served here.' },
  'request-timeout': { status: 408, side: 'client', text: 'The request did not arrive in time.' },
  'body-too-large': { status: 413, side: 'client', text: 'The request body is too large.' },
  'target-too-long': { status: 414, side: 'client', text: 'The request target is too long.' },
  'expectation-failed': { status: 417, side: 'client', text: 'The expectation is not supported.' },
  'misdirected-request': {
    status: 421,
    side: 'client',
    text: 'This host is not served on this connection. Open another one.',
  },
  'rate-limited': { status: 429, side: 'client', text: 'Too many requests.' },
  'head-too-large': {
    status: 431,
    side: 'client',
    text: 'The request header fields are too large.',
  },
  'client-closed': { status: 499, side: 'client', text: 'The client went away.' },
  'internal-error': { status: 500, side: 'proxy', text: 'The proxy failed.' },
  'auth-failed': {
    status: 500,
    side: 'proxy',
    text: 'Who may use this route could not be found out.',
  },
  'coding-unsupported': {
    status: 501,
    side: 'client',
    text: 'This transfer coding is not supported.',
  },
  'connect-failed': { status: 502, side: 'upstream', text: 'The upstream refused the connection.' },
  'upstream-reset': { status: 502, side: 'upstream', text: 'The upstream closed the connection.' },
  'upstream-malformed': {
    status: 502,
    side: 'upstream',
    text: 'The upstream sent an invalid response.',
  },
  'protocol-unsupported': {
    status: 502,
    side: 'upstream',
    text: 'The upstream does not speak the protocol that this needs.',
  },
  'response-head-too-large': {
    status: 502,
    side: 'upstream',
    text: 'The header fields of the response are too large.',
  },
  'auth-unavailable': {
    status: 503,
    side: 'proxy',
    text: 'Who may use this route cannot be found out now.',
  },
  'service-missing': { status: 503, side: 'upstream', text: 'The service does not exist.' },
  'no-endpoints': { status: 503, side: 'upstream', text: 'The service has no ready endpoints.' },
  'circuit-open': {
    status: 503,
    side: 'upstream',
    text: 'The service failed too often and is left alone for a moment.',
  },
  'circuit-full': {
    status: 503,
    side: 'upstream',
    text: 'The service has too many requests in progress.',
  },
  'policy-closed': {
    status: 503,
    side: 'proxy',
    text: 'This route is closed until its configuration is mended.',
  },
  'filter-closed': {
    status: 503,
    side: 'proxy',
    text: 'A filter of this route held up the proxy and is closed for a while.',
  },
  'concurrency-limited': {
    status: 503,
    side: 'proxy',
    text: 'Too many requests of this route are in progress.',
  },
  'store-unavailable': {
    status: 503,
    side: 'proxy',
    text: 'The limit of this route cannot be checked now.',
  },
  'not-synced': { status: 503, side: 'proxy', text: 'The proxy has not loaded its routes yet.' },
  'over-capacity': { status: 503, side: 'proxy', text: 'The proxy has too many connections.' },
  'connect-timeout': {
    status: 504,
    side: 'upstream',
    text: 'The upstream did not accept a connection in time.',
  },
  'deadline-exceeded': {
    status: 504,
    side: 'client',
    text: 'The time that the client gave its call is over.',
  },
  'response-timeout': {
    status: 504,
    side: 'upstream',
    text: 'The upstream did not answer in time.',
  },
  'version-unsupported': {
    status: 505,
    side: 'client',
    text: 'This HTTP version is not supported.',
  },
  'loop-detected': {
    status: 508,
    side: 'proxy',
    text: 'This request came here again and again.',
  },
} as const satisfies Record<string, FailureRow>

/** Stable name of a failure: `error` in the access log, `code` in `weir_upstream_errors_total`. */
export type FailureCode = keyof typeof rows

/** The table of failures, by code. */
export const failures: Readonly<Record<FailureCode, FailureRow>> = rows

/** Says whether a text is the code of a failure. */
export function isFailureCode(text: string): text is FailureCode {
  return Object.hasOwn(rows, text)
}
