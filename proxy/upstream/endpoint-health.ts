// Does one endpoint serve, as seen by one worker? What its requests met, and what checks found when a route asks for them.
//
//   serving ──failures or 5xx in a row──► ejected for a while ──► serving, its share growing anew
//      └──────────checks fail─────────► unhealthy ──checks pass──┘
//
// Invariant: nothing here removes an endpoint: one that is out is only passed over while there is another.
import type { CoarseTime } from '../net/coarse-time.ts'

// Passive health (Envoy's outlier detection): so many failures in a row, then out for 10 s, longer each time.
const failuresToEject = 5
const ejectBaseMs = 10_000
const ejectMaxMs = 300_000
// What a new endpoint gets of its full share at first: nothing would keep it cold.
const firstShare = 0.1

/** The health of one endpoint. Times in ms. */
export class EndpointHealth {
  readonly #time: CoarseTime
  #failures = 0
  #serverErrors = 0
  #ejections = 0
  #ejectedUntil = 0
  #failedChecks = 0
  /** Since when it may take requests: first seen, or found healthy again. */
  #since: number

  constructor(time: CoarseTime) {
    this.#time = time
    this.#since = time.now
  }

  /** It failed so often in a row that other endpoints are preferred for a while. */
  get isEjected(): boolean {
    return this.#ejectedUntil > this.#time.now
  }

  /** A check found that it does not serve. */
  get isUnhealthy(): boolean {
    return this.#failedChecks > 0
  }

  /** Others are preferred, for whatever reason. */
  get isOut(): boolean {
    return this.#failedChecks > 0 || this.#ejectedUntil > this.#time.now
  }

  /** The share of a full endpoint's requests that it is ready for, from 0.1 to 1, when it warms up over `windowMs`. */
  share(windowMs: number): number {
    const age = this.#time.now - Math.max(this.#since, this.#ejectedUntil)
    if (age >= windowMs) return 1
    return firstShare + ((1 - firstShare) * Math.max(0, age)) / windowMs
  }

  /** Notes that it answered. */
  noteSuccess(): void {
    if (this.#failures + this.#ejections + this.#serverErrors === 0) return
    this.#failures = 0
    this.#ejections = 0
    this.#serverErrors = 0
  }

  /** Notes that it refused, reset or did not answer; `others` is how many more endpoints its upstream has. */
  noteFailure(others: number): void {
    this.#failures += 1
    if (this.#failures < failuresToEject || others === 0) return
    this.#failures = 0
    this.#eject(ejectBaseMs)
  }

  /**
   * Notes that it answered with 5xx, for a route that counts these: `limit` of them in a row eject it for `baseMs`, longer
   * each time, if `mayEject` allows that.
   */
  noteServerError(limit: number, baseMs: number, mayEject: () => boolean): void {
    this.#failures = 0
    this.#serverErrors += 1
    if (this.#serverErrors < limit || !mayEject()) return
    this.#serverErrors = 0
    this.#eject(baseMs)
  }

  /** Notes that one of the checks on it has begun to fail. */
  noteUnhealthy(): void {
    this.#failedChecks += 1
  }

  /** Notes that a check that failed passes again, or is over. */
  noteHealthy(): void {
    this.#failedChecks -= 1
    if (this.#failedChecks === 0) this.#since = this.#time.now
  }

  #eject(baseMs: number): void {
    this.#ejections += 1
    this.#ejectedUntil = this.#time.now + Math.min(baseMs * this.#ejections, ejectMaxMs)
  }
}
