// The feed of files: reads manifests once, then follows their changes.
//
//   look (which files, which stamps) → read what changed → join → publish when something is different
//
// Invariant: a root that is not there keeps everything that it ever gave; so does a file that is broken or unreadable.
// Invariant: a file that is gone from a folder that is there takes its objects with it, once two looks agree: editors
// and checkouts replace a file by removing it first.
import { type FSWatcher, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Clock } from '../clock.ts'
import type { KubeObject } from '../kube/objects.ts'
import { configMaps, type KubeResource, secrets } from '../kube/resources.ts'
import type { Snapshot } from '../kube/snapshot.ts'
import type { Log } from '../log.ts'
import type { Problem } from '../problem.ts'
import type { Feed, FeedUpdate } from './feed.ts'
import { type ManifestFile, takeFailure, takeText } from './manifest-file.ts'
import { unreadable } from './manifest-files.ts'
import { mergeManifests } from './manifest-merge.ts'
import { type FoundFile, isGone, reasonOf, type Scan, scanManifests } from './manifest-scan.ts'
import type { NamedObject } from './named-objects.ts'

export interface ManifestFeedOptions {
  /** Files and folders; of an object in several of them the first one counts. */
  readonly paths: readonly string[]
  readonly clock: Clock
  readonly log: Pick<Log, 'warn'>
}

/** Between two looks; with the second look at what is gone, every change is seen within a second. */
const lookEveryMs = 400
const lookAgainMs = 150
/** After the system told of a change: what is written in one go is read in one go. */
const hintMs = 20
/** A file may be written twice within one tick of its file system's clock: so young, its stamp proves nothing. */
const youngMs = 100

/** Who wants to know of one object. */
interface Follower {
  readonly want: NamedObject
  last: KubeObject | undefined
  readonly onObject: (object: KubeObject | undefined) => void
}

/** One of the paths, and what it gives. */
interface Root {
  readonly path: string
  /** By path, sorted. */
  files: ReadonlyMap<string, ManifestFile>
  /** Files that were not there at the last look. */
  missing: ReadonlySet<string>
  problems: readonly Problem[]
  wasSeen: boolean
  watcher: FSWatcher | undefined
}

/** Creates the feed of `paths`; nothing is read before `start`. */
export function createManifestFeed({ paths, clock, log }: ManifestFeedOptions): Feed {
  const roots = paths.map((path) => createRoot(path))
  let onUpdate: (update: FeedUpdate) => void = () => undefined
  let resources: readonly KubeResource[] = []
  let snapshot: Snapshot | undefined
  let cancelLook: () => void = () => undefined
  let looking: Promise<void> | undefined
  let lookedAtMs = clock.now()
  let published = ''
  let isStopped = false
  let isHinted = false
  const followers = new Set<Follower>()

  /** Looks now, then again and again; only one look at a time. */
  function lookNow(): void {
    if (isStopped || looking !== undefined) return
    isHinted = false
    looking = look().finally(() => {
      looking = undefined
      const isUnsure = roots.some((root) => root.missing.size > 0)
      lookIn(isHinted ? hintMs : isUnsure ? lookAgainMs : lookEveryMs)
    })
  }

  function lookIn(delayMs: number): void {
    cancelLook()
    if (!isStopped) cancelLook = clock.after(delayMs, lookNow)
  }

  /** Takes a word from the system that something changed; also after a look, the first one counts. */
  function takeHint(): void {
    if (isHinted) return
    isHinted = true
    if (looking === undefined) lookIn(hintMs)
  }

  async function look(): Promise<void> {
    const startedAtMs = clock.now()
    await Promise.all(roots.map((root) => updateRoot(root, clock, resources)))
    if (roots.every((root) => root.problems.length === 0)) lookedAtMs = startedAtMs
    for (const root of roots) followHints(root)
    if (!isStopped) publish(startedAtMs)
  }

  function publish(eventAtMs: number): void {
    if (!roots.every((root) => root.wasSeen)) {
      // Nothing is served from half of what was asked for; the reason is told once.
      warnOnce(roots.flatMap((root) => root.problems))
      return
    }
    const version = versionOf(roots)
    if (version === published) return
    published = version
    const files = roots.flatMap((root) => [...root.files.values()])
    const merged = mergeManifests(files, resources, snapshot)
    const isFirst = snapshot === undefined
    snapshot = merged.snapshot
    const problems = [...roots.flatMap((root) => root.problems), ...merged.problems]
    onUpdate({ snapshot, problems, eventAtMs })
    for (const follower of followers) {
      const object = objectOf(follower.want)
      if (object === follower.last && !isFirst) continue
      follower.last = object
      follower.onObject(object)
    }
  }

  function warnOnce(problems: readonly Problem[]): void {
    const told = JSON.stringify(problems)
    if (told === published) return
    published = told
    for (const problem of problems) log.warn({ ...problem }, problem.message)
  }

  /** Lets the system tell of changes at once, where it can; the regular look needs no help. */
  function followHints(root: Root): void {
    if (isStopped || root.watcher !== undefined) return
    try {
      const watcher = watch(root.path, { persistent: false }, takeHint)
      root.watcher = watcher
      const end = (): void => {
        watcher.close()
        root.watcher = undefined
      }
      watcher.on('error', end)
      // A replaced file or folder is another one: the old one has nothing more to tell.
      watcher.on('change', (kind) => kind === 'rename' && end())
    } catch {
      root.watcher = undefined
    }
  }

  function objectOf({ kind, namespace, name }: NamedObject): KubeObject | undefined {
    const list = snapshot?.list<KubeObject>(kind === 'Secret' ? secrets : configMaps) ?? []
    return list.find(
      ({ metadata }) => metadata?.name === name && (metadata.namespace ?? 'default') === namespace,
    )
  }

  return {
    follow(want, onObject) {
      const follower: Follower = { want, last: objectOf(want), onObject }
      followers.add(follower)
      if (snapshot !== undefined) onObject(follower.last)
      return () => followers.delete(follower)
    },
    start(kinds, listener) {
      resources = [...new Set([...kinds.map(({ resource }) => resource), secrets, configMaps])]
      onUpdate = listener
      lookNow()
    },
    async stop() {
      isStopped = true
      cancelLook()
      for (const root of roots) root.watcher?.close()
      await looking
    },
    ages: () => ({ manifests: clock.now() - lookedAtMs }),
  }
}

