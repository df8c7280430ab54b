// Which endpoints answer their health checks? One worker asks every endpoint of the upstreams whose routes want it.
//
//   healthy ──`unhealthy` bad answers in a row──► unhealthy ──`healthy` good ones in a row──► healthy
//
// Invariant: an endpoint has at most one check of a kind under way, a worker at most `maxUnderWay` of all.
// Invariant: what a check found ends with it: nobody stays unhealthy when no route asks any more.
import { isDeepStrictEqual } from 'node:util'
import type { HealthCheck } from '../../shared/routing/backend.ts'
import type { CallRequest, CallResult, Cancel } from '../../shared/routing/filters/kind.ts'
import type { CoarseTime } from '../net/coarse-time.ts'
import type { EndpointPool } from './endpoint-pool.ts'
import type { LiveUpstream } from './live-upstream.ts'

/** Sends one request to one endpoint, through its pool; the result never comes before this returns. */
export type CallEndpoint = (
  pool: EndpointPool,
  request: CallRequest,
  onResult: (result: CallResult) => void,
) => Cancel

/** What checks are made with. */
export interface HealthCheckContext {
  readonly time: CoarseTime
  /** In [0, 1). */
  readonly random: () => number
  readonly call: CallEndpoint
}

const maxUnderWay = 64
// A health page is small; what is larger is no answer to this question.
const maxBodyBytes = 1_048_576
// Two checks are this share of the interval earlier or later than it, so that those of many proxies drift apart.
const jitter = 0.1

/** All health checks of one worker. */
export class HealthChecks {
  readonly #context: HealthCheckContext
  readonly #all: UpstreamChecks[] = []
  /** Who is asked first at the next tick: at the bound, others must not wait for ever. */
  #turn = 0

  constructor(context: HealthCheckContext) {
    this.#context = context
  }

  /** Checks the endpoints of `upstream` until the returned function is called; equal checks of one upstream are one. */
  start(upstream: LiveUpstream, check: HealthCheck): Cancel {
    const checks = this.#find(upstream, check)
    checks.users += 1
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      checks.users -= 1
      if (checks.users > 0) return
      checks.close()
      const at = this.#all.indexOf(checks)
      if (at !== -1) this.#all.splice(at, 1)
    }
  }

  #find(upstream: LiveUpstream, check: HealthCheck): UpstreamChecks {
    const known = this.#all.find((checks) => checks.isFor(upstream, check))
    if (known !== undefined) return known
    const checks = new UpstreamChecks(upstream, check, this.#context)
    this.#all.push(checks)
    return checks
  }

  /** Begins what is due. Called with each tick of the worker. */
  tick(): void {
    const all = this.#all
    if (all.length === 0) return
    let free = maxUnderWay
    for (const checks of all) free -= checks.underWay
    this.#turn = (this.#turn + 1) % all.length
    for (const checks of all.slice(this.#turn)) free -= checks.tick(free)
    for (const checks of all.slice(0, this.#turn)) free -= checks.tick(free)
  }

  /** Ends all checks: the worker ends. */
  close(): void {
    for (const checks of this.#all.splice(0)) checks.close()
  }
}

/** One endpoint as one kind of check sees it. */
interface Target {
  nextAt: number
  /** Answers in a row that speak against its state. */
  against: number
  isUnhealthy: boolean
  cancel: Cancel | undefined
}

/** One kind of check on the endpoints of one upstream. */
class UpstreamChecks {
  readonly #upstream: LiveUpstream
  readonly #check: HealthCheck
  readonly #context: HealthCheckContext
  readonly #targets = new Map<EndpointPool, Target>()
  #pools: readonly EndpointPool[] = []
  underWay = 0
  users = 0

  constructor(upstream: LiveUpstream, check: HealthCheck, context: HealthCheckContext) {
    this.#upstream = upstream
    this.#check = check
    this.#context = context
  }

  isFor(upstream: LiveUpstream, check: HealthCheck): boolean {
    return upstream === this.#upstream && isDeepStrictEqual(check, this.#check)
  }

  /** Begins what is due, at most `free` checks; returns how many. */
  tick(free: number): number {
    if (this.#upstream.pools !== this.#pools) this.#follow(this.#upstream.pools)
    const { now } = this.#context.time
    let begun = 0
    for (const [pool, target] of this.#targets) {
      if (begun >= free) break
      if (target.cancel !== undefined || target.nextAt > now) continue
      // To the end: whoever waits longest comes first.
      this.#targets.delete(pool)
      this.#targets.set(pool, target)
      this.#begin(pool, target, now)
      begun += 1
    }
    return begun
  }

  close(): void {
    this.#follow([])
  }

  #follow(pools: readonly EndpointPool[]): void {
    this.#pools = pools
    const { time, random } = this.#context
    const gone = new Set(this.#targets.keys())
    for (const pool of pools) {
      // Spread over the first interval: a new table must not ask everybody at once.
      const nextAt = time.now + random() * this.#check.intervalMs
      if (!gone.delete(pool) && !this.#targets.has(pool)) {
        this.#targets.set(pool, { nextAt, against: 0, isUnhealthy: false, cancel: undefined })
      }
    }
    for (const pool of gone) this.#forget(pool)
  }

  #forget(pool: EndpointPool): void {
    const target = this.#targets.get(pool)
    this.#targets.delete(pool)
    if (target?.cancel !== undefined) {
      this.underWay -= 1
      target.cancel()
    }
    if (target?.isUnhealthy === true) pool.health.noteHealthy()
  }

  #begin(pool: EndpointPool, target: Target, now: number): void {
    const { path, host, intervalMs, timeoutMs } = this.#check
    target.nextAt = now + intervalMs * (1 - jitter + 2 * jitter * this.#context.random())
    const request: CallRequest = {
      method: 'GET',
      target: path,
      authority: host ?? pool.name,
      fields: 'User-Agent: weir-health-check\r\n',
      timeoutMs,
      maxBodyBytes,
    }
    this.underWay += 1
    target.cancel = this.#context.call(pool, request, (result) => {
      target.cancel = undefined
      this.underWay -= 1
      this.#note(pool, target, this.#isGood(result))
    })
  }

  #isGood(result: CallResult): boolean {
    if ('failure' in result) return false
    return this.#check.statuses.some(({ from, to }) => result.status >= from && result.status <= to)
  }

  #note(pool: EndpointPool, target: Target, isGood: boolean): void {
    if (isGood !== target.isUnhealthy) {
      target.against = 0
      return
    }
    target.against += 1
    if (target.against < (isGood ? this.#check.healthy : this.#check.unhealthy)) return
    target.against = 0
    target.isUnhealthy = !isGood
    if (isGood) pool.health.noteHealthy()
    else pool.health.noteUnhealthy()
  }
}
