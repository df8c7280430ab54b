// Where a worker's slots come from: pages of shared memory, filled from the front, never given back.
// Invariant: a slot is announced before it is handed out, so nothing is ever counted that a scrape cannot see.
import type { Slot, Slots, SlotsMessage } from './slots.ts'

const pageBytes = 64 * 1024
const pageLength = pageBytes / Float64Array.BYTES_PER_ELEMENT

/** Makes the slots of one thread; `post` tells the control thread about each new one. */
export function createSlots(post: (message: SlotsMessage) => void): Slots {
  const known = new Map<string, Slot>()
  let page = new Float64Array(new SharedArrayBuffer(pageBytes))
  let shared = page.buffer
  let used = 0

  function allocate(metric: string, labels: Readonly<Record<string, string>>, size: number): Slot {
    const key = keyOf(metric, labels)
    const found = known.get(key)
    if (found !== undefined) return found
    if (size > pageLength) throw new RangeError(`${metric}: ${size} numbers do not fit in a page`)
    if (used + size > pageLength) {
      page = new Float64Array(new SharedArrayBuffer(pageBytes))
      shared = page.buffer
      used = 0
    }
    const slot = { page, at: used }
    used += size
    post({ kind: 'slots', metric, labels, page: shared, at: slot.at, size })
    known.set(key, slot)
    return slot
  }

  return {
    counter: (metric, labels) => allocate(metric, labels, 1),
    histogram: (metric, labels, buckets) => allocate(metric, labels, buckets + 2),
  }
}

/** One text per metric and label set, whatever the order of the labels. */
export function keyOf(metric: string, labels: Readonly<Record<string, string>>): string {
  const entries = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
  return `${metric}${JSON.stringify(entries)}`
}
