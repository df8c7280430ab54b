// How do all workers of a process count one budget per key? A table of fixed size in shared memory, without a lock.
//
//   header (the secret key of the hash) | tags: Int32 × cells | arrivals: BigInt64 × cells
//   key ─► hash ─► bucket of 8 neighbouring cells, and a tag that says which of them is the key's
//
// A budget is one number, its theoretical arrival time (GCRA: the virtual scheduling of ITU-T I.371): each take moves it one
// interval ahead, time catches up with it. A cell whose arrival is in the past has refilled and equals an empty one.
//
// Invariant: nobody can spend another's budget on purpose. Two keys share a cell only when their bucket and their 32-bit tag
// are equal, under a hash whose key is random per process: with 2^17 cells one pair of keys in 2^46.
// Invariant: a full table forgives and never denies. A new key takes the cell of its bucket that has refilled, or will first;
// whoever had that cell begins anew with a full budget.
// Invariant: a worker that crashes halfway leaves at most one take uncounted, and nothing locked.
import { randomFillSync } from 'node:crypto'
import { createKeyedHash, type KeyedHash } from './keyed-hash.ts'

/** Budgets that all threads with the same memory share. */
export interface CounterTable {
  /**
   * Takes one from the budget of `key`, which refills by one each `intervalMs` (to whole µs) up to `burst`.
   * Returns 0 when it was there, else the ms until it will be: then nothing was taken.
   */
  take(key: string, intervalMs: number, burst: number): number
}

/** What a thread needs to take part. */
export interface CounterTableOptions {
  readonly memory: SharedArrayBuffer
  /** Time in µs, the same in all threads; must not go back. */
  readonly nowMicros: () => number
}

// A bucket's tags are 32 bytes: half a cache line.
const bucketCells = 8
const headerBytes = 8
// Each try fails only when another thread succeeded in the same bucket at the same moment.
const maxTries = 16

/** Makes the memory for `cells` keys at a time, a power of two ≥ 8: 12 bytes each, taken from the system when first used. */
export function createCounterMemory(cells = 2 ** 17): SharedArrayBuffer {
  if (cells < bucketCells || (cells & (cells - 1)) !== 0) {
    throw new RangeError(`${cells} cells are no power of two from ${bucketCells} up`)
  }
  const memory = new SharedArrayBuffer(headerBytes + 12 * cells)
  new Int32Array(memory, 0, 2).set(randomFillSync(new Int32Array(2)))
  return memory
}

/** Opens the table in `memory` for this thread. */
export function openCounterTable({ memory, nowMicros }: CounterTableOptions): CounterTable {
  return new SharedTable(memory, nowMicros)
}

class SharedTable implements CounterTable {
  readonly #tags: Int32Array
  readonly #arrivals: BigInt64Array
  readonly #firstMask: number
  readonly #hash: KeyedHash
  readonly #nowMicros: () => number

  constructor(memory: SharedArrayBuffer, nowMicros: () => number) {
    const cells = (memory.byteLength - headerBytes) / 12
    const [key0 = 0, key1 = 0] = new Int32Array(memory, 0, 2)
    this.#hash = createKeyedHash(key0, key1)
    this.#tags = new Int32Array(memory, headerBytes, cells)
    this.#arrivals = new BigInt64Array(memory, headerBytes + 4 * cells, cells)
    // The first cell of a bucket: a multiple of its size.
    this.#firstMask = (cells - 1) & ~(bucketCells - 1)
    this.#nowMicros = nowMicros
  }

  take(key: string, intervalMs: number, burst: number): number {
    this.#hash.hash(key)
    const first = this.#hash.low & this.#firstMask
    // 0 is the tag of a cell that was never used.
    const tag = this.#hash.high === 0 ? 1 : this.#hash.high
    const interval = Math.max(1, Math.round(intervalMs * 1000))
    const now = Math.floor(this.#nowMicros())
    for (let tries = 0; tries < maxTries; tries += 1) {
      const cell = this.#find(first, tag) ?? this.#claim(first, tag, now)
      const waitMicros = cell === undefined ? undefined : this.#spend(cell, now, interval, burst)
      if (waitMicros !== undefined) return waitMicros / 1000
    }
    // Others were faster each time: this one take goes uncounted, which harms nobody.
    return 0
  }

  #find(first: number, tag: number): number | undefined {
    for (let cell = first; cell < first + bucketCells; cell += 1) {
      if (Atomics.load(this.#tags, cell) === tag) return cell
    }
    return undefined
  }

  /** Takes over the cell that refills first; undefined when another thread was faster. */
  #claim(first: number, tag: number, now: number): number | undefined {
    let best = first
    let bestArrival = Atomics.load(this.#arrivals, first)
    for (let cell = first + 1; cell < first + bucketCells; cell += 1) {
      const arrival = Atomics.load(this.#arrivals, cell)
      if (arrival >= bestArrival) continue
      best = cell
      bestArrival = arrival
    }
    const before = Atomics.load(this.#tags, best)
    if (before === tag) return best
    if (Atomics.compareExchange(this.#tags, best, before, tag) !== before) return undefined
    // The debt stays with nobody. When it has changed meanwhile, somebody took one from the new budget: let it be.
    if (bestArrival > now) {
      Atomics.compareExchange(this.#arrivals, best, bestArrival, BigInt(now))
    }
    return best
  }

  /** µs to wait, 0 when one was taken, undefined when another thread was faster. */
  #spend(cell: number, now: number, interval: number, burst: number): number | undefined {
    const stored = Atomics.load(this.#arrivals, cell)
    const arrival = Math.max(Number(stored), now)
    const wait = arrival - now - (burst - 1) * interval
    if (wait > 0) return wait
    const next = BigInt(arrival + interval)
    return Atomics.compareExchange(this.#arrivals, cell, stored, next) === stored ? 0 : undefined
  }
}