function createRoot(path: string): Root {
  return {
    path,
    files: new Map(),
    missing: new Set(),
    problems: [],
    wasSeen: false,
    watcher: undefined,
  }
}

/** Differs when anything that is published differs: texts by their digests, and what is wrong. */
function versionOf(roots: readonly Root[]): string {
  return JSON.stringify(
    roots.map((root) => [
      root.problems,
      [...root.files.values()].map(({ path, digest, problems }) => [path, digest, problems]),
    ]),
  )
}

/** Brings one root up to date. Never rejects. */
async function updateRoot(
  root: Root,
  clock: Clock,
  resources: readonly KubeResource[],
): Promise<void> {
  const scan = await scanManifests(root.path)
  root.problems = scan.failures.map(({ path, why }) =>
    unreadable(path, '', why, 'Let the proxy read it; its last good objects stay.'),
  )
  if (scan.isMissing) {
    const remedy = 'Bring it back; what it last gave is served on.'
    root.problems = [unreadable(root.path, '', 'it does not exist', remedy)]
    return
  }
  const files = new Map<string, ManifestFile>()
  for (const found of scan.files) {
    const file = await readFound(found, root.files.get(found.path), clock, resources)
    if (file !== undefined) files.set(found.path, file)
  }
  const missing = new Set<string>()
  for (const [path, file] of root.files) {
    if (files.has(path)) continue
    if (isHidden(path, scan) || !root.missing.has(path)) files.set(path, file)
    if (!isHidden(path, scan)) missing.add(path)
  }
  root.missing = new Set([...missing].filter((path) => files.has(path)))
  root.files = new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)))
  root.wasSeen ||= scan.failures.every(({ path }) => path !== root.path)
}

/** True for a file below something that could not be looked at: nobody knows whether it is still there. */
function isHidden(path: string, { failures }: Scan): boolean {
  return failures.some((failure) => path === failure.path || path.startsWith(`${failure.path}/`))
}

/** Reads a file if it may have changed; undefined when it is gone meanwhile. */
async function readFound(
  found: FoundFile,
  before: ManifestFile | undefined,
  clock: Clock,
  resources: readonly KubeResource[],
): Promise<ManifestFile | undefined> {
  if (before !== undefined && before.stamp === found.stamp) return before
  try {
    const isYoung = clock.wallNow() - found.modifiedAtMs < youngMs
    const text = await readFile(found.path, 'utf8')
    // Who writes a file in place empties it first: empty counts as gone, and that takes two looks.
    if (text.trim() === '' && (before?.objects.length ?? 0) > 0) return undefined
    const stamp = isYoung ? `${found.stamp} young` : found.stamp
    return takeText(before, found.path, stamp, text, resources)
  } catch (error) {
    return isGone(error) ? undefined : takeFailure(before, found.path, reasonOf(error))
  }
}
