// Lets fake time and real sockets work together: moves the clock in small steps and gives I/O room between them.
import { setImmediate as nextTurn, setTimeout as realPause } from 'node:timers/promises'
import type { ManualClock } from '../../shared/testing/manual-clock.ts'

/** Waits for `promise` while fake time passes in steps; real time is bounded by `limitMs`. */
export async function settle<T>(
  clock: ManualClock,
  promise: Promise<T>,
  stepMs = 50,
  limitMs = 20_000,
): Promise<T> {
  let isDone = false
  const done = promise.finally(() => {
    isDone = true
  })
  done.catch(() => undefined)
  const deadline = performance.now() + limitMs
  while (!isDone) {
    if (performance.now() > deadline) throw new Error('nothing settled in time')
    await breathe()
    if (!isDone) clock.advance(stepMs)
  }
  return done
}

/** Moves time until `condition` holds; returns the fake ms it took. */
export async function until(
  clock: ManualClock,
  condition: () => boolean,
  { stepMs = 50, mostMs = 600_000 }: { stepMs?: number; mostMs?: number } = {},
): Promise<number> {
  const start = clock.now()
  while (!condition()) {
    if (clock.now() - start > mostMs) throw new Error(`not within ${mostMs} ms of fake time`)
    await breathe()
    clock.advance(stepMs)
  }
  return clock.now() - start
}

/** Lets `ms` of fake time pass. */
export async function pass(clock: ManualClock, ms: number, stepMs = 100): Promise<void> {
  const end = clock.now() + ms
  while (clock.now() < end) {
    await breathe()
    clock.advance(Math.min(stepMs, end - clock.now()))
  }
  await breathe()
}

/** Gives sockets of this process time to carry a request and its answer. */
export async function breathe(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await nextTurn()
  await realPause(1)
}
