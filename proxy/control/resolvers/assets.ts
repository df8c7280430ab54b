// What do the filters of all routes need that is not in the table, and what is it now? Secrets, ConfigMaps and key sets.
//
//   delta ─► wanted assets, counted by host ─► followed by name (feed) or fetched (key-sets.ts) ─► workers
//
// Invariant: only what a route names is read, by its name, and it is forgotten when no route names it any more.
// Invariant: contents are in memory only: never in the table, `/routes`, a log line or a problem.
import type { NamedObjects } from '../../../shared/feed/named-objects.ts'
import type { Problem } from '../../../shared/problem.ts'
import { assetFaultOf } from '../../../shared/routing/filters/asset-fault.ts'
import type {
  AssetData,
  AssetRef,
  FilterKind,
  WantedAsset,
} from '../../../shared/routing/filters/kind.ts'
import type { Owner, Route, TableDelta } from '../../../shared/routing/table.ts'
import { type FilesOptions, followFile } from './files.ts'
import { type FollowedKeySet, followKeySet, type KeySetsOptions } from './key-sets.ts'
import { configMapEntries, secretEntries } from './secret-entries.ts'

/** What the keeper of assets needs. */
export interface AssetsOptions extends KeySetsOptions, FilesOptions {
  readonly objects: NamedObjects
  readonly kinds: ReadonlyMap<string, FilterKind>
  /** An asset has another content, or none. */
  readonly onAsset: (ref: AssetRef, data: AssetData | undefined) => void
  /** What is missing changed. */
  readonly onProblems: () => void
}

/** Keeps the assets of the served table. */
export interface Assets {
  /** Takes over what a change of the table wants. */
  noteDelta(delta: TableDelta): void
  /** All that are there, for a worker that starts now. */
  all(): Iterable<readonly [AssetRef, AssetData]>
  /** Assets that routes name and that are not there, or of no use. */
  readonly problems: readonly Problem[]
  stop(): void
}

interface Asset {
  readonly ref: AssetRef
  /** Where its upstream is, of a key set. */
  keySet: { readonly upstream: string; readonly followed: FollowedKeySet } | undefined
  /** Hosts that use it. */
  readonly users: Map<string, User>
  data: AssetData | undefined
  hasAnswered: boolean
  /** Why it may not be read: of its source, with the remedy. */
  refusal: Problem | undefined
  cancel: () => void
}

/** One route of a host. */
interface User {
  readonly owner: Owner
  /** What its filters say of the contents. */
  readonly faultOf: (data: AssetData) => string | undefined
  /** Said of the present contents. */
  fault: string | undefined
}

/** Creates the keeper; nothing is read before a route names something. */
export function createAssets(options: AssetsOptions): Assets {
  const { objects, kinds, onAsset, onProblems } = options
  const assets = new Map<string, Asset>()
  const keysByHost = new Map<string, ReadonlySet<string>>()

  function noteHost(host: string, routes: readonly Route[]): void {
    const wanted = wantedBy(routes, kinds)
    for (const [key, { ref, user }] of wanted) {
      const asset = assets.get(key) ?? add(key, ref)
      asset.users.set(host, user)
      if (asset.data !== undefined) user.fault = user.faultOf(asset.data)
    }
    for (const key of keysByHost.get(host) ?? []) if (!wanted.has(key)) release(key, host)
    if (wanted.size === 0) keysByHost.delete(host)
    else keysByHost.set(host, new Set(wanted.keys()))
  }

  function add(key: string, ref: WantedAsset): Asset {
    const asset: Asset = {
      ref: { kind: ref.kind, name: ref.name },
      keySet: undefined,
      users: new Map(),
      data: undefined,
      hasAnswered: false,
      refusal: undefined,
      cancel: () => {},
    }
    assets.set(key, asset)
    if (ref.kind === 'jwks') {
      const followed = followKeySet(options, ref.from, (keys) =>
        take(asset, keys === undefined ? undefined : { keys }),
      )
      asset.keySet = { upstream: ref.from.service.key, followed }
      asset.cancel = () => followed.cancel()
    } else if (ref.kind === 'file') {
      asset.cancel = followFile(options, ref.name, (auth) =>
        take(asset, auth === undefined ? undefined : { auth }),
      )
    } else {
      const [namespace = '', name = ''] = ref.name.split('/')
      const kind = ref.kind === 'secret' ? 'Secret' : 'ConfigMap'
      const entriesOf = ref.kind === 'secret' ? secretEntries : configMapEntries
      asset.cancel = objects.follow(
        { kind, namespace, name },
        (object) => take(asset, object === undefined ? undefined : entriesOf(object)),
        (problem) => {
          asset.refusal = problem
          onProblems()
        },
      )
    }
    return asset
  }

  function release(key: string, host: string): void {
    const asset = assets.get(key)
    if (asset === undefined) return
    asset.users.delete(host)
    if (asset.users.size > 0) return
    asset.cancel()
    assets.delete(key)
    if (asset.data !== undefined) onAsset(asset.ref, undefined)
  }

  function take(asset: Asset, data: AssetData | undefined): void {
    asset.hasAnswered = true
    if (data !== undefined || asset.data !== undefined) {
      asset.data = data
      for (const user of asset.users.values()) {
        user.fault = data === undefined ? undefined : user.faultOf(data)
      }
      onAsset(asset.ref, data)
    }
    onProblems()
  }

  return {
    noteDelta({ hosts, upstreams, fallback }) {
      for (const [host, routes] of hosts) noteHost(host, routes)
      if (fallback !== undefined)
        noteHost('\n', fallback.route === undefined ? [] : [fallback.route])
      for (const { keySet } of assets.values()) {
        if (keySet !== undefined && upstreams.has(keySet.upstream)) keySet.followed.noteUpstream()
      }
      onProblems()
    },
    *all() {
      for (const { ref, data } of assets.values())
        if (data !== undefined) yield [ref, data] as const
    },
    get problems() {
      return [...assets.values()].flatMap((asset) =>
        isMissing(asset) ? problemsOf(asset) : faultsIn(asset),
      )
    },
    stop() {
      for (const asset of assets.values()) asset.cancel()
    },
  }
}

