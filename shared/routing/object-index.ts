// Which objects have a given key, and which keys changed since the list before?
// Invariant: feeds give each object once; of several with one key the one that came first to the index is the first found.
import type { KubeObject } from '../kube/objects.ts'
import { diffLists } from '../list-diff.ts'

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

  /** Takes the next list; returns the keys of objects that came, went or changed. */
  update(objects: readonly T[]): ReadonlySet<string> {
    const before = this.#objects
    this.#objects = objects
    const old = new Set<T>()
    const fresh = new Set<T>()
    for (const { at, removed, added } of diffLists(before, objects)) {
      for (const object of before.slice(at, at + removed)) old.add(object)
      for (const object of added) fresh.add(object)
    }
    const changed = new Set<string>()
    // An object in both only moved.
    for (const object of old.difference(fresh)) {
      const key = this.#keyOf(object)
      if (key === undefined) continue
      changed.add(key)
      const rest = this.get(key).filter((other) => other !== object)
      if (rest.length === 0) this.#byKey.delete(key)
      else this.#byKey.set(key, rest)
    }
    for (const object of fresh.difference(old)) {
      const key = this.#keyOf(object)
      if (key === undefined) continue
      changed.add(key)
      this.#byKey.set(key, [...this.get(key), object])
    }
    return changed
  }
}
