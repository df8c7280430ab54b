// How busy is one data-plane thread, and how long does it let work wait? Node's own runtime metrics are the control thread's only.
//
// Invariant: each tick costs one system call and a few additions; what it measures needs no timer of its own.
import type { Clock } from '../../shared/clock.ts'
import { families } from './families.ts'
import { createHistogram, observe } from './slot-histogram.ts'
import type { Slots } from './slots.ts'

/** What a meter reads. */
export interface ThreadMeterOptions {
  readonly slots: Slots
  /** The thread's place among the workers: a replaced worker continues the series of the one before. */
  readonly place: number
  readonly clock: Pick<Clock, 'now'>
  /** How far apart ticks are meant to be. */
  readonly tickMs: number
  /** User and system time of the thread, in µs. */
  readonly cpuMicros: () => number
  /** For how long its event loop did not wait for events, in ms. */
  readonly busyMs: () => number
}

/** Measures one thread; `tick` is called with each of its ticks. */
export interface ThreadMeter {
  tick(): void
}

/** Makes the meter of the thread it is called in. */
export function createThreadMeter(options: ThreadMeterOptions): ThreadMeter {
  const { slots, place, clock, tickMs, cpuMicros, busyMs } = options
  const labels = { worker: String(place) }
  const cpu = slots.counter(families.workerCpu.name, labels)
  const busy = slots.counter(families.workerBusy.name, labels)
  const delay = createHistogram(slots, families.workerDelay, labels)
  let due: number | undefined
  return {
    tick() {
      const now = clock.now()
      // A tick falls into a stall as likely as a request does: what it waited is what a request would have waited.
      if (due !== undefined) observe(delay, now - due)
      due = now + tickMs
      cpu.page[cpu.at] = cpuMicros() / 1e6
      busy.page[busy.at] = busyMs() / 1000
    },
  }
}