/** What the routes of a host name, by `keyOf`, each with one of those that do. */
function wantedBy(
  routes: readonly Route[],
  kinds: AssetsOptions['kinds'],
): ReadonlyMap<string, { readonly ref: WantedAsset; readonly user: User }> {
  const wanted = new Map<string, { ref: WantedAsset; user: User }>()
  for (const { filters, owner } of routes) {
    for (const filter of filters) {
      for (const ref of kinds.get(filter.kind)?.assets?.(filter) ?? []) {
        const faultOf = (data: AssetData) =>
          assetFaultOf(filters, (kind) => kinds.get(kind), ref, data)
        wanted.set(keyOf(ref), { ref, user: { owner, faultOf, fault: undefined } })
      }
    }
  }
  return wanted
}

/** Tells assets apart: kind and name. */
export function keyOf({ kind, name }: AssetRef): string {
  return `${kind} ${name}`
}

function isMissing({ data, hasAnswered, refusal }: Asset): boolean {
  return refusal !== undefined || (hasAnswered && data === undefined)
}

const words = {
  secret: 'Secret',
  'config-map': 'ConfigMap',
  jwks: 'key set',
  file: 'file',
} as const

const remedies = {
  secret: 'Create it.',
  'config-map': 'Create it.',
  jwks: 'Check the URL, and that the proxy can reach it.',
  file: 'Put it below the folder of --auth-files.',
} as const

function problemsOf(asset: Asset): Problem[] {
  const users = [...asset.users.values()]
  return ownersOf(users).map((place) => ({
    reason: 'asset-missing',
    ...place,
    ...findingOf(asset),
  }))
}

/** What is there and is of no use: a problem for each owner. */
function faultsIn({ ref, users }: Asset): Problem[] {
  const byFault = Map.groupBy([...users.values()], ({ fault }) => fault)
  return [...byFault].flatMap(([fault, own]) =>
    fault === undefined
      ? []
      : ownersOf(own).map((place) => ({
          reason: 'asset-unusable',
          ...place,
          message: `The ${words[ref.kind]} ${ref.name} is of no use: ${fault}. What needs it answers 503.`,
          remedy: `Mend the ${words[ref.kind]}.`,
        })),
  )
}

function ownersOf(users: readonly User[]) {
  const owners = new Map(
    users.map(({ owner }) => [`${owner.kind} ${owner.namespace}/${owner.name}`, owner]),
  )
  return [...owners.values()].map(({ kind, namespace, name }) => ({
    ...{ kind, namespace, name },
    field: 'metadata.annotations',
  }))
}

function findingOf({ ref, data, refusal }: Asset): Pick<Problem, 'message' | 'remedy'> {
  const what = `The ${words[ref.kind]} ${ref.name}`
  if (refusal !== undefined) {
    const then =
      data === undefined ? 'what needs it answers 503' : 'what was read last counts until it may'
    return { message: `${what} may not be read by the proxy: ${then}.`, remedy: refusal.remedy }
  }
  return {
    message: `${what} is not there: what needs it answers 503.`,
    remedy: remedies[ref.kind],
  }
}
