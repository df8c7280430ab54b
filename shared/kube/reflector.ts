// One collection of the API server, kept in memory: list once, then watch for ever.
//
//   list ──ok──► watch ──ended in order, cut, silent──► watch again from the last version
//    ▲ │           └──── 410, version went back, too old a list ────┐
//    │ └─error: wait, list again                                     │
//    └───────────────────────────────────────────────────────────────┘
//
// Invariant: only a complete, successful list replaces what is known; every error keeps it.
// Invariant: nothing that the API server or the network does ends the loop; only `stop` does.
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Problem } from '../problem.ts'
import { createBackoff } from './backoff.ts'
import type { KubeClient } from './client.ts'
import type { KubeError } from './error.ts'
import { createObjectStore, isOlderVersion } from './object-store.ts'
import type { KubeObject } from './objects.ts'
import { permissionProblem } from './permission.ts'
import { type KubeResource, qualifiedName } from './resources.ts'
import type { Selection, WatchEvent } from './watch.ts'
import { decideNextStep, runWatchSession, type WatchOutcome } from './watch-session.ts'

export interface ReflectorOptions<T extends KubeObject> extends Selection {
  readonly client: KubeClient
  readonly resource: KubeResource<T>
  readonly clock: Clock
  /** In [0, 1): spreads the tries of many proxies. */
  readonly random?: () => number
  readonly log: Pick<Log, 'info' | 'warn'>
  /** A cluster that does not serve the kind (404) is as one without such objects; it is asked again and again. */
  readonly mayBeUnserved?: boolean
  /** What to do when the permission is missing, where it is more than a rule that every installation has. */
  readonly permissionRemedy?: string
  /** Called once per turn in which something changed, and after the first answer even if there are no objects. */
  readonly onChange: (change: { readonly eventAtMs: number }) => void
  /** Called when a permission turns out to be missing, and with undefined when it is there. */
  readonly onProblem?: (problem: Problem | undefined) => void
}

export interface Reflector<T extends KubeObject> {
  start(): void
  stop(): Promise<void>
  /** A live view, by `namespace/name` (`name` for cluster-wide kinds). */
  items(): ReadonlyMap<string, T>
  /** All of them as they are now: the same list until something changes. */
  list(): readonly T[]
  /** True once a complete list was read; stays true. */
  readonly synced: boolean
  /** Resolves when `synced` becomes true. */
  whenSynced(): Promise<void>
  /** Monotonic ms of the last event, undefined before the first. */
  readonly lastEventAtMs: number | undefined
  /** How long ago the API server last confirmed what is known (by a list, an event or a bookmark), in ms. */
  ageMs(): number
  readonly problem: Problem | undefined
}

/** After this long a list is read anew, should an event ever have been lost. */
const maxListAgeMs = 600_000
/**
 * The same after a watch that was cut or refused: the API server may have come back with older data (a restored etcd),
 * and then says nothing to who watches from a version that it has not reached. A fast one is back before the next try,
 * so that a single cut must do. Not at once, or all proxies would list together.
 */
const listAfterOutageMs = 30_000
const maxRetryAfterMs = 600_000

