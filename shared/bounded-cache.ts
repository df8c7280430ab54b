// A cache that cannot outgrow its bound: what was used least recently leaves first. The only file that imports lru-cache.
import { LRUCache } from 'lru-cache'

/** A map of at most a fixed number of entries. */
export interface BoundedCache<Key, Value> {
  /** Gives the value and counts as a use of it. */
  get(key: Key): Value | undefined
  set(key: Key, value: Value): void
  delete(key: Key): void
  clear(): void
  /** The keys, the most recently used first. */
  keys(): readonly Key[]
}

/** What a bounded cache needs. */
export interface BoundedCacheOptions<Value> {
  /** Entries, at least 1. */
  readonly max: number
  /** Hears each value that leaves, for whatever reason. */
  readonly onLeave?: (value: Value) => void
}

/** Makes an empty cache; all memory for its bookkeeping is taken at once (about 20 bytes per entry). */
export function createBoundedCache<Key extends string, Value extends object>({
  max,
  onLeave,
}: BoundedCacheOptions<Value>): BoundedCache<Key, Value> {
  const cache = new LRUCache<Key, Value>({
    max,
    ...(onLeave && { dispose: (value) => onLeave(value) }),
  })
  return {
    get: (key) => cache.get(key),
    set: (key, value) => void cache.set(key, value),
    delete: (key) => void cache.delete(key),
    clear: () => cache.clear(),
    keys: () => [...cache.keys()],
  }
}
