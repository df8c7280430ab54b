// What does the data plane know? Routes, upstreams and endpoints of one moment, and the deltas between moments. READ FIRST.
//
//   Route = owner (who asked) + match (which requests) + filters (what happens on the way) + backend (where they go)
//
// Invariant: everything here is plain data that survives structured cloning between threads.
// Invariant: the data plane knows routes, never the objects that asked for them.
import type { Backend } from './backend.ts'
import type { CertificateRef } from './certificates.ts'
import type { Condition } from './conditions/condition.ts'
import type { Filter } from './filters/kind.ts'
import type { ServingRules } from './serving-rules.ts'
import { emptyMap, type ShardedMap } from './sharded-map.ts'
import type { UpstreamTls } from './upstreams/upstream-tls.ts'

/**
 * How a route's path is compared with a request's path.
 * Exact: equal. Prefix: whole segments. Regex: a case-insensitive RE2 pattern anchored at the start (nginx `use-regex`).
 * Pattern: segments of which `:name` is any one, and a last `*name` one or more; PatternPrefix: such segments and all below.
 * Any: whatever no other route of the host takes (its `path` is `/`).
 */
export type PathType = 'Exact' | 'Prefix' | 'Regex' | 'Pattern' | 'PatternPrefix' | 'Any'

/** Stands for a host: all of them, those that other routes name, too, where no route that names the host goes before. */
export const everyHost = '*'

/** Which requests a route means. Host and path find it; the conditions decide among those found. */
export interface Match {
  /**
   * `a.test` (exact), `*.a.test` (one label), `` (any host that no other route names) or `everyHost`. Lower case, no
   * trailing dot.
   */
  readonly host: string
  readonly pathType: PathType
  /** Begins with `/`. */
  readonly path: string
  /** All must hold. Empty for nearly every route. */
  readonly conditions: readonly Condition[]
  /**
   * What its predicates weigh, as Skipper counts them: among routes at one path the heaviest is asked first. Absent: its
   * conditions say how specific it is.
   */
  readonly weight?: number
}

/** The object that asked for a route: labels, log, order among equals. */
export interface Owner {
  readonly kind: string
  readonly namespace: string
  /** Empty for what an option of the proxy asks for (`--default-backend`). */
  readonly name: string
}

/** What is done with which requests, and who asked for it. */
export interface Route {
  readonly owner: Owner
  readonly match: Match
  /** In the order in which they act: the same kind may come twice. */
  readonly filters: readonly Filter[]
  readonly backend: Backend
}

/** The Service of a route for labels and log: the first that it names, empty when it names none. */
export function serviceOf({ backend }: Route): string {
  switch (backend.kind) {
    case 'forward':
      return backend.choices[0]?.service ?? ''
    case 'closed':
      return backend.service ?? ''
    case 'answer':
      return ''
  }
}

/** All Services that a route may send requests to, for labels. */
export function servicesOf(route: Route): readonly string[] {
  const { backend } = route
  if (backend.kind !== 'forward' || backend.choices.length === 0) return [serviceOf(route)]
  const { choices, alternative } = backend
  const services = choices.map(({ service }) => service)
  return alternative === undefined ? services : [...services, alternative.service]
}

/** The key of the first upstream of a route; empty when it forwards to none. */
export function upstreamOf({ backend }: Route): string {
  return backend.kind === 'forward' ? (backend.choices[0]?.upstream ?? '') : ''
}

/** One address that serves requests: a pod's IP (v4, or v6 without brackets) and port. */
export interface Endpoint {
  readonly address: string
  readonly port: number
  /** Speaks TLS, with a certificate for this name or address; absent: plain. */
  readonly serverName?: string
  /** Speaks TLS by these rules of an Ingress; absent: plain, or as `serverName` says. */
  readonly tls?: UpstreamTls
  /** Speaks HTTP/2: over TLS where it has any, else by prior knowledge (RFC 9113 §3.3); absent: HTTP/1.1. */
  readonly protocol?: 'h2'
  /** Where the clients are that it is meant for; absent: everywhere. */
  readonly places?: Places
}

/** Names of zones (`topology.kubernetes.io/zone`) and of nodes. */
export interface Places {
  readonly zones: readonly string[]
  readonly nodes?: readonly string[]
}

/** A host outside of the cluster that is looked up. */
export interface ExternalHost {
  readonly host: string
  readonly port: number
  /** Of a URL of a filter, not of a Service: its scheme decides about TLS, and addresses of a link are never used. */
  readonly scheme?: 'http' | 'https'
  /** The operator did not name it: its addresses may be none of this machine, either. */
  readonly isUnlisted?: true
  /** Speaks TLS by these rules of an Ingress. */
  readonly tls?: UpstreamTls
  /** As of an endpoint. */
  readonly serverName?: string
  readonly protocol?: 'h2'
}

/** The endpoints behind one port of one Service, or behind the origin of a URL. */
export interface Upstream {
  /** `namespace/service:port`, the port as the Ingress names it (number or name); or `https://host:port`. */
  readonly key: string
  /** Addresses that take requests now, in a stable order, without duplicates. */
  readonly endpoints: readonly Endpoint[]
  /** The endpoints come from resolving this host by DNS in the control thread: an ExternalName, or a URL of a filter. */
  readonly externalName?: ExternalHost
}

/** Everything the data plane needs to route. No two routes have the same match. */
export interface RouteTable {
  /** The routes of each host. Of those at one path, who goes before the others comes first. */
  readonly hosts: ShardedMap<readonly Route[]>
  /** By key. */
  readonly upstreams: ShardedMap<Upstream>
  /** Serves whatever would be 404 (`--default-backend`). */
  readonly fallback?: Route
  /** Which Secrets hold the certificates of a host (exact or `*.a.test`), best first; absent: no host has TLS. */
  readonly certificates?: ShardedMap<readonly CertificateRef[]>
  /** What counts for all requests; absent: as the options have it. */
  readonly serving?: ServingRules
}

/** The table in which nothing is served. */
export const emptyTable: RouteTable = { hosts: emptyMap(), upstreams: emptyMap() }

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
  /** All certificates of each host whose certificates changed; an empty list: none any more. Absent: none changed. */
  readonly certificates?: ReadonlyMap<string, readonly CertificateRef[]>
  /** Present when they changed. */
  readonly serving?: ServingRules
}
