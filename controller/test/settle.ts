// Lets fake time and real sockets work together: moves the clock in small steps and gives I/O room between them.
import { setImmediate as nextTurn, setTimeout as realPause } from 'node:timers/promises'
import type { ManualClock } from '../../shared/testing/manual-clock.ts'

/** How fake time passes. */
export interface Steps {
  /** Fake ms per step; default 50. */
  readonly stepMs?: number
  /** Fake ms after which `until` gives up; default 600 s. */
  readonly mostMs?: number
  /** Time stands still while this is true: a call to another party is on its way. */
  readonly isBusy?: () => boolean
}

/** Waits for `promise` while fake time passes in steps. */
export async function settle<T>(
  clock: ManualClock,
  promise: Promise<T>,
  steps: Steps = {},
): Promise<T> {
  let isDone = false
  const done = promise.finally(() => {
    isDone = true
  })
  done.catch(() => undefined)
  await until(clock, () => isDone, steps)
  return done
}

/** Moves time until `condition` holds; returns the fake ms it took. */
export async function until(
  clock: ManualClock,
  condition: () => boolean,
  { stepMs = 50, mostMs = 600_000, isBusy }: Steps = {},
): Promise<number> {
  const start = clock.now()
  for (;;) {
    await breathe(isBusy)
    if (condition()) return clock.now() - start
    if (clock.now() - start > mostMs) throw new Error(`not within ${mostMs} ms of fake time`)
    clock.advance(stepMs)
  }
}

/** Lets `ms` of fake time pass. */
export async function pass(
  clock: ManualClock,
  ms: number,
  { stepMs = 100, isBusy }: Steps = {},
): Promise<void> {
  const end = clock.now() + ms
  while (clock.now() < end) {
    await breathe(isBusy)
    clock.advance(Math.min(stepMs, end - clock.now()))
  }
  await breathe(isBusy)
}

// How long a call may hold fake time up; beyond it something hangs and must be allowed to time out.
const busyForMs = 3_000

async function breathe(isBusy: () => boolean = () => false): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await nextTurn()
  await realPause(1)
  const giveUpAt = performance.now() + busyForMs
  while (isBusy() && performance.now() < giveUpAt) await realPause(1)
}
