// The shape a policy has on the request path: functions and numbers, nothing left to parse.
// The exchange asks `answer` and `rewrite` before it chooses an endpoint, the edits when it writes a head, the rest as limits.
import type { Endpoint } from '../table.ts'

/** What a policy may know about a request. */
export interface RequestFacts {
  readonly method: string
  /** Lower case, without port and trailing dot. */
  readonly host: string
  /** Normalised path, without the query. */
  readonly path: string
  /** With its `?`, or empty. */
  readonly query: string
  readonly scheme: 'http' | 'https'
  /** Address of the client by the rules of X-Forwarded-For and trusted proxies: IPv4 or IPv6 text, no port. */
  readonly clientAddress: string
}

/** A response that Weir gives itself. */
export interface Answer {
  readonly status: number
  /** Stable code for log and metric, such as `redirect` or `access-denied`. */
  readonly code: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** Header edits prepared for one pass over the field lines of a head. */
export interface CompiledEdits {
  /** Lower-case names whose lines are dropped (removed ones and those that are set anew). */
  readonly dropped: ReadonlySet<string>
  /** Ready lines, each with its CRLF, to be appended. */
  readonly appended: string
}

/** Cookie affinity: `pick` finds the endpoint a cookie names, `setCookie` makes the field value for one. */
export interface CompiledAffinity {
  pick(cookieHeader: string, endpoints: readonly Endpoint[]): Endpoint | undefined
  setCookie(endpoint: Endpoint): string
  readonly changeOnFailure: boolean
}

/** A Policy ready for the request path. */
export interface CompiledPolicy {
  readonly answer: ((facts: RequestFacts) => Answer | undefined) | undefined
  /** Path in, path out, both without query; a rewrite may add its own query, then the two are joined by `&`. */
  readonly rewrite: ((path: string) => string) | undefined
  readonly requestEdits: CompiledEdits | undefined
  readonly responseEdits: CompiledEdits | undefined
  /** Infinity: no limit. */
  readonly maxBodyBytes: number
  /** 0: the proxy's setting. */
  readonly connectTimeoutMs: number
  readonly readTimeoutMs: number
  readonly sendTimeoutMs: number
  readonly affinity: CompiledAffinity | undefined
  readonly leastRequests: boolean
}
