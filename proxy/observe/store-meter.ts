// What does one worker count of its calls to the store that all nodes share?
import { families } from './families.ts'
import { createHistogram, observe } from './slot-histogram.ts'
import { add, type Slots } from './slots.ts'

/** Counts one call: how it ended, and after how many ms. */
export type StoreMeter = (result: 'answered' | 'late' | 'failed' | 'skipped', ms: number) => void

/** Makes the meter of the worker it is called in. */
export function createStoreMeter(slots: Slots): StoreMeter {
  const counterOf = (result: string) => slots.counter(families.storeCalls.name, { result })
  const calls = {
    answered: counterOf('answered'),
    late: counterOf('late'),
    failed: counterOf('failed'),
    skipped: counterOf('skipped'),
  }
  const durations = createHistogram(slots, families.storeDuration, {})
  return (result, ms) => {
    add(calls[result], 1)
    if (result !== 'skipped') observe(durations, ms)
  }
}
