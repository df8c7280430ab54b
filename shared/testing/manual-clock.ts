// A clock for tests that only moves when the test says so.
import type { Clock } from '../clock.ts'

interface Timer {
  at: number
  readonly everyMs: number
  readonly run: () => void
}

/** A Clock whose time moves by `advance` only; timers due on the way run in order. */
export class ManualClock implements Clock {
  #now = 0
  readonly #wallStart: number
  readonly #timers = new Set<Timer>()

  constructor(wallStart = Date.UTC(2026, 0, 1)) {
    this.#wallStart = wallStart
  }

  now(): number {
    return this.#now
  }

  wallNow(): number {
    return this.#wallStart + this.#now
  }

  after(delayMs: number, run: () => void): () => void {
    return this.#add({ at: this.#now + delayMs, everyMs: 0, run })
  }

  every(intervalMs: number, run: () => void): () => void {
    return this.#add({ at: this.#now + intervalMs, everyMs: intervalMs, run })
  }

  /** Moves time forward by `ms`, running each timer that falls due at its own moment. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let due = this.#next(end); due !== undefined; due = this.#next(end)) {
      this.#now = due.at
      if (due.everyMs > 0) due.at += due.everyMs
      else this.#timers.delete(due)
      due.run()
    }
    this.#now = end
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  #next(end: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at <= end && (first === undefined || timer.at < first.at)) first = timer
    }
    return first
  }
}
