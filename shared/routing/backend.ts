// Where do a route's requests go, and by which rules? The words, as plain data; proxy/upstream/ makes them act.
//
// Invariant: what is absent is not asked for: the request path pays one comparison with undefined, and the proxy's settings hold.
// Invariant: health and connections belong to an endpoint, whichever routes name it; rules belong to the route that has them.
import type { Condition } from './conditions/condition.ts'
import type { FailureCode } from './failure.ts'
import type { Answer } from './filters/kind.ts'
import type { HashKey } from './request-text.ts'

/** What serves the requests of a route. */
export type Backend = ForwardBackend | AnswerBackend | ClosedBackend

/** Requests go to an endpoint of one of the choices. */
export interface ForwardBackend {
  readonly kind: 'forward'
  /** One for nearly every route. An empty list, or only weights of 0: 503. */
  readonly choices: readonly Choice[]
  /** Takes some requests from the choices. */
  readonly alternative?: Alternative
  /** Absent: round robin. */
  readonly balance?: Balance
  readonly affinity?: Affinity
  readonly limits?: Limits
  readonly retry?: RetryRules
  readonly outlier?: Outlier
  readonly healthCheck?: HealthCheck
  readonly slowStart?: SlowStart
  readonly breaker?: CircuitBreaker
  readonly endpointLimit?: EndpointLimit
  /** Each connection to an endpoint serves one request: `Connection: close` goes with it. */
  readonly closesConnections?: true
  /** An endpoint is asked for its own address and port, where no filter names a host; absent: for the host of the request. */
  readonly namesEndpoint?: true
  /** TLS connections that ask for the route's host go to its endpoints unread, as tunnels; absent: TLS ends here. */
  readonly passthrough?: Passthrough
}

/** How many requests an endpoint gets within a time; more are answered 503. Counted by the node, for all routes with the account. */
export interface EndpointLimit {
  readonly account: string
  /** ≥ 1; all may come at once. */
  readonly limit: number
  readonly windowMs: number
}

/** How a TLS connection is handed to an endpoint. */
export interface Passthrough {
  /** A PROXY header of this version goes before the client's first byte; absent: none. */
  readonly proxyHeader?: 'v1' | 'v2'
}

/** Weir answers itself, after the route's filters: with an answer of the route's own, or as for a failure. */
export interface AnswerBackend {
  readonly kind: 'answer'
  readonly answer: Answer | FailureCode
}

/** Something that may protect was not understood: 503 `policy-closed`, and no filter runs. */
export interface ClosedBackend {
  readonly kind: 'closed'
  /** For /routes and the log: what has to be mended. */
  readonly reason: string
  /** The Service that would have served: a label of metrics and a field of the access log. */
  readonly service?: string
}

/** One Service that may serve a request of the route. */
export interface Choice {
  /** Key of the Upstream; a key without an Upstream in the table answers 503. */
  readonly upstream: string
  /** The Service's name; a label of metrics and a field of the access log. */
  readonly service: string
  /** A whole number ≥ 0, relative to the other choices; 0: never chosen (Gateway API, BackendRef.weight). */
  readonly weight: number
}

/**
 * Another Service that takes some requests of the route: a canary. It has to have endpoints, and so has the choice that it
 * takes from: an outage of the one is no load for the other.
 */
export interface Alternative extends AlternativeTerms {
  /** As in a Choice. */
  readonly upstream: string
  readonly service: string
}

/** Which requests an alternative takes. */
export interface AlternativeTerms {
  /** The first that holds decides; a client that an affinity brings back is not asked. */
  readonly rules: readonly AlternativeRule[]
  /** The part of all other requests, from 0 to 1. */
  readonly share: number
  /** The route's affinity brings clients back to it. */
  readonly isSticky: boolean
}

/** Says to whom requests go that are meant by a condition: to the alternative, or not. */
export interface AlternativeRule {
  readonly when: Condition
  readonly takes: boolean
}

/** How an endpoint is chosen among those that serve. */
export type Balance =
  /** In turn. */
  | { readonly kind: 'round-robin' }
  /** The one with fewer requests in flight, of two at random. */
  | { readonly kind: 'least-requests' }
  /** The one with less expected latency (moving average that follows peaks at once × requests in flight), of two at random. */
  | { readonly kind: 'peak-ewma' }
  /** The same endpoint for the same key, as long as it serves; few keys move when endpoints come or go. */
  | {
      readonly kind: 'hash'
      readonly key: HashKey
      /**
       * No endpoint gets more than this many times the average of requests in flight; those above go to the key's next
       * endpoint. > 1; absent: no bound.
       */
      readonly loadFactor?: number
      /** A key has so many endpoints, and each of its requests goes to one of them at random; absent: one. */
      readonly subset?: number
    }

