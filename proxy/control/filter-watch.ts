// What becomes of a filter of one's own that fails? It is named in the log; what holds up the threads of all routes is closed
// for a while, and said in the problems of those who use it.
//
// Invariant: one decision for all workers: what holds up one of them would hold up the next.
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { Problem } from '../../shared/problem.ts'
import { entriesOf } from '../../shared/routing/sharded-map.ts'
import type { Owner, Route, RouteTable } from '../../shared/routing/table.ts'
import type { FilterBlockedMessage, FilterFaultMessage } from '../observe/filter-faults.ts'
import type { Busy } from '../observe/pulse.ts'
import { FilterQuarantine } from './filter-quarantine.ts'

/** Filters that are closed now; those of `uncompiled` stay so as long as the process lives. */
export interface ClosedFilters {
  readonly filters: readonly string[]
  readonly uncompiled: readonly string[]
}

/** What the watch needs. */
export interface FilterWatchOptions {
  readonly clock: Clock
  readonly log: Log
  readonly table: () => RouteTable
  readonly onClosed: (closed: ClosedFilters) => void
  readonly onProblems: () => void
  /** A worker never came back from this filter. */
  readonly onStuck: (filter: string) => void
}

const words = {
  threw: 'a filter threw: its request failed',
  'timed-out': 'a filter did not settle in time: its request got the verdict for that',
  blocked: 'a filter blocked the event loop: all routes of its worker waited',
} as const

const openMs = 1000

/** Watches over filters of one's own. */
export class FilterWatch {
  readonly #options: FilterWatchOptions
  readonly #quarantine = new FilterQuarantine()
  readonly #uncompiled = new Set<string>()
  readonly #stop: () => void

  constructor(options: FilterWatchOptions) {
    this.#options = options
    this.#stop = options.clock.every(openMs, () => this.#open())
  }

  /** A worker tells of a fault. */
  noteFault(message: FilterFaultMessage, worker: number): void {
    const { filter, reason, phase, owner, host, path, times, error, ms } = message
    this.#options.log.error(
      { filter, phase, ...owner, host, path, times, worker, ...(ms && { ms }), error },
      words[reason],
    )
  }

  /** A filter held a worker's thread. */
  noteBlocked({ filter, ms }: FilterBlockedMessage, worker: number): void {
    const { clock } = this.#options
    const pauseMs = this.#quarantine.noteBlocked(filter, worker, ms, clock.now())
    if (pauseMs !== undefined) this.#close(filter, pauseMs)
  }

  /** A worker does not answer any more and is about to be ended. */
  noteStuck(worker: number, { running, isCompiling, waiting }: Busy): void {
    const { clock, log, onStuck } = this.#options
    const suspects = running === undefined ? waiting : [running]
    const filter = suspects.length === 0 ? undefined : suspects.join(', ')
    const why =
      running === undefined && filter !== undefined
        ? 'while these filters waited for code of their own'
        : filter && `in code of this filter`
    log.error(
      { worker, ...(filter && { filter, why }) },
      'a worker does not answer: it is ended, with its connections, and started anew',
    )
    for (const suspect of suspects) {
      onStuck(suspect)
      if (isCompiling) this.#uncompiled.add(suspect)
      const pauseMs = this.#quarantine.noteStuck(suspect, clock.now())
      if (pauseMs !== undefined) this.#close(suspect, pauseMs)
    }
  }

  /** Filters that are closed now. */
  get closed(): ClosedFilters {
    return { filters: this.#quarantine.closed, uncompiled: [...this.#uncompiled] }
  }

  /** One for each object whose routes are closed by a filter. */
  get problems(): readonly Problem[] {
    const { filters, uncompiled } = this.closed
    const closed = new Set([...filters, ...uncompiled])
    if (closed.size === 0) return []
    const found = new Map<string, Problem>()
    const note = ({ owner, filters: used }: Route): void => {
      for (const { kind: filter } of used) {
        if (closed.has(filter)) found.set(keyOf(owner, filter), problemOf(owner, filter))
      }
    }
    const { hosts, fallback } = this.#options.table()
    for (const [, routes] of entriesOf(hosts)) for (const route of routes) note(route)
    if (fallback !== undefined) note(fallback)
    return [...found.values()]
  }

  stop(): void {
    this.#stop()
  }

  #close(filter: string, pauseMs: number): void {
    const seconds = pauseMs / 1000
    this.#options.log.error({ filter, seconds }, 'a filter is closed: its routes answer 503')
    this.#tell()
  }

  #open(): void {
    const opened = this.#quarantine.open(this.#options.clock.now())
    if (opened.length === 0) return
    for (const filter of opened) this.#options.log.info({ filter }, 'a filter is tried again')
    this.#tell()
  }

  #tell(): void {
    this.#options.onClosed(this.closed)
    this.#options.onProblems()
  }
}

function keyOf({ kind, namespace, name }: Owner, filter: string): string {
  return [kind, namespace, name, filter].join('\0')
}

function problemOf({ kind, namespace, name }: Owner, filter: string): Problem {
  return {
    reason: 'filter-closed',
    kind,
    namespace,
    name,
    field: 'metadata.annotations',
    message: `The filter ${filter} held up the threads of the proxy: routes that use it answer 503 for a while.`,
    remedy: `Mend ${filter} in the module of --filters: it must not compute or wait for long in one turn of the event loop.`,
  }
}
