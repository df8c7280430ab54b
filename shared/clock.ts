// Where time comes from. Tests pass a manual clock, so nothing in the product waits for real time there.

/** A source of time and timers. All times are milliseconds. */
export interface Clock {
  /** Monotonic time in ms: for deadlines and durations. */
  now(): number
  /** Wall clock in ms since the epoch: for logs and leases. */
  wallNow(): number
  /** Calls `run` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, run: () => void): () => void
  /** Calls `run` every `intervalMs`; the returned function stops it. */
  every(intervalMs: number, run: () => void): () => void
}

/** The machine's own clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
  every(intervalMs, run) {
    const timer = setInterval(run, intervalMs)
    timer.unref()
    return () => clearInterval(timer)
  },
}
