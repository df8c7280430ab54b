// Which host has which tree, so that a new version of 100,000 hosts costs microseconds? An immutable map in shards:
// a change copies the shards that it touches and shares the rest. A plain Map would be copied whole: 1.8 ms for 16,000
// hosts, 6.5 ms for 100,000, while requests wait (bench/micro/router.bench.ts measures the shards).

/** An immutable map from host to `V`. Every change gives a new one. */
export interface HostMap<V> {
  readonly size: number
  readonly shards: readonly ReadonlyMap<string, V>[]
}

const shardCount = 256

/** Makes a map without hosts. */
export function emptyHostMap<V>(): HostMap<V> {
  return { size: 0, shards: new Array<ReadonlyMap<string, V>>(shardCount).fill(new Map()) }
}

/** Finds what belongs to `host`. */
export function getHost<V>(map: HostMap<V>, host: string): V | undefined {
  return map.shards[shardOf(host)]?.get(host)
}

/** Makes the map with `changes` applied; undefined removes a host. */
export function withHosts<V>(
  map: HostMap<V>,
  changes: Iterable<readonly [string, V | undefined]>,
): HostMap<V> {
  const shards = [...map.shards]
  const copies = new Map<number, Map<string, V>>()
  let size = map.size
  for (const [host, value] of changes) {
    const index = shardOf(host)
    const copy = copies.get(index) ?? new Map(shards[index])
    copies.set(index, copy)
    size -= copy.size
    if (value === undefined) copy.delete(host)
    else copy.set(host, value)
    size += copy.size
  }
  for (const [index, copy] of copies) shards[index] = copy
  return { size, shards }
}

/** Lists what the map holds; in the order of the shards, which says nothing. */
export function* entriesOf<V>({ shards }: HostMap<V>): Generator<readonly [string, V]> {
  for (const shard of shards) yield* shard
}

/**
 * Lists what is not the same (by reference) in two maps: the key, its value before and its value after. Shards that both
 * maps share cost one comparison.
 */
export function* differences<V>(
  before: HostMap<V>,
  after: HostMap<V>,
): Generator<readonly [key: string, before: V | undefined, after: V | undefined]> {
  for (const [index, shard] of after.shards.entries()) {
    const old = before.shards[index]
    if (shard === old) continue
    for (const [key, value] of shard) {
      const oldValue = old?.get(key)
      if (value !== oldValue) yield [key, oldValue, value]
    }
    for (const [key, oldValue] of old ?? []) {
      if (!shard.has(key)) yield [key, oldValue, undefined]
    }
  }
}

/** Mixes about eight characters of the host. Hosts that share a shard cost a larger copy at a change, never a slower lookup. */
function shardOf(host: string): number {
  const step = 1 + (host.length >> 3)
  let hash = host.length
  for (let i = 0; i < host.length; i += step) hash = (hash * 31 + host.charCodeAt(i)) | 0
  return (hash ^ (hash >>> 8)) & (shardCount - 1)
}
