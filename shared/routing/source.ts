// What asks for routes? A source reads objects of its kinds: objects → claims. Sources know nothing of each other; settle.ts
// compares what they ask for.
//
// Invariant: a source is pure, and one bad object never changes what it makes of the others.
import type { Snapshot, WatchedKind } from '../kube/snapshot.ts'
import type { Problem } from '../problem.ts'
import type { AlternativeTerms } from './backend.ts'
import type { CertificateClaim } from './certificates.ts'
import type { Filter } from './filters/kind.ts'
import type { ServingRules } from './serving-rules.ts'
import type { Route } from './table.ts'
import type { BackendRef } from './upstreams/backend-ref.ts'

/** A kind of object that asks for routes: Ingress is the first. */
export interface RouteSource {
  /** What it must find in snapshots. */
  readonly kinds: readonly WatchedKind[]
  /** Reads the next snapshot. Never throws; gives the same output while nothing of its kinds changes. */
  read(snapshot: Snapshot): SourceOutput
}

export interface SourceOutput {
  /**
   * One for each object, in the order of the objects; the same one while the object is the same. An object that asks us
   * for nothing has a reading without claims.
   */
  readonly readings: readonly Reading[]
  /** What its objects say of all requests. */
  readonly serving?: ServingRules
}

/** What one object asks for, and what is wrong with it. */
export interface Reading {
  /** In the order in which the object says them. */
  readonly claims: readonly Claim[]
  readonly problems: readonly Problem[]
  /** Absent: it has no TLS. */
  readonly certificates?: readonly CertificateClaim[]
}

/** The wish for one route, before anybody compares wishes. Claims of equal matches exclude each other. */
export interface Claim {
  readonly route: Route
  /** What the keys of upstreams in `route` stand for; the first is that of its backend. */
  readonly backends: readonly BackendRef[]
  /** Counts the claims of one object. */
  readonly place: number
  /** Path of the rule in the owner, such as `spec.rules[0].http.paths[1]`, or `spec.defaultBackend`. */
  readonly field: string
  /** creationTimestamp in ms; Infinity without one, so that an object of a cluster is never displaced by a draft. */
  readonly createdAt: number
  /** Of two of the same age the one with the later `namespace/name` goes first, as ingress-nginx sorts; absent: the earlier. */
  readonly isLaterNameFirst?: true
  /**
   * `default` gives way to every rule, `rest` to both, without a word: nobody wrote it as a path of its own. An `alternative`
   * never serves by itself: it joins the route of its match, if there is one.
   */
  readonly role: 'rule' | 'default' | 'rest' | 'alternative'
  /** Of an alternative: which requests its Service, the first of `backends`, takes. */
  readonly alternative?: AlternativeTerms
  /** It counts only while nothing else is known of its host: another name of a host, a redirect from one. */
  readonly isSpare?: true
  /** Instead of its route: that its host has the routes of this one. It is spare. */
  readonly aliasOf?: string
  /** What it means for the other claims of its host, and they for it. */
  readonly traits?: HostTraits
  /** Its conditions could not be read. It is closed, and gives way to every claim of the same match. */
  readonly isMatchUnknown?: true
}

/** What a claim means for the others of its host, and they for it (host-traits.ts); what is absent is not asked for. */
export interface HostTraits {
  /** The paths of its host become patterns. */
  readonly makesPatterns?: true
  /** The path as a pattern. Absent: it stays as it is, whatever the others ask for. */
  readonly pattern?: string
  /** It goes where paths are patterns, and where its path is that of a prefix. */
  readonly isLiteralOnly?: true
  /** Its host has TLS. */
  readonly hasTls?: true
  /** Filters that guard all routes of its host. */
  readonly guards?: readonly Filter[]
  /** What is asked of clients' certificates at all routes of its host. */
  readonly clientCheck?: Filter
  /** What guards all routes of its host cannot be read, and why. */
  readonly closes?: string
  /** The route for a host that has TLS by another claim. */
  readonly withTls?: Pick<Route, 'filters'>
}
