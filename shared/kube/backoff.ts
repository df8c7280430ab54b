// How long to wait before the next try: doubling, with jitter so that many proxies do not come back in step.

/** Gives growing delays until it is reset. */
export interface Backoff {
  /** The delay before the next try, in ms. */
  next(): number
  reset(): void
}

export interface BackoffOptions {
  readonly minMs: number
  readonly maxMs: number
  readonly random: () => number
}

export function createBackoff({ minMs, maxMs, random }: BackoffOptions): Backoff {
  let baseMs = minMs
  return {
    next() {
      const delayMs = Math.min(maxMs, baseMs * (1 + random()))
      baseMs = Math.min(maxMs, baseMs * 2)
      return delayMs
    },
    reset() {
      baseMs = minMs
    },
  }
}
