// Which objects have a given key, and which keys changed since the snapshot before?
// Invariant: feeds give each object once; of several with one key the one that came first to the index is the first found.
// Compares snapshots by reference: a snapshot with one new object costs one comparison per object and one change.
import type { KubeObject } from '../kube/objects.ts'

/** Finds a key for an object; undefined leaves it out. */
export type KeyOf<T> = (object: T) => string | undefined

/** All objects of one kind, by key. Several objects may share one. */
export class ObjectIndex<T extends KubeObject> {
  readonly #keyOf: KeyOf<T>
  readonly #byKey = new Map<string, readonly T[]>()
  #objects: readonly T[] = []

  constructor(keyOf: KeyOf<T>) {
    this.#keyOf = keyOf
  }

  get(key: string): readonly T[] {
    return this.#byKey.get(key) ?? []
  }

  /** Takes the next snapshot; returns the keys of objects that came, went or changed. */
  update(objects: readonly T[]): ReadonlySet<string> {
    const changed = new Set<string>()
    const before = this.#objects
    if (objects === before) return changed
    this.#objects = objects
    let start = 0
    while (start < before.length && start < objects.length && before[start] === objects[start]) {
      start++
    }
    let tail = 0
    const longestTail = Math.min(before.length, objects.length) - start
    while (
      tail < longestTail &&
      before[before.length - 1 - tail] === objects[objects.length - 1 - tail]
    ) {
      tail++
    }
    // Only the window between the common ends is looked at; objects in it may still be the same, elsewhere.
    const old = new Set(before.slice(start, before.length - tail))
    const fresh = new Set(objects.slice(start, objects.length - tail))
    for (const object of old) {
      const key = fresh.has(object) ? undefined : this.#keyOf(object)
      if (key === undefined) continue
      changed.add(key)
      const rest = this.get(key).filter((other) => other !== object)
      if (rest.length === 0) this.#byKey.delete(key)
      else this.#byKey.set(key, rest)
    }
    for (const object of fresh) {
      const key = old.has(object) ? undefined : this.#keyOf(object)
      if (key === undefined) continue
      changed.add(key)
      this.#byKey.set(key, [...this.get(key), object])
    }
    return changed
  }
}
