// How fast may we ask? A token bucket: `burst` at once, then `perSecond`, first come first served.
import type { Clock } from '../../shared/clock.ts'

/** Rate and burst of one family of operations. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** Hands out permissions to call; nobody overtakes. */
export class TokenBucket {
  readonly #clock: Clock
  readonly #rate: Rate
  readonly #waiting: (() => void)[] = []
  #tokens: number
  #filledAtMs: number
  #isTimerSet = false

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock
    this.#rate = rate
    this.#tokens = rate.burst
    this.#filledAtMs = clock.now()
  }

  /** Resolves when the caller may go. */
  take(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#serve()
    })
  }

  #serve(): void {
    const now = this.#clock.now()
    const { perSecond, burst } = this.#rate
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAtMs) * perSecond) / 1000)
    this.#filledAtMs = now
    // A hair below one counts as one: a timer that fires on time must not find 0.999….
    while (this.#waiting.length > 0 && this.#tokens > 1 - 1e-6) {
      this.#tokens -= 1
      this.#waiting.shift()?.()
    }
    if (this.#waiting.length === 0 || this.#isTimerSet) return
    this.#isTimerSet = true
    this.#clock.after(Math.max(1, ((1 - this.#tokens) * 1000) / perSecond), () => {
      this.#isTimerSet = false
      this.#serve()
    })
  }
}
