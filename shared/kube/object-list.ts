// All objects of a collection as an immutable list, a new version after each change. Pure.
//
// Invariant: a version knows what became of the version before (list-diff.ts), so that readers need not look for it.
// Invariant: what did not change keeps its place; who takes the place of an object that goes is the last of the list.
import { type ListEdit, noteEdits } from '../list-diff.ts'
import type { KubeObject } from './objects.ts'
import { objectKey } from './resources.ts'

export class ObjectList<T extends KubeObject> {
  readonly #places = new Map<string, number>()
  readonly #objects: T[] = []
  /** Places where something happened since `#version`. */
  readonly #touched = new Set<number>()
  #version: readonly T[] = []

  /** Puts an object in the place of the one with its key, else at the end. */
  set(object: T): void {
    const key = objectKey(object)
    const place = this.#places.get(key) ?? this.#objects.length
    this.#places.set(key, place)
    this.#objects[place] = object
    this.#touched.add(place)
  }

  delete(key: string): void {
    const place = this.#places.get(key)
    const last = this.#objects.at(-1)
    if (place === undefined || last === undefined) return
    this.#touched.add(place).add(this.#objects.length - 1)
    this.#objects[place] = last
    this.#places.set(objectKey(last), place)
    this.#objects.pop()
    this.#places.delete(key)
  }

  /** The objects as they are now; the same list until something changes. */
  version(): readonly T[] {
    if (this.#touched.size === 0) return this.#version
    const next = this.#objects.slice()
    noteEdits(this.#version, next, this.#edits(this.#version, next))
    this.#touched.clear()
    this.#version = next
    return next
  }

  #edits(before: readonly T[], after: readonly T[]): readonly ListEdit<T>[] {
    const shorter = Math.min(before.length, after.length)
    const edits: ListEdit<T>[] = []
    for (const at of [...this.#touched].sort((a, b) => a - b)) {
      const object = after[at]
      if (at >= shorter || object === undefined || object === before[at]) continue
      edits.push({ at, removed: 1, added: [object] })
    }
    if (before.length !== after.length) {
      edits.push({ at: shorter, removed: before.length - shorter, added: after.slice(shorter) })
    }
    return edits
  }
}
