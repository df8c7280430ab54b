// May a failed attempt be made again? (reliability: an upstream must never see a side effect twice)
//
//   what happened                                    | condition         | again, elsewhere
//   connection refused or timed out: nothing was sent| connect-failure   | any method
//   refused before it was processed (HTTP/2)         | refused           | any method
//   a kept connection closed before any response     | always            | idempotent methods (RFC 9110 §9.2.2)
//   a new connection closed before any response      | reset             | idempotent methods, or all if the route says so
//   no response head in time                         | timeout           | idempotent methods, or all if the route says so
//   what came is no response head                    | malformed         | idempotent methods, or all if the route says so
//   a response with one of the route's statuses      | statuses          | idempotent methods, or all if the route says so
//   the body is gone, a byte of a response was seen  |                   | never (but for malformed)
//
// A route without rules of its own has connect-failure and refused.
import type { RetryCondition, RetryRules } from '../../shared/routing/backend.ts'
import type { FailureCode } from '../../shared/routing/failure.ts'

/** What is known about an attempt that failed. */
export interface FailedAttempt {
  readonly code: FailureCode
  readonly method: string
  /** Bytes of the request's body were sent and are not kept, or it has one that was asked for. */
  readonly isBodyConsumed: boolean
  /** It was on a connection that had served another request before. */
  readonly isConnectionReused: boolean
  /** The upstream said that it did not process the request (RFC 9113 §8.7). */
  readonly isRefused?: boolean
  readonly hasAnswered: boolean
  /** Retries made for this request so far. */
  readonly retries: number
  /** Since the first attempt, in ms. */
  readonly elapsedMs: number
}

/** An attempt that was answered with a status that the route may not want. */
export type AnsweredAttempt = Pick<
  FailedAttempt,
  'method' | 'isBodyConsumed' | 'retries' | 'elapsedMs'
> & {
  readonly status: number
}

const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

const defaultRules: RetryRules = {
  on: ['connect-failure', 'refused'],
  statuses: [],
  allMethods: false,
}

/** Decides whether the table above allows one more attempt, budget aside. `maxRetries` is for rules that set none. */
export function mayRetry(
  attempt: FailedAttempt,
  maxRetries: number,
  rules: RetryRules = defaultRules,
): boolean {
  if (isSpent(attempt, maxRetries, rules) || attempt.isBodyConsumed) return false
  const condition = conditionOf(attempt)
  if (condition === undefined || (attempt.hasAnswered && condition !== 'malformed')) return false
  if (condition === 'stale') return idempotent.has(attempt.method)
  if (!rules.on.includes(condition)) return false
  const isUnsent = condition === 'connect-failure' || condition === 'refused'
  return isUnsent || mayRepeat(attempt.method, rules)
}

/** Decides whether a response is thrown away for one more attempt, budget aside. */
export function mayRetryStatus(
  attempt: AnsweredAttempt,
  maxRetries: number,
  rules: RetryRules,
): boolean {
  const { status, method } = attempt
  if (isSpent(attempt, maxRetries, rules) || attempt.isBodyConsumed) return false
  return (
    mayRepeat(method, rules) && rules.statuses.some((it) => status >= it.from && status <= it.to)
  )
}

/** There were attempts enough, or they took their time. */
function isSpent(
  { retries, elapsedMs }: Pick<FailedAttempt, 'retries' | 'elapsedMs'>,
  maxRetries: number,
  rules: RetryRules,
): boolean {
  const { withinMs = 0 } = rules
  return retries >= (rules.maxRetries ?? maxRetries) || (withinMs > 0 && elapsedMs > withinMs)
}

function mayRepeat(method: string, rules: RetryRules): boolean {
  return rules.allMethods || idempotent.has(method)
}

function conditionOf(attempt: FailedAttempt): RetryCondition | 'stale' | undefined {
  const { code, isConnectionReused, isRefused = false } = attempt
  if (code === 'connect-failed' || code === 'connect-timeout') return 'connect-failure'
  // What an endpoint does not speak its like do not speak either.
  if (code === 'protocol-unsupported') return undefined
  if (isRefused) return 'refused'
  if (code === 'upstream-reset') return isConnectionReused ? 'stale' : 'reset'
  if (code === 'upstream-malformed') return 'malformed'
  return code === 'response-timeout' ? 'timeout' : undefined
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
