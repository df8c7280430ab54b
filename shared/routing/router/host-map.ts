// Which host has which tree? A map in shards (../sharded-map.ts), as it may change while requests wait, that is asked for each
// request: finding the shard costs 20 ns with eight characters of the host, 95 ns with all 25 (they are cut out of the head).
import { changeShards, emptyShards, type Shards, shardAt } from '../sharded-map.ts'

/** An immutable map from host to `V`. Every change gives a new one. */
export interface HostMap<V> extends Shards<V> {
  readonly spread: 'by-sample'
}

/** Makes a map without hosts. */
export function emptyHostMap<V>(): HostMap<V> {
  return { ...emptyShards<V>(), spread: 'by-sample' }
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
  return { ...changeShards(map, changes, shardOf), spread: 'by-sample' }
}

/** Mixes about eight characters of the host. Hosts that share a shard cost a larger copy at a change, never a slower lookup. */
function shardOf(host: string): number {
  const step = 1 + (host.length >> 3)
  let hash = host.length
  for (let i = 0; i < host.length; i += step) hash = (hash * 31 + host.charCodeAt(i)) | 0
  return shardAt(hash)
}
