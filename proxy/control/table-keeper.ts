// From a feed's snapshots to deltas for the workers: translate, fill in external names, compare, count versions.
//
// Invariant: the last good table stays until a better one is there; nothing a feed says can end this.
import type { Clock } from '../../shared/clock.ts'
import type { FeedUpdate } from '../../shared/feed/feed.ts'
import type { Snapshot } from '../../shared/kube/snapshot.ts'
import { diffLists } from '../../shared/list-diff.ts'
import type { Log } from '../../shared/log.ts'
import type { Problem } from '../../shared/problem.ts'
import { diffTables } from '../../shared/routing/delta.ts'
import type { RouteTable, TableDelta } from '../../shared/routing/table.ts'
import type { Translation } from '../../shared/routing/translate.ts'

/** What a table keeper needs. */
export interface TableKeeperOptions {
  readonly clock: Clock
  readonly log: Log
  readonly translate: (snapshot: Snapshot) => Translation
  /** Fills in the addresses of external names. */
  readonly complete: (table: RouteTable) => RouteTable
  /** What is wrong in what was filled in last. */
  readonly problemsOfCompletion: () => readonly Problem[]
  /** A new table and what is wrong in it; `delta` is what changed since the last. */
  readonly onTable: (change: TableChange) => void
  /** All that is wrong now, whenever that changes. */
  readonly onProblems: (problems: readonly Problem[]) => void
}

/** One step from a table to the next. */
export interface TableChange {
  readonly table: RouteTable
  readonly delta: TableDelta
  /** Monotonic ms of the oldest event behind this change. */
  readonly eventAtMs: number
}

/** Keeps the table that is served. */
export class TableKeeper {
  readonly #options: TableKeeperOptions
  #pending: FeedUpdate | undefined
  #eventAtMs: number | undefined
  #cancelWait: (() => void) | undefined
  #busyUntil = 0
  #translation: Translation | undefined
  #feedProblems: readonly Problem[] = []
  #version = 0
  #table: RouteTable | undefined
  /** What is wrong now, in the feed and in the objects. */
  problems: readonly Problem[] = []
  readonly #listed = new Map<string, number>()

  constructor(options: TableKeeperOptions) {
    this.#options = options
  }

  /** The table that is served; undefined before the first. */
  get table(): RouteTable | undefined {
    return this.#table
  }

  /** The whole table as a delta, for a worker that starts now. */
  whole(): TableDelta | undefined {
    return this.#table === undefined ? undefined : diffTables(undefined, this.#table, this.#version)
  }

  /** Takes a feed's snapshot. At once when it is quiet; in a storm of changes, once per pause as long as the last pass took. */
  take(update: FeedUpdate): void {
    this.#pending = update
    this.#eventAtMs ??= update.eventAtMs
    this.#wake()
  }

  /** Looks again: an external name has new addresses. */
  refresh(): void {
    if (this.#translation === undefined) return
    this.#eventAtMs ??= this.#options.clock.now()
    this.#wake()
  }

  stop(): void {
    this.#cancelWait?.()
  }

  #wake(): void {
    if (this.#cancelWait !== undefined) return
    const waitMs = this.#busyUntil - this.#options.clock.now()
    if (waitMs <= 0) {
      this.#pass()
      return
    }
    this.#cancelWait = this.#options.clock.after(waitMs, () => {
      this.#cancelWait = undefined
      this.#pass()
    })
  }

  #pass(): void {
    const { clock, log } = this.#options
    const startedAt = clock.now()
    try {
      this.#renew(startedAt)
    } catch (error) {
      log.error({ error }, 'a change could not be translated; the last good table stays')
    }
    const endedAt = clock.now()
    this.#busyUntil = endedAt + (endedAt - startedAt)
  }

  #renew(startedAt: number): void {
    const { translate, complete, problemsOfCompletion, onTable } = this.#options
    const update = this.#pending
    const eventAtMs = this.#eventAtMs ?? startedAt
    this.#pending = undefined
    this.#eventAtMs = undefined
    if (update !== undefined) {
      this.#translation = translate(update.snapshot)
      this.#feedProblems = update.problems
    }
    if (this.#translation === undefined) return
    const { table: translated, problems } = this.#translation
    const table = complete(translated)
    this.#noteProblems([...this.#feedProblems, ...problems, ...problemsOfCompletion()])
    const delta = diffTables(this.#table, table, this.#version + 1)
    // Also without a difference: the next comparison is by reference, and is to find only what changes next.
    this.#table = table
    if (delta === undefined) return
    this.#version += 1
    onTable({ table, delta, eventAtMs })
  }

  /** Logs each problem once when it appears and once when it is gone; looks only at those that came or went. */
  #noteProblems(problems: readonly Problem[]): void {
    const { log, onProblems } = this.#options
    const before = this.problems
    const edits = diffLists(before, problems)
    if (edits.length === 0) return
    this.problems = problems
    onProblems(problems)
    // Those that came first: a problem of an object that was read anew was never gone.
    for (const problem of edits.flatMap(({ added }) => added)) {
      if (this.#count(problem, 1) === 1) log.warn({ ...problem }, 'problem')
    }
    for (const problem of edits.flatMap(({ at, removed }) => before.slice(at, at + removed))) {
      if (this.#count(problem, -1) > 0) continue
      const { kind, namespace, name, field, reason } = problem
      log.info({ reason, kind, namespace, name, field }, 'problem solved')
    }
  }

  /** Counts how often a problem is listed now. */
  #count(problem: Problem, step: 1 | -1): number {
    const key = keyOf(problem)
    const count = (this.#listed.get(key) ?? 0) + step
    if (count === 0) this.#listed.delete(key)
    else this.#listed.set(key, count)
    return count
  }
}

function keyOf({ reason, kind, namespace, name, field, message }: Problem): string {
  return [reason, kind, namespace, name, field, message].join('\0')
}
