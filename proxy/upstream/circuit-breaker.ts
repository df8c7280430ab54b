// May one more request be sent to an upstream, or is it better to fail at once?
//
//   closed ──failures in a row──► open ──openMs──► one request tries ──an answer──► closed
//                                  ▲                      └────────failure────────┐
//                                  └──────────────────────────────────────────────┘
//
// Invariant: nothing has to be given back: while it is open one request passes each `openMs`, whatever becomes of it.
import { isDeepStrictEqual } from 'node:util'
import type { CircuitBreaker } from '../../shared/routing/backend.ts'
import type { FailureCode } from '../../shared/routing/failure.ts'
import type { Cancel } from '../../shared/routing/filters/kind.ts'
import type { CoarseTime } from '../net/coarse-time.ts'
import type { EndpointPool } from './endpoint-pool.ts'
import type { LiveUpstream } from './live-upstream.ts'

const defaultOpenMs = 10_000

/** The breaker of one upstream in one worker, for the routes that ask for the same one. */
export class Breaker {
  readonly #time: CoarseTime
  readonly #maxRequests: number
  readonly #maxPending: number
  readonly #limit: number
  readonly #openMs: number
  readonly #recent: RecentFailures | undefined
  #failures = 0
  /** Undefined: closed. */
  #nextTry: number | undefined

  /** `workers` share the limits of the proxy equally. */
  constructor(rules: CircuitBreaker, workers: number, time: CoarseTime) {
    this.#time = time
    const shareOf = (count = Number.POSITIVE_INFINITY) => Math.ceil(count / workers)
    this.#maxRequests = shareOf(rules.maxRequests)
    this.#maxPending = shareOf(rules.maxPending)
    this.#limit = rules.consecutiveFailures ?? Number.POSITIVE_INFINITY
    this.#recent = rules.failureRate && new RecentFailures(rules.failureRate)
    this.#openMs = rules.openMs ?? defaultOpenMs
  }

  /** Lets one more request pass to the endpoints in `pools`, or says why not. */
  admit(pools: readonly EndpointPool[]): FailureCode | undefined {
    const isFull =
      this.#maxRequests !== Number.POSITIVE_INFINITY && activeIn(pools) >= this.#maxRequests
    if (isFull) return 'circuit-full'
    if (this.#nextTry === undefined) return undefined
    if (this.#nextTry > this.#time.now) return 'circuit-open'
    this.#nextTry = this.#time.now + this.#openMs
    return undefined
  }

  /** Tells whether one more connection may be opened. */
  mayOpen(pools: readonly EndpointPool[]): boolean {
    return this.#maxPending === Number.POSITIVE_INFINITY || pendingIn(pools) < this.#maxPending
  }

  /** Notes an answer that is no 5xx. */
  noteSuccess(): void {
    this.#failures = 0
    // The one that tried is the first of a new count.
    if (this.#nextTry !== undefined) this.#recent?.clear()
    this.#recent?.note(false)
    this.#nextTry = undefined
  }

  /** Notes an attempt without an answer, or with 5xx. */
  noteFailure(): void {
    this.#failures += 1
    const isFull = this.#recent?.note(true) === true
    if (isFull || this.#failures >= this.#limit || this.#nextTry !== undefined)
      this.#nextTry = this.#time.now + this.#openMs
  }

  /** Requests fail at once now. */
  get isOpen(): boolean {
    return this.#nextTry !== undefined && this.#nextTry > this.#time.now
  }
}

/** How many of the last requests failed. */
class RecentFailures {
  readonly #failed: Uint8Array
  readonly #limit: number
  #at = 0
  #count = 0

  constructor({ failures, window }: { readonly failures: number; readonly window: number }) {
    this.#failed = new Uint8Array(window)
    this.#limit = failures
  }

  /** Notes one more, and says whether there are too many now. */
  note(hasFailed: boolean): boolean {
    this.#count += (hasFailed ? 1 : 0) - (this.#failed[this.#at] ?? 0)
    this.#failed[this.#at] = hasFailed ? 1 : 0
    this.#at = (this.#at + 1) % this.#failed.length
    return this.#count >= this.#limit
  }

  clear(): void {
    this.#failed.fill(0)
    this.#count = 0
  }
}

/** All breakers of one worker. A breaker lives on when the routes that ask for it are built anew. */
export class Breakers {
  readonly #workers: number
  readonly #time: CoarseTime
  readonly #all = new Map<
    LiveUpstream,
    { rules: CircuitBreaker; breaker: Breaker; users: number }[]
  >()

  constructor(workers: number, time: CoarseTime) {
    this.#workers = workers
    this.#time = time
  }

  /** Gives the breaker of an upstream to one more route; equal rules share one. */
  use(upstream: LiveUpstream, rules: CircuitBreaker): { breaker: Breaker; end: Cancel } {
    const ofUpstream = this.#all.get(upstream) ?? []
    this.#all.set(upstream, ofUpstream)
    let entry = ofUpstream.find((other) => isDeepStrictEqual(other.rules, rules))
    if (entry === undefined) {
      entry = { rules, breaker: new Breaker(rules, this.#workers, this.#time), users: 0 }
      ofUpstream.push(entry)
    }
    entry.users += 1
    const used = entry
    const end = () => {
      used.users -= 1
      if (used.users > 0) return
      ofUpstream.splice(ofUpstream.indexOf(used), 1)
      if (ofUpstream.length === 0) this.#all.delete(upstream)
    }
    return { breaker: entry.breaker, end }
  }
}

function activeIn(pools: readonly EndpointPool[]): number {
  let active = 0
  for (const pool of pools) active += pool.active
  return active
}

function pendingIn(pools: readonly EndpointPool[]): number {
  let pending = 0
  for (const pool of pools) pending += pool.connecting
  return pending
}