/** Creates a reflector; nothing happens before `start`. */
export function createReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector<T> {
  const { client, resource, clock, log } = options
  const random = options.random ?? Math.random
  const store = createObjectStore<T>()
  const listBackoff = createBackoff({ minMs: 800, maxMs: 30_000, random })
  const watchBackoff = createBackoff({ minMs: 800, maxMs: 30_000, random })
  const stopping = new AbortController()
  const firstSync = Promise.withResolvers<void>()
  let running: Promise<void> = Promise.resolve()
  let isSynced = false
  let isUnserved = false
  let version = ''
  let listDueAtMs = 0
  let confirmedAtMs = clock.now()
  let lastEventAtMs: number | undefined
  /** Watches in a row that brought nothing. */
  let fruitless = 0
  let problem: Problem | undefined
  let trouble = ''
  let pendingSinceMs: number | undefined

  function announce(): void {
    if (pendingSinceMs !== undefined) return
    pendingSinceMs = clock.now()
    // After the poll phase: all events that arrived together are one change.
    setImmediate(() => {
      const eventAtMs = pendingSinceMs ?? clock.now()
      pendingSinceMs = undefined
      if (!stopping.signal.aborted) options.onChange({ eventAtMs })
    })
  }

  function report(verb: 'list' | 'watch', error: KubeError | undefined): void {
    const found =
      error === undefined
        ? undefined
        : permissionProblem(error, verb, resource, options.namespace, options.permissionRemedy)
    if (found?.message !== problem?.message) {
      problem = found
      options.onProblem?.(found)
    }
    // One line when trouble begins or changes, one when it ends: not one per try.
    const now = error === undefined ? '' : `${verb} ${error.status} ${error.reason}`
    if (now === trouble) return
    trouble = now
    const fields = { resource: qualifiedName(resource), verb }
    if (error === undefined) log.info(fields, 'reading from the API server again')
    else if (mayMeanUnserved(error)) log.info(fields, 'the cluster does not serve this kind')
    else {
      const { status, reason, message } = error
      log.warn({ ...fields, status, reason, error: message }, 'cannot read from the API server')
    }
  }

  function confirm(): void {
    confirmedAtMs = clock.now()
  }

  function mayMeanUnserved(error: KubeError): boolean {
    return options.mayBeUnserved === true && error.status === 404
  }

  /** Nothing is served, nothing is missed. What is known stays: a starting API server may answer 404, too. */
  function noteUnserved(): void {
    confirm()
    if (isUnserved || isSynced) return
    isUnserved = true
    announce()
  }

  async function list(): Promise<boolean> {
    const result = await client.list(resource, { ...selection(options), signal: stopping.signal })
    if (stopping.signal.aborted) return false
    if (!result.ok) {
      report('list', result.error)
      if (mayMeanUnserved(result.error)) noteUnserved()
      await wait(result.error.retryAfterMs, listBackoff.next())
      return false
    }
    listBackoff.reset()
    confirm()
    dueIn(maxListAgeMs)
    version = result.body.resourceVersion
    const isChanged = store.replace(result.body.items)
    // A permission to list says nothing about the one to watch.
    if (fruitless === 0) report('list', undefined)
    if (isChanged || !isSynced) announce()
    isSynced = true
    firstSync.resolve()
    return true
  }

  /** Watches until a new list is needed. */
  async function follow(): Promise<void> {
    for (;;) {
      const outcome = await runWatchSession({
        client,
        resource,
        selection: selection(options),
        version,
        timeoutSeconds: watchSeconds(),
        clock,
        stop: stopping.signal,
        onOpen: () => problem !== undefined && report('watch', undefined),
        onEvent: take,
      })
      if (stopping.signal.aborted) return
      learn(outcome)
      const next = decideNextStep(outcome, fruitless, clock.now() >= listDueAtMs)
      if (next.mustWait) await wait(outcome.error?.retryAfterMs, watchBackoff.next())
      if (next.mustList || stopping.signal.aborted) return
    }
  }

  /** Counts success and failure of a watch, and tells of both. */
  function learn({ end, error, hasProgressed }: WatchOutcome): void {
    if (hasProgressed) {
      fruitless = 0
      watchBackoff.reset()
    } else fruitless += 1
    if (end === 'silent') log.warn({ resource: qualifiedName(resource) }, 'renews a silent watch')
    if (error !== undefined) report('watch', error)
    else if (hasProgressed) report('watch', undefined)
    if (error !== undefined) dueIn(listAfterOutageMs)
  }

  /** Has a new list be read after `delayMs`, spread up to the double. */
  function dueIn(delayMs: number): void {
    listDueAtMs = clock.now() + delayMs * (1 + random())
  }

  /** How long the next watch may last: never beyond the next list, and not as long as those of other proxies. */
  function watchSeconds(): number {
    const dueSeconds = Math.ceil((listDueAtMs - clock.now()) / 1000)
    return Math.max(5, Math.min(290 + Math.floor(random() * 300), dueSeconds))
  }

  /** Applies one event and moves on in the history; `older` leaves both as they are. */
  function take(event: WatchEvent<T>): 'taken' | 'older' {
    if (event.type === 'BOOKMARK') {
      if (isOlderVersion(event.resourceVersion, version)) return 'older'
      version = event.resourceVersion
      confirm()
      return 'taken'
    }
    const applied = store.apply(event.type, event.object, version)
    if (applied === 'older') return 'older'
    confirm()
    lastEventAtMs = clock.now()
    const { resourceVersion } = event.object.metadata ?? {}
    if (resourceVersion !== undefined && !isOlderVersion(resourceVersion, version)) {
      version = resourceVersion
    }
    if (applied === 'changed') announce()
    return 'taken'
  }

  async function wait(askedMs: number | undefined, delayMs: number): Promise<void> {
    const { signal } = stopping
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = (): void => resolve()
    // Jitter on top of what the server asks for: it asks many clients at the same time.
    const waitMs =
      askedMs === undefined ? delayMs : Math.min(askedMs, maxRetryAfterMs) * (1 + random() * 0.1)
    const cancel = clock.after(waitMs, wake)
    signal.addEventListener('abort', wake)
    await promise
    signal.removeEventListener('abort', wake)
    cancel()
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (await list()) await follow()
    }
  }

  return {
    start() {
      confirm()
      running = run()
    },
    async stop() {
      stopping.abort()
      await running
    },
    items: () => store.items,
    list: () => store.list(),
    get synced() {
      return isSynced
    },
    whenSynced: () => firstSync.promise,
    get lastEventAtMs() {
      return lastEventAtMs
    },
    ageMs: () => clock.now() - confirmedAtMs,
    get problem() {
      return problem
    },
  }
}

function selection({ namespace, labelSelector, fieldSelector }: Selection): Selection {
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  }
}
