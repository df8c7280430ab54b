// Where Kubernetes objects come from: a folder of manifests or a cluster. Both give whole snapshots, never single events.
import type { EndpointSlice, Ingress, IngressClass, Secret, Service } from '../kube/objects.ts'
import type { Problem } from '../problem.ts'

/**
 * All objects as of one moment. An object that did not change is the same reference as in the snapshot before,
 * so that translation can keep what it made of it.
 */
export interface ClusterObjects {
  readonly ingresses: readonly Ingress[]
  readonly ingressClasses: readonly IngressClass[]
  readonly services: readonly Service[]
  /** Endpoints objects of manifests are given as slices. */
  readonly endpointSlices: readonly EndpointSlice[]
  readonly secrets: readonly Secret[]
}

/** What a feed reports. `problems` are the feed's own (unreadable file, missing permission), whole each time. */
export interface FeedUpdate {
  readonly objects: ClusterObjects
  readonly problems: readonly Problem[]
  /** Monotonic ms of the event behind this update, for `weir_route_update_seconds`. */
  readonly eventAtMs: number
}

/** A source of objects. */
export interface Feed {
  /**
   * Starts reading. `onUpdate` is first called when everything was read once, then after each change.
   * Errors never end a feed: it keeps its last good objects, reports, and tries again.
   */
  start(onUpdate: (update: FeedUpdate) => void): void
  stop(): Promise<void>
  /** Ages for `weir_kube_watch_age_seconds{resource}`: ms since each resource was last confirmed fresh. */
  ages(): Readonly<Record<string, number>>
}
