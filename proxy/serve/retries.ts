// How often was a request tried, where, and may it be tried again? The table is in upstream/retry.ts; here is what it is asked with.
//
// Invariant: each retry is paid for from the worker's budget, and no endpoint is tried twice unless its connection was stale.
import type { RetryRules } from '../../shared/routing/backend.ts'
import type { UpstreamFailure } from '../http/stream.ts'
import { add } from '../observe/slots.ts'
import type { EndpointPool } from '../upstream/endpoint-pool.ts'
import { mayRetry, mayRetryStatus } from '../upstream/retry.ts'
import type { WorkerState } from './worker-state.ts'

/** The tries of one request at a time. */
export class Retries {
  readonly #worker: WorkerState
  /** Endpoints that failed this request. */
  readonly tried: EndpointPool[] = []
  /** Retries made so far. */
  count = 0
  #beganAt = 0
  /** Bytes of the body were sent and are not kept. */
  isBodyConsumed = false

  constructor(worker: WorkerState) {
    this.#worker = worker
  }

  /** Starts over for the next request. */
  begin(): void {
    // To empty an empty list costs more than to ask.
    if (this.tried.length > 0) this.tried.length = 0
    this.count = 0
    this.isBodyConsumed = false
    this.#beganAt = this.#worker.time.now
  }

  get #elapsedMs(): number {
    return this.#worker.time.now - this.#beganAt
  }

  /** Decides about a failed try at `pool`, the budget aside. */
  mayFollowFailure(
    { code, sent, hasAnswered }: UpstreamFailure,
    method: string,
    pool: EndpointPool,
    rules: RetryRules | undefined,
  ): boolean {
    const isStale = sent === 'to-stale-connection'
    if (!isStale) this.tried.push(pool)
    const attempt = {
      code,
      method,
      isBodyConsumed: this.isBodyConsumed,
      isConnectionReused: isStale,
      isRefused: sent === 'nothing' || sent === 'refused',
      hasAnswered,
      retries: this.count,
      elapsedMs: this.#elapsedMs,
    }
    return mayRetry(attempt, this.#worker.limits.maxRetries, rules)
  }

  /** Decides whether a response of `pool` is thrown away, the budget aside. */
  mayFollowStatus(status: number, method: string, pool: EndpointPool, rules: RetryRules): boolean {
    const { isBodyConsumed, count: retries } = this
    const answered = { status, method, isBodyConsumed, retries, elapsedMs: this.#elapsedMs }
    if (!mayRetryStatus(answered, this.#worker.limits.maxRetries, rules)) return false
    this.tried.push(pool)
    return true
  }

  /** Pays for one more try; false when the budget has none left. */
  spend(): boolean {
    const { retryBudget, recorder } = this.#worker
    const isPaid = retryBudget.spend()
    add(isPaid ? recorder.retries : recorder.retriesRefused, 1)
    if (isPaid) this.count += 1
    return isPaid
  }
}
