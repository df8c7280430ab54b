// The memory of the test API server: objects by kind, one version counter, and the history that watches are served from.
//
// Invariant: every change raises the version by one, except where a test sets it back.
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '../kube/objects.ts'
import { type KubeResource, objectKey } from '../kube/resources.ts'

/** One change as watches see it. `before` is the object as it was: a selector may have covered only that. */
export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly version: number
  readonly object: KubeObject
  readonly before: KubeObject | undefined
}

interface Collection {
  readonly objects: Map<string, KubeObject>
  readonly history: StoreEvent[]
  readonly listeners: Set<(event: StoreEvent) => void>
}

/** So many changes can be watched from behind; older ones are gone (410). */
const historyLimit = 50_000

/** Objects, versions and history. */
export class ApiStore {
  #version = 1000
  /** Versions below this have no history. */
  #floor = 1000
  readonly #collections = new Map<KubeResource, Collection>()

  get version(): string {
    return String(this.#version)
  }

  /** Creates or replaces. Metadata that the server owns is filled in; a given creationTimestamp is kept. */
  put<T extends KubeObject>(resource: KubeResource, object: T): T {
    const { objects } = this.#collection(resource)
    const key = objectKey(object)
    const before = objects.get(key)
    this.#version += 1
    const stored = {
      ...object,
      apiVersion: resource.apiVersion,
      kind: resource.kind,
      metadata: {
        ...object.metadata,
        uid: before?.metadata?.uid ?? object.metadata?.uid ?? randomUUID(),
        creationTimestamp:
          before?.metadata?.creationTimestamp ??
          object.metadata?.creationTimestamp ??
          new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
        generation: generationOf(object, before),
        resourceVersion: this.version,
      },
    }
    objects.set(key, stored)
    const type = before === undefined ? 'ADDED' : 'MODIFIED'
    this.#publish(resource, { type, version: this.#version, object: stored, before })
    return stored
  }

  /** Gives the object as it was last, or undefined when there is none. */
  remove(resource: KubeResource, key: string): KubeObject | undefined {
    const { objects } = this.#collection(resource)
    const before = objects.get(key)
    if (before === undefined) return undefined
    objects.delete(key)
    this.#version += 1
    const metadata = { ...before.metadata, resourceVersion: this.version }
    const object = { ...before, metadata }
    this.#publish(resource, { type: 'DELETED', version: this.#version, object, before })
    return object
  }

  get(resource: KubeResource, key: string): KubeObject | undefined {
    return this.#collection(resource).objects.get(key)
  }

  /** All objects of a kind, in the order of their keys. */
  list(resource: KubeResource): KubeObject[] {
    const entries = [...this.#collection(resource).objects]
    return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
  }

  /** The changes after `version`, or undefined when that history is gone. */
  since(resource: KubeResource, version: number): StoreEvent[] | undefined {
    if (version < this.#floor) return undefined
    return this.#collection(resource).history.filter((event) => event.version > version)
  }

  /** Calls `listener` at each change, in the same turn; the returned function ends that. */
  listen(resource: KubeResource, listener: (event: StoreEvent) => void): () => void {
    const { listeners } = this.#collection(resource)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** Drops all history, as compaction does. */
  forgetHistory(): void {
    // A version of its own, so that even who has seen everything is too late.
    this.#version += 1
    this.#floor = this.#version
    for (const { history } of this.#collections.values()) history.length = 0
  }

  /** Goes back to an older version with `objects` as the only ones of their kind, as after a restored backup. */
  restore(resource: KubeResource, version: number, objects: readonly KubeObject[]): void {
    const collection = this.#collection(resource)
    this.#version = version
    this.#floor = Math.min(this.#floor, version)
    collection.history.length = 0
    collection.objects.clear()
    for (const object of objects) this.put(resource, object)
  }

  #publish(resource: KubeResource, event: StoreEvent): void {
    const { history, listeners } = this.#collection(resource)
    history.push(event)
    if (history.length > historyLimit) {
      this.#floor = Math.max(this.#floor, history[0]?.version ?? 0)
      history.shift()
    }
    for (const listener of listeners) listener(event)
  }

  #collection(resource: KubeResource): Collection {
    let collection = this.#collections.get(resource)
    if (collection === undefined) {
      collection = { objects: new Map(), history: [], listeners: new Set() }
      this.#collections.set(resource, collection)
    }
    return collection
  }
}

/** Rises with each change of what the owner wants; neither metadata nor status are that. */
function generationOf(object: KubeObject, before: KubeObject | undefined): number {
  const generation = before?.metadata?.generation ?? 0
  return before !== undefined && isDeepStrictEqual(wanted(object), wanted(before))
    ? generation
    : generation + 1
}

function wanted({ apiVersion, kind, metadata, ...rest }: KubeObject): object {
  return { ...rest, status: undefined }
}
