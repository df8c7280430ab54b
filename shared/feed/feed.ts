// Where Kubernetes objects come from: a folder of manifests or a cluster. Both give whole snapshots, never single events.
import type { Snapshot, WatchedKind } from '../kube/snapshot.ts'
import type { Problem } from '../problem.ts'
import type { NamedObjects } from './named-objects.ts'

/** What a feed reports. `problems` are the feed's own (unreadable file, missing permission), whole each time. */
export interface FeedUpdate {
  readonly snapshot: Snapshot
  readonly problems: readonly Problem[]
  /** Monotonic ms of the event behind this update, for `weir_route_update_seconds`. */
  readonly eventAtMs: number
}

/** A source of objects. */
export interface Feed extends NamedObjects {
  /**
   * Starts reading objects of `kinds`. `onUpdate` is first called when everything was read once, then after each change.
   * Errors never end a feed: it keeps its last good objects, reports, and tries again.
   */
  start(kinds: readonly WatchedKind[], onUpdate: (update: FeedUpdate) => void): void
  stop(): Promise<void>
  /** Ages for `weir_kube_watch_age_seconds{resource}`: ms since each resource was last confirmed fresh. */
  ages(): Readonly<Record<string, number>>
}
