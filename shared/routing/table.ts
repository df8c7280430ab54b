// The words that the control thread and the data plane share: routes, upstreams, endpoints and the deltas between tables.
//
// Invariant: everything here is plain data that survives structured cloning between threads.
// Invariant: the data plane knows policies, never annotations.
import type { Policy } from './policy.ts'

/**
 * How a route's path is compared with a request's path.
 * Exact: equal. Prefix: whole segments. Regex: a case-insensitive RE2 pattern anchored at the start (nginx `use-regex`).
 */
export type PathType = 'Exact' | 'Prefix' | 'Regex'

/** One rule: requests for `host` and `path` go to `upstream`, under `policy`. */
export interface Route {
  /** `a.test` (exact), `*.a.test` (one label) or `` (any host that no other route names). Lower case, no trailing dot. */
  readonly host: string
  readonly pathType: PathType
  /** Begins with `/`. */
  readonly path: string
  readonly namespace: string
  readonly ingress: string
  /** The Service's name; a label of metrics and a field of the access log. */
  readonly service: string
  /** Key of the Upstream; a key without an Upstream in the table answers 503. */
  readonly upstream: string
  /** Absent when the route asks for nothing. */
  readonly policy?: Policy
}

/** One address that serves requests: a pod's IP (v4, or v6 without brackets) and port. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** The endpoints behind one port of one Service. */
export interface Upstream {
  /** `namespace/service:port`, the port as the Ingress names it (number or name). */
  readonly key: string
  /** Addresses that take requests now, in a stable order, without duplicates. */
  readonly endpoints: readonly Endpoint[]
  /** ExternalName: the endpoints come from resolving this host by DNS in the control thread. */
  readonly externalName?: { readonly host: string; readonly port: number }
}

/** Everything the data plane needs to route. No two routes have the same host, pathType and path. */
export interface RouteTable {
  readonly routes: readonly Route[]
  readonly upstreams: readonly Upstream[]
  /** Serves whatever would be 404 (`--default-backend`). */
  readonly fallback?: Route
}

/** What changed between two tables. A worker applies it in one turn of its event loop. */
export interface TableDelta {
  /** Counts up by one with each delta. */
  readonly version: number
  /** All routes of each changed host; an empty list removes the host. */
  readonly hosts: ReadonlyMap<string, readonly Route[]>
  /** Changed upstreams; undefined removes one. */
  readonly upstreams: ReadonlyMap<string, Upstream | undefined>
  /** Present when the fallback changed. */
  readonly fallback?: { readonly route: Route | undefined }
}
