// The end of our own pod, proxy and load balancer as one:
//
//   SIGTERM or deletionTimestamp
//     └─► deregister our target (at once; held while no other target is healthy: the proxy is told to hold as well)
//           └─► tell the proxy to drain: health 503, `Connection: close`
//                 └─► poll our target until the load balancer has let go, at least and at most so long by its type,
//                     counted from when AWS has taken the deregistration
//                       └─► tell the proxy: released
//
// Bounded by the grace period in every step; AWS or the proxy being unreachable delays nothing beyond its bound.
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import { AwsFailure } from '../aws/aws-failure.ts'
import type { Elbv2, TargetId } from '../aws/elbv2.ts'
import { isServing } from '../targets/guard.ts'
import { isPresent } from '../targets/plan-targets.ts'
import { targetKey } from '../targets/target-key.ts'
import type { GroupFacts, TargetKey } from '../world.ts'
import type { ProxyControl } from './control-client.ts'

/** How long letting go takes after deregistration, in ms. */
export interface LetGoTimes {
  readonly leastMs: number
  readonly mostMs: number
}

// An ALB stops within seconds, yet its users see stragglers for up to 25 s (aws-load-balancer-controller #1064).
// An NLB keeps sending new connections for up to two minutes whatever it says (#2366).
const letGoByBalancer: Readonly<Record<GroupFacts['balancer'], LetGoTimes>> = {
  application: { leastMs: 10_000, mostMs: 30_000 },
  network: { leastMs: 120_000, mostMs: 150_000 },
}

export interface DrainOptions {
  readonly clock: Clock
  readonly elbv2: Elbv2
  readonly log: Log
  readonly control: ProxyControl | undefined
  /** Our own target in each group. */
  readonly targets: readonly { readonly group: GroupFacts; readonly target: TargetId }[]
  /** Other targets that will not stay: their pods are terminating as well. */
  readonly departing: () => Promise<ReadonlySet<TargetKey>>
  readonly minTargets: number
  /** Monotonic ms when the pod is killed; asked again each time, since it may become known late. */
  readonly deadlineMs: () => number
  /** Waits this long for AWS to take the deregistration; what is left of the grace period is for requests in flight. */
  readonly drainMs: number
  /** Replaces the times by type. */
  readonly letGo: LetGoTimes | undefined
  readonly onStep?: (step: DrainStep, elapsedMs: number) => void
}

/** The steps as logs and metrics name them. */
export type DrainStep = 'deregistered' | 'draining' | 'let-go' | 'released'

const pollMs = 1_000
const slowestPollMs = 5_000
// What the proxy needs after `released` to finish what is in flight.
const finishMs = 5_000
// A deregistration would not be quicker than this answer, and without it the last healthy target might go.
const observeWithinMs = 1_500

/** Runs the whole choreography once; resolves when the proxy was released or time is up. */
export async function drainOwnPod(reason: string, options: DrainOptions): Promise<void> {
  const { clock, log, control, targets } = options
  const startMs = clock.now()
  const step = (name: DrainStep): void => {
    const elapsedMs = clock.now() - startMs
    log.info({ reason, step: name, elapsedMs }, 'drains its own pod')
    options.onStep?.(name, elapsedMs)
  }
  const departures = targets.map((entry) => new Departure(entry, options))
  await Promise.all(departures.map((departure) => departure.begin()))
  step('deregistered')
  if (control !== undefined) {
    const mostMs = Math.max(...departures.map((departure) => departure.mostMs), 0)
    const most = Math.ceil((mostMs + finishMs) / 1000)
    const isDraining = await insist(
      () => control.drain(reason, Math.min(most, boundSeconds(options))),
      options,
    )
    if (isDraining) step('draining')
    else log.error({ reason }, 'the proxy cannot be told to drain: its own --drain-seconds rules')
  }
  await Promise.all(departures.map((departure) => departure.whenLetGo()))
  step('let-go')
  if (control !== undefined && (await insist(() => control.released(), options))) step('released')
}

/** One target on its way out of one group. */
class Departure {
  readonly #group: GroupFacts
  readonly #options: DrainOptions
  #target: TargetId
  /** Monotonic ms when AWS took the deregistration: from then on letting go counts. */
  #takenAtMs: number | undefined
  #isAsking = false

  constructor({ group, target }: DrainOptions['targets'][number], options: DrainOptions) {
    this.#group = group
    this.#target = target
    this.#options = options
  }

