// What went wrong in a filter, by name? Each fault is counted; the control thread, which logs, is told of it now and then.
//
// Invariant: a filter that fails with every request costs one message per `tellMs`, and its route is named in it.
import type { Clock } from '../../shared/clock.ts'
import type { Owner, Route } from '../../shared/routing/table.ts'
import { families } from './families.ts'
import { add, type Slot, type Slots } from './slots.ts'

/** Where a filter's code ran. `on-its-own`: in a timer or behind a promise that it had started. */
export type FilterPhase =
  | 'compile'
  | 'request'
  | 'response'
  | 'request-body'
  | 'response-body'
  | 'callback'
  | 'finished'
  | 'on-its-own'

/** One fault of a filter. */
export interface FilterFault {
  readonly filter: string
  readonly reason: 'threw' | 'timed-out' | 'blocked'
  readonly phase: FilterPhase
  readonly route: Pick<Route, 'owner' | 'match'> | undefined
  /** What it threw. */
  readonly error?: unknown
  /** For how long it held the thread. */
  readonly ms?: number
}

/** One fault, and how many like it there were since it was last told. */
export interface FilterFaultMessage {
  readonly kind: 'filter-fault'
  readonly filter: string
  readonly reason: FilterFault['reason']
  readonly phase: FilterPhase
  readonly owner: Owner | undefined
  readonly host: string
  readonly path: string
  readonly times: number
  readonly error?: string
  readonly ms?: number
}

/** A filter held its thread so long; each time, since what closes it has to count. */
export interface FilterBlockedMessage {
  readonly kind: 'filter-blocked'
  readonly filter: string
  readonly ms: number
}

/** What a reporter needs. */
export interface FaultReporterOptions {
  readonly slots: Slots
  /** Kinds of one's own: their series are there from the start, so that a first fault is seen as a rise. */
  readonly kinds: readonly string[]
  readonly clock: Pick<Clock, 'now'>
  readonly post: (message: FilterFaultMessage | FilterBlockedMessage) => void
}

const reasons = ['threw', 'timed-out', 'blocked'] as const
const tellMs = 10_000
// A broken filter on 1,000 routes is one fault to mend.
const maxToldRoutes = 100

/** Makes the reporter of a worker: counts each fault, and tells of it once per route, reason and 10 s. */
export function createFaultReporter(options: FaultReporterOptions): (fault: FilterFault) => void {
  const { slots, kinds, clock, post } = options
  for (const filter of kinds) for (const reason of reasons) faultSlot(slots, filter, reason)
  const times = new Map<string, number>()
  // In the order in which they were told, and when.
  const told = new Map<string, number>()

  return (fault) => {
    const { filter, reason, phase, route, error, ms } = fault
    add(faultSlot(slots, filter, reason), 1)
    if (ms !== undefined) post({ kind: 'filter-blocked', filter, ms })
    const now = clock.now()
    for (const [key, at] of told) {
      if (now - at < tellMs) break
      told.delete(key)
    }
    const { owner, match } = route ?? {}
    const key = [filter, reason, owner?.namespace, owner?.name, match?.host, match?.path].join('\0')
    const count = (times.get(key) ?? 0) + 1
    if (told.has(key) || told.size >= maxToldRoutes) {
      if (times.size < 10 * maxToldRoutes) times.set(key, count)
      return
    }
    told.set(key, now)
    times.delete(key)
    post({
      kind: 'filter-fault',
      ...{ filter, reason, phase, owner, times: count },
      host: match?.host ?? '',
      path: match?.path ?? '',
      ...(error !== undefined && { error: textOf(error) }),
      ...(ms !== undefined && { ms: Math.round(ms) }),
    })
  }
}

/** The counter of one kind and reason. */
export function faultSlot(slots: Slots, filter: string, reason: string): Slot {
  return slots.counter(families.filterFaults.name, { filter, reason })
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
