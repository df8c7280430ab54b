// The objects of one collection as last heard from the API server. Pure.
//
// Invariant: an object that is the same to the API server (uid and resourceVersion) keeps its reference, whatever is
// listed or sent again: readers keep what they made of it.
import { ObjectList } from './object-list.ts'
import type { KubeObject } from './objects.ts'
import { objectKey } from './resources.ts'

/** What became of one event: `ignored` says nothing new, `older` contradicts what is known. */
export type Applied = 'changed' | 'ignored' | 'older'

export interface ObjectStore<T extends KubeObject> {
  /** A live view, by `namespace/name` (`name` for cluster-wide kinds). */
  readonly items: ReadonlyMap<string, T>
  /** All of them as they are now: the same list until something changes. */
  list(): readonly T[]
  /** Takes a complete list as the truth. Gives true when something changed. */
  replace(list: readonly T[]): boolean
  /** Applies one event; `version` is the newest version of the collection that was heard of. */
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T, version: string): Applied
}

export function createObjectStore<T extends KubeObject>(): ObjectStore<T> {
  const items = new Map<string, T>()
  const objects = new ObjectList<T>()

  function put(key: string, object: T): void {
    items.set(key, object)
    objects.set(object)
  }

  function drop(key: string): void {
    items.delete(key)
    objects.delete(key)
  }

  function replace(list: readonly T[]): boolean {
    let isChanged = false
    const gone = new Set(items.keys())
    for (const object of list) {
      const key = objectKey(object)
      gone.delete(key)
      if (isSame(items.get(key), object)) continue
      put(key, object)
      isChanged = true
    }
    for (const key of gone) drop(key)
    return isChanged || gone.size > 0
  }

  function apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T, version: string): Applied {
    const key = objectKey(object)
    const known = items.get(key)
    const isOlder = isOlderVersion(object.metadata?.resourceVersion, version)
    if (type !== 'DELETED') {
      if (isSame(known, object)) return 'ignored'
      if (isOlder) return 'older'
      put(key, object)
      return 'changed'
    }
    if (known === undefined) return 'ignored'
    if (isOlder) return 'older'
    // The end of an object that has been replaced by another of the same name.
    const { uid } = object.metadata ?? {}
    if (uid !== undefined && uid !== known.metadata?.uid) return 'ignored'
    drop(key)
    return 'changed'
  }

  return { items, list: () => objects.version(), replace, apply }
}

function isSame(known: KubeObject | undefined, object: KubeObject): boolean {
  const before = known?.metadata
  const after = object.metadata
  return (
    before !== undefined &&
    before.resourceVersion !== undefined &&
    before.resourceVersion === after?.resourceVersion &&
    before.uid === after?.uid
  )
}

/**
 * True when `version` is surely lower than `other`. Since Kubernetes 1.35 versions are promised to compare as whole
 * numbers of any length; anything else is never older.
 */
export function isOlderVersion(version: string | undefined, other: string): boolean {
  if (version === undefined || !/^[1-9]\d*$/.test(version) || !/^[1-9]\d*$/.test(other))
    return false
  return version.length === other.length ? version < other : version.length < other.length
}
