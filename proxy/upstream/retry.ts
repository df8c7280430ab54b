// May a failed attempt be made again? (reliability: an upstream must never see a side effect twice)
//
//   what happened                                     | again, elsewhere
//   connection refused or timed out: nothing was sent | any method
//   a reused connection closed before any response    | once, idempotent methods without a body (RFC 9110 §9.2.2)
//   response timeout, any 5xx, a byte of response seen | never
import type { FailureCode } from '../../shared/routing/failure.ts'

/** What is known about an attempt that failed. */
export interface FailedAttempt {
  readonly code: FailureCode
  readonly method: string
  /** Bytes of the request's body were sent, or it has one that was asked for. */
  readonly isBodyConsumed: boolean
  readonly isConnectionReused: boolean
  readonly hasAnswered: boolean
  /** Retries made for this request so far. */
  readonly retries: number
}

const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** Decides whether the table above allows one more attempt, budget aside. */
export function mayRetry(attempt: FailedAttempt, maxRetries: number): boolean {
  if (attempt.retries >= maxRetries || attempt.isBodyConsumed || attempt.hasAnswered) return false
  if (attempt.code === 'connect-failed' || attempt.code === 'connect-timeout') return true
  const isStale = attempt.code === 'upstream-reset' && attempt.isConnectionReused
  return isStale && idempotent.has(attempt.method)
}

/** Keeps retries below a share of requests, so that a failing upstream is not buried under them. */
export class RetryBudget {
  readonly #perRequest: number
  // Enough for a burst (an endpoint that just went away) after a quiet time.
  readonly #max = 100
  #tokens = 100

  /** `percent` of requests may be retries. */
  constructor(percent: number) {
    this.#perRequest = percent / 100
  }

  /** Counts one request. */
  earn(): void {
    if (this.#tokens < this.#max) this.#tokens += this.#perRequest
  }

  /** Takes one retry out of the budget; false when there is none left. */
  spend(): boolean {
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
