// All objects of one moment, kind by kind: what feeds give, and what everything that is pure reads.
//
// Invariant: an object that did not change is the same reference as in the snapshot before, and a list in which nothing
// changed is the same array: whoever made something of them keeps what he made.
import type { KubeObject } from './objects.ts'
import type { KubeResource } from './resources.ts'

export interface Snapshot {
  /** The objects of a kind, each once; empty for a kind that nobody watches or that the cluster does not serve. */
  list<T extends KubeObject>(resource: KubeResource<T>): readonly T[]
}

/** A kind of object that somebody wants to see in snapshots. */
export interface WatchedKind {
  readonly resource: KubeResource
  /** A cluster that does not serve it, or does not let us read it, counts as one without such objects. */
  readonly isOptional: boolean
  /** The one object that is wanted: it is read by its name, which is all that rights must allow. */
  readonly only?: { readonly namespace: string; readonly name: string }
}

/** Makes a snapshot of one list per kind; each list holds objects of its kind only. */
export function createSnapshot(
  lists: Iterable<readonly [KubeResource, readonly KubeObject[]]>,
): Snapshot {
  const byResource = new Map<KubeResource, readonly KubeObject[]>(lists)
  return {
    list<T extends KubeObject>(resource: KubeResource<T>): readonly T[] {
      // Each list holds objects of its resource, and every field of T is optional: readers check what they find.
      return (byResource.get(resource) ?? nothing) as readonly T[]
    },
  }
}

const nothing: readonly KubeObject[] = []
