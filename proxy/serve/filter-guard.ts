// What if a filter of one's own throws, or holds the thread? Its code runs in here: named, measured, and caught.
//
//   Weir ─► run ─► filter's code ─► leave ─► Weir (its sinks, calls, settlements) ─► run ─► the next filter's code
//
// Filters of Weir's own never come here. Guarded code costs two readings of the time and one async context per call.
// Invariant: what a filter throws, now or later in a timer or a promise that it had started, reaches nobody else.
// Invariant: what Weir does on a filter's behalf is neither the filter's time nor its fault.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Route } from '../../shared/routing/table.ts'
import type { FilterFault, FilterPhase } from '../observe/filter-faults.ts'
import type { Pulse } from '../observe/pulse.ts'

/** Whose code runs, where, and for which route. */
export interface FilterPlace {
  readonly filter: string
  /** Of its kind, among those of one's own. */
  readonly index: number
  readonly phase: FilterPhase
  readonly route: Pick<Route, 'owner' | 'match'>
  /** Ends what waits for it, when its code throws later on. */
  readonly fail?: () => void
}

/** What a guard needs. */
export interface FilterGuardOptions {
  /** Names of the kinds of one's own, in the order of their indexes. */
  readonly kinds: readonly string[]
  readonly pulse: Pulse
  /** Monotonic ms. */
  readonly now: () => number
  readonly onFault: (fault: FilterFault) => void
}

/**
 * ms that code of a filter may hold the thread before that is reported. Whoever shares the thread waits as long: 50 ms is half
 * a tick, ten times what a slow request costs, and above what a busy machine's scheduler usually takes away.
 */
export const blockedMs = 50

/** Runs the code of one's own filters. */
export class FilterGuard {
  readonly #options: FilterGuardOptions
  readonly #indexes: ReadonlyMap<string, number>
  readonly #places = new AsyncLocalStorage<FilterPlace>()
  readonly #outside = AsyncLocalStorage.snapshot()
  /** ms of the guarded call under way that were not its own. */
  #othersMs = 0
  #closed: ReadonlySet<string> = new Set()
  #uncompiled: ReadonlySet<string> = new Set()

  constructor(options: FilterGuardOptions) {
    this.#options = options
    this.#indexes = new Map(options.kinds.map((kind, index) => [kind, index]))
  }

  /** The index of a kind of one's own; undefined for those of Weir. */
  indexOf(kind: string): number | undefined {
    return this.#indexes.get(kind)
  }

  /** Closes these kinds, and opens all others; `uncompiled` must not be compiled again either. */
  setClosed(kinds: readonly string[], uncompiled: readonly string[]): void {
    this.#closed = new Set(kinds)
    this.#uncompiled = new Set(uncompiled)
  }

  /** Routes that use this kind answer `filter-closed`. */
  isClosed(kind: string): boolean {
    return this.#closed.has(kind)
  }

  /** The kind never returned when it was compiled. */
  isUncompiled(kind: string): boolean {
    return this.#uncompiled.has(kind)
  }

  /** A step of the kind begins (1) or ends (-1) to wait. */
  addWaiting(index: number, change: 1 | -1): void {
    this.#options.pulse.addWaiting(index, change)
  }

  /** Runs code of a filter; what it throws is reported, and `otherwise` takes the place of its result. */
  run<T>(place: FilterPlace, code: () => T, otherwise: T): T {
    const { pulse, now } = this.#options
    const before = pulse.running
    const othersMs = this.#othersMs
    const running = place.index + 1
    pulse.running = place.phase === 'compile' ? -running : running
    this.#othersMs = 0
    const startedAt = now()
    try {
      return this.#places.run(place, code)
    } catch (error) {
      this.#report(place, 'threw', { error })
      return otherwise
    } finally {
      const took = now() - startedAt
      const ms = took - this.#othersMs
      if (ms >= blockedMs) this.#report(place, 'blocked', { ms })
      this.#othersMs = othersMs + took
      pulse.running = before
    }
  }

  /** Runs code of Weir that a filter calls. */
  leave<T>(code: () => T): T {
    const { pulse, now } = this.#options
    const before = pulse.running
    const othersMs = this.#othersMs
    pulse.running = 0
    const startedAt = now()
    try {
      return this.#outside(code)
    } finally {
      this.#othersMs = othersMs + (now() - startedAt)
      pulse.running = before
    }
  }

  /** Has a callback run as code of the filter that runs now, if one does. */
  bind<T>(phase: FilterPhase, callback: (value: T) => void): (value: T) => void {
    const place = this.#places.getStore()
    return place === undefined ? callback : this.later({ ...place, phase }, callback)
  }

  /** Has a callback run as code of a filter; when it throws, the step that asked for it fails. */
  later<T>(place: FilterPlace, callback: (value: T) => void): (value: T) => void {
    const fail = this.#places.getStore()?.fail
    const own = fail === undefined ? place : { ...place, fail }
    return (value) => {
      const run = () => {
        callback(value)
        return true
      }
      if (!this.run(own, run, false)) fail?.()
    }
  }

  /** Takes an error that nobody caught; false when no filter's code had thrown it. */
  takeUncaught(error: unknown): boolean {
    const place = this.#places.getStore()
    if (place === undefined) return false
    this.#outside(() => {
      this.#report({ ...place, phase: 'on-its-own' }, 'threw', { error })
      place.fail?.()
    })
    return true
  }

  #report(
    { filter, phase, route }: FilterPlace,
    reason: FilterFault['reason'],
    details: Pick<FilterFault, 'error' | 'ms'>,
  ): void {
    this.#options.onFault({ filter, reason, phase, route, ...details })
  }
}