  /** The longest that `whenLetGo` takes. */
  get mostMs(): number {
    return Math.max(timesOf(this.#group, this.#options).mostMs, this.#options.drainMs)
  }

  /** Asks AWS to deregister as soon as the group serves without us; resolves when it has, or did not answer quickly. */
  async begin(): Promise<void> {
    const { clock, control, log } = this.#options
    let isTold = false
    let waitMs = pollMs
    let own = await lookAtOwn(this.#group, this.#target, this.#options)
    while (!own.mayGo && clock.now() < lastMoment(this.#group, this.#options)) {
      if (!isTold) {
        log.warn(
          { group: this.#group.name, target: this.#target.id },
          'stays registered: no other target is healthy; waits for one as long as the grace period allows',
        )
        isTold = true
      }
      // Beside the poll: a proxy that hangs must not delay the deregistration.
      void control?.hold(boundSeconds(this.#options))
      await pause(clock, waitMs)
      // A whole fleet that ends at once must not ask AWS hundreds of times a second.
      waitMs = Math.min(waitMs * 1.5, slowestPollMs)
      own = await lookAtOwn(this.#group, this.#target, this.#options)
    }
    this.#target = own.target
    // Without an answer the proxy goes on all the same: its failing health check takes the target out as well.
    await Promise.race([this.#deregister(), pause(clock, pollMs)])
  }

  /** Resolves when the load balancer sends nothing more, as far as AWS and the time by its type can tell. */
  async whenLetGo(): Promise<void> {
    const { clock, deadlineMs } = this.#options
    const { leastMs, mostMs } = timesOf(this.#group, this.#options)
    // Long waits are asked about less often.
    const everyMs = Math.min(slowestPollMs, Math.max(50, leastMs / 20, Math.min(pollMs, leastMs)))
    const startMs = clock.now()
    let isGone = false
    while (clock.now() < Math.min(deadlineMs() - finishMs, startMs + this.mostMs)) {
      const elapsedMs = this.#takenAtMs === undefined ? 0 : clock.now() - this.#takenAtMs
      if (elapsedMs >= mostMs || (isGone && elapsedMs >= leastMs)) return
      if (!isGone) isGone = await this.#look()
      await pause(clock, everyMs)
    }
  }

  /** Tells whether AWS has forgotten our target; asks again to deregister where the call was lost or throttled away. */
  async #look(): Promise<boolean> {
    const { clock, elbv2 } = this.#options
    const asked = elbv2.targetHealth(this.#group.arn, [this.#target]).catch(() => undefined)
    const [own] = (await Promise.race([asked, pause(clock, pollMs)])) ?? []
    if (own !== undefined && isPresent(own)) {
      const { zone } = own
      if (zone !== undefined) this.#target = { ...this.#target, zone }
      void this.#deregister()
    } else if (this.#takenAtMs === undefined) void this.#deregister()
    if (own?.state !== 'unused' || own.reason !== 'Target.NotRegistered') return false
    this.#takenAtMs ??= clock.now()
    return true
  }

  async #deregister(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    const { clock, elbv2, log } = this.#options
    const about = { group: this.#group.name, target: this.#target.id }
    try {
      await elbv2.deregister(this.#group.arn, [this.#target])
      if (this.#takenAtMs === undefined) log.info(about, 'deregistered its own target')
      this.#takenAtMs ??= clock.now()
    } catch (error) {
      log.error({ ...about, error }, 'cannot deregister its own target')
      // A group that is gone or forbidden does not come back for us: the time by type runs from here.
      const isPassing =
        error instanceof AwsFailure && (error.code === 'throttled' || error.code === 'unavailable')
      if (!isPassing) this.#takenAtMs ??= clock.now()
    }
    this.#isAsking = false
  }
}

/** What is left of the grace period, less what the proxy needs to finish. */
function boundSeconds({ clock, deadlineMs }: DrainOptions): number {
  return Math.max(0, Math.ceil((deadlineMs() - finishMs - clock.now()) / 1000))
}

/**
 * Tells whether the group serves without us (yes when AWS does not answer quickly), and our target as AWS knows it:
 * outside the VPC its zone has to be repeated.
 */
async function lookAtOwn(
  group: GroupFacts,
  target: TargetId,
  { clock, elbv2, departing, minTargets }: DrainOptions,
): Promise<{ readonly mayGo: boolean; readonly target: TargetId }> {
  const own = targetKey(target.id, target.port)
  const seen = await Promise.race([
    Promise.all([elbv2.targetHealth(group.arn), departing()]).catch(() => undefined),
    pause(clock, observeWithinMs),
  ])
  if (seen === undefined) return { mayGo: true, target }
  const [observed, leaving] = seen
  const mine = observed.find((candidate) => candidate.key === own)
  if (mine === undefined) return { mayGo: true, target }
  const known = mine.zone === undefined ? target : { ...target, zone: mine.zone }
  const others = observed.filter(
    (other) => other.key !== own && isServing(other) && !leaving.has(other.key),
  )
  const isNeeded = isPresent(mine) && isServing(mine) && others.length < minTargets
  return { mayGo: !isNeeded, target: known }
}

/** Until when our target may stay registered, so that letting go still fits into the grace period. */
function lastMoment(group: GroupFacts, options: DrainOptions): number {
  return options.deadlineMs() - timesOf(group, options).leastMs - finishMs
}

function timesOf(group: GroupFacts, { letGo }: DrainOptions): LetGoTimes {
  return letGo ?? letGoByBalancer[group.balancer]
}

/** Repeats a message to the proxy until it is taken or time is up. */
async function insist(
  send: () => Promise<boolean>,
  { clock, deadlineMs }: DrainOptions,
): Promise<boolean> {
  for (let attempt = 0; attempt < 5; attempt++) {
    if (await send()) return true
    if (clock.now() >= deadlineMs()) return false
    await pause(clock, 200)
  }
  return false
}

function pause(clock: Clock, ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    clock.after(ms, () => resolve(undefined))
  })
}
