// Where a worker's slots come from: pages of shared memory, filled from the front, holes first; a page without slots goes.
// Invariant: a slot is announced before it is handed out, so nothing is ever counted that a scrape cannot see.
import type { Slot, Slots, SlotsMessage } from './slots.ts'

const pageBytes = 64 * 1024
const pageLength = pageBytes / Float64Array.BYTES_PER_ELEMENT

interface Allocation extends Slot {
  readonly owner: Page
  readonly size: number
}

/** Makes the slots of one thread; `post` tells the control thread about each new one. */
export function createSlots(post: (message: SlotsMessage) => void): Slots {
  const known = new Map<string, Allocation>()
  const pages: Page[] = []

  function allocate(metric: string, labels: Readonly<Record<string, string>>, size: number): Slot {
    const key = keyOf(metric, labels)
    const found = known.get(key)
    if (found !== undefined) return found
    if (size > pageLength) throw new RangeError(`${metric}: ${size} numbers do not fit in a page`)
    const slot = take(size)
    post({ kind: 'slots', metric, labels, page: slot.owner.shared, at: slot.at, size })
    known.set(key, slot)
    return slot
  }

  // Some 80 pages at 16,000 routes, and only a series' first request comes here.
  function take(size: number): Allocation {
    for (const owner of pages) {
      const at = owner.take(size)
      if (at !== undefined) return { owner, page: owner.numbers, at, size }
    }
    const owner = new Page()
    pages.push(owner)
    return { owner, page: owner.numbers, at: owner.take(size) ?? 0, size }
  }

  return {
    counter: (metric, labels) => allocate(metric, labels, 1),
    histogram: (metric, labels, buckets) => allocate(metric, labels, buckets + 2),
    release(metric, labels) {
      const key = keyOf(metric, labels)
      const slot = known.get(key)
      if (slot === undefined) return
      known.delete(key)
      slot.owner.give(slot.at, slot.size)
      if (slot.owner.isEmpty) pages.splice(pages.indexOf(slot.owner), 1)
    },
  }
}

/** One piece of shared memory and which of its numbers are free. */
class Page {
  readonly numbers = new Float64Array(new SharedArrayBuffer(pageBytes))
  readonly shared = this.numbers.buffer
  /** Holes by their size: slots come in few sizes, so a hole is filled by one of its own. */
  readonly #holes = new Map<number, number[]>()
  #used = 0
  #slots = 0

  take(size: number): number | undefined {
    const hole = this.#holes.get(size)?.pop()
    if (hole === undefined && this.#used + size > pageLength) return undefined
    this.#slots += 1
    if (hole !== undefined) return hole
    this.#used += size
    return this.#used - size
  }

  give(at: number, size: number): void {
    this.numbers.fill(0, at, at + size)
    this.#slots -= 1
    const holes = this.#holes.get(size)
    if (holes === undefined) this.#holes.set(size, [at])
    else holes.push(at)
  }

  get isEmpty(): boolean {
    return this.#slots === 0
  }
}

/** One text per metric and label set, whatever the order of the labels. */
export function keyOf(metric: string, labels: Readonly<Record<string, string>>): string {
  const entries = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
  return `${metric}${JSON.stringify(entries)}`
}