/** Sends a client back to the endpoint (and the choice) that served it before, by a cookie. */
export interface Affinity {
  /**
   * What the cookie names. An endpoint: a client stays until that is gone. A key, which is hashed to an endpoint: some clients
   * move when endpoints come or go, so that new ones get their share. Absent: an endpoint.
   */
  readonly by?: 'endpoint' | 'key'
  /** Name of the cookie. */
  readonly cookie: string
  /** Its Path attribute. */
  readonly path: string
  /** Its Domain attribute; absent: the cookie is the host's own. */
  readonly domain?: string
  /** 0: no Max-Age. Without Expires, too, it is a session cookie. */
  readonly maxAgeSeconds: number
  /** Expires this long after it was set; absent or 0: no Expires. */
  readonly expiresSeconds?: number
  readonly sameSite?: 'Strict' | 'Lax' | 'None'
  /** Browsers that do not know SameSite=None get a cookie without it. */
  readonly sparesOldClients?: boolean
  readonly secure: boolean
  /** Secure for clients that came by https, whatever `secure` says. */
  readonly secureOverHttps?: boolean
  /** When the endpoint is gone or fails: pick another and set the cookie anew. */
  readonly changeOnFailure: boolean
}

/** Limits of one exchange with an endpoint; an absent one is the proxy's setting. */
export interface Limits {
  readonly connectMs?: number
  /** From the request's end to the response head, and between two reads of its body. */
  readonly readMs?: number
  /** Between two writes of the request body. */
  readonly sendMs?: number
  /** Largest request body in bytes; absent or 0: no limit. */
  readonly maxBodyBytes?: number
  /** Gathers request bodies of up to so many bytes before they are sent, so that they can be sent again; absent or 0: never. */
  readonly bufferBytes?: number
  /** Larger bodies than `bufferBytes` go into a temporary file, instead of failing. */
  readonly spills?: boolean
  /** Largest head of a response in bytes; absent: the proxy's own limit. */
  readonly responseHeadBytes?: number
}

/**
 * What may go wrong with an attempt so that it is made again, elsewhere.
 * `connect-failure`: no connection was had, so nothing was sent. `refused`: the endpoint said that it did not process the
 * request (HTTP/2 REFUSED_STREAM, RFC 9113 §8.7). `reset`: it closed the connection before a byte of the response.
 * `timeout`: no response head came in time. `malformed`: what came is no response head.
 */
export type RetryCondition = 'connect-failure' | 'refused' | 'reset' | 'timeout' | 'malformed'

/** When a failed attempt is made again. Absent: `connect-failure` and `refused`, as often as `--retries` says. */
export interface RetryRules {
  /** What is not listed is not tried again. A kept connection that proves closed is always replaced once. */
  readonly on: readonly RetryCondition[]
  /** Responses that are thrown away for another attempt. */
  readonly statuses: readonly StatusRange[]
  /** Attempts after the first; absent: `--retries`. */
  readonly maxRetries?: number
  /** No attempt begins later than this after the first; absent or 0: no limit. In ms, coarse. */
  readonly withinMs?: number
  /** Also for methods that are not idempotent (POST, PATCH): the endpoint may see the request twice. */
  readonly allMethods: boolean
}

/** Statuses from `from` to `to`, both included. */
export interface StatusRange {
  readonly from: number
  readonly to: number
}

/** When an endpoint is passed over because of what it answered. Refused connections, resets and timeouts always count. */
export interface Outlier {
  /** So many 5xx responses in a row eject it. */
  readonly consecutive5xx: number
  /** For how long the first time, twice as long the second time …; absent: 10 000. */
  readonly ejectMs?: number
  /** At most this share of the endpoints is ejected by 5xx at a time, though always one may be; absent: 50. */
  readonly maxEjectedPercent?: number
}

/** Requests of Weir's own that find out which endpoints serve. */
export interface HealthCheck {
  /** Path and query; begins with `/`. */
  readonly path: string
  /** Host field; absent: the endpoint's address and port. */
  readonly host?: string
  /** Between two checks of an endpoint, per worker; moved by up to a tenth so that they do not come together. */
  readonly intervalMs: number
  readonly timeoutMs: number
  /** So many good answers in a row make an unhealthy endpoint healthy. */
  readonly healthy: number
  /** So many bad ones make a healthy endpoint unhealthy. A new endpoint is healthy. */
  readonly unhealthy: number
  /** What counts as a good answer. */
  readonly statuses: readonly StatusRange[]
}

/** A new endpoint gets a share that grows from a tenth to its full one, so that it can warm up. */
export interface SlowStart {
  readonly windowMs: number
}

/** Fails requests at once instead of sending them to an upstream that has too many, or does not serve. 503. */
export interface CircuitBreaker {
  /** Requests in flight at a time over the whole proxy: each worker has an equal share, rounded up. Absent: no limit. */
  readonly maxRequests?: number
  /** Of these, how many may wait for a connection to be opened. Absent: no limit. */
  readonly maxPending?: number
  /** So many failures in a row (no response, or 5xx) open it. Absent: never. */
  readonly consecutiveFailures?: number
  /** So many failures among the last `window` requests open it. Absent: never. */
  readonly failureRate?: { readonly failures: number; readonly window: number }
  /** How long it stays open before single requests try again; absent: 10 000. */
  readonly openMs?: number
}
