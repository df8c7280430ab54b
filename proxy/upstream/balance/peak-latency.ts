// How slow is an endpoint, as far as its answers tell? A moving average that follows a rise at once and a fall slowly
// ("peak EWMA", as Finagle has it).
//
// Invariant: an endpoint that nobody asks is forgiven with time: its average falls to 0 as if it answered at once.

// The past loses two thirds of its weight in this time (ms).
const decayMs = 10_000
// What a failure counts at least (ms): an endpoint that refuses at once must not look fast.
const failureMs = 1000
// What the first request to an unknown endpoint costs the others (ms): one finds out, not all.
const unknownMs = 60_000

/** The average latency of one endpoint. */
export class PeakLatency {
  #averageMs = 0
  #at = 0
  #isKnown = false

  /** Notes that an answer took `ms`. `now` may be coarse. */
  observe(ms: number, now: number): void {
    const weight = this.#weight(now)
    const isPeak = !this.#isKnown || ms > this.#averageMs
    this.#averageMs = isPeak ? ms : this.#averageMs * weight + ms * (1 - weight)
    this.#at = now
    this.#isKnown = true
  }

  /** Notes an attempt that failed after `ms`. */
  observeFailure(ms: number, now: number): void {
    this.observe(Math.max(ms, failureMs), now)
  }

  /** What one more request beside `active` others is expected to cost. */
  cost(active: number, now: number): number {
    if (!this.#isKnown) return active === 0 ? 0 : unknownMs * active
    return this.#averageMs * this.#weight(now) * (active + 1)
  }

  #weight(now: number): number {
    return Math.exp(-Math.max(0, now - this.#at) / decayMs)
  }
}
