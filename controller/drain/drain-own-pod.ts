// The end of our own pod, proxy and load balancer as one:
//
//   SIGTERM or deletionTimestamp
//     └─► deregister our target (at once; held while no other target is healthy)
//           └─► tell the proxy to drain: health 503, `Connection: close`
//                 └─► poll our target until the load balancer has let go, at least and at most so long by its type
//                       └─► tell the proxy: released
//
// Bounded by the grace period in every step; AWS or the proxy being unreachable delays nothing beyond its bound.
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
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
const observeWithinMs = 500

/** Runs the whole choreography once; resolves when the proxy was released or time is up. */
export async function drainOwnPod(reason: string, options: DrainOptions): Promise<void> {
  const { clock, log, control, targets, deadlineMs } = options
  const startMs = clock.now()
  const step = (name: DrainStep): void => {
    const elapsedMs = clock.now() - startMs
    log.info({ reason, step: name, elapsedMs }, 'drains its own pod')
    options.onStep?.(name, elapsedMs)
  }
  const deregistering = Promise.all(targets.map((entry) => deregister(entry, options)))
  const deregistered = await deregistering
  step('deregistered')
  const boundSeconds = Math.max(0, Math.ceil((deadlineMs() - clock.now()) / 1000))
  if (control !== undefined) {
    const isDraining = await insist(() => control.drain(reason, boundSeconds), options)
    if (isDraining) step('draining')
    else log.error({ reason }, 'the proxy cannot be told to drain: its own --drain-seconds rules')
  }
  await Promise.all(
    targets.map((entry, at) => waitUntilLetGo(entry, deregistered[at] ?? startMs, options)),
  )
  step('let-go')
  if (control !== undefined && (await insist(() => control.released(), options))) step('released')
}

/** Deregisters our target; resolves with the moment from which letting go counts. */
async function deregister(
  entry: DrainOptions['targets'][number],
  options: DrainOptions,
): Promise<number> {
  const { clock, elbv2, log } = options
  const { group, target } = entry
  let isTold = false
  let waitMs = pollMs
  let own = await lookAtOwn(entry, options)
  while (!own.mayGo && clock.now() < lastMoment(group, options)) {
    if (!isTold) {
      log.warn(
        { group: group.name, target: target.id },
        'stays registered: no other target is healthy; waits for one as long as the grace period allows',
      )
      isTold = true
    }
    await pause(clock, waitMs)
    // A whole fleet that ends at once must not ask AWS hundreds of times a second.
    waitMs = Math.min(waitMs * 1.5, slowestPollMs)
    own = await lookAtOwn(entry, options)
  }
  // Without an answer the proxy goes on all the same: its failing health check takes the target out as well.
  const done = elbv2.deregister(group.arn, [own.target]).then(
    () => log.info({ group: group.name, target: target.id }, 'deregistered its own target'),
    (error: unknown) => log.error({ group: group.name, error }, 'cannot deregister its own target'),
  )
  await Promise.race([done, pause(clock, pollMs)])
  return clock.now()
}

/**
 * Tells whether the group serves without us (yes when AWS does not answer quickly), and our target as AWS knows it:
 * outside the VPC its zone has to be repeated.
 */
async function lookAtOwn(
  { group, target }: DrainOptions['targets'][number],
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

async function waitUntilLetGo(
  { group, target }: DrainOptions['targets'][number],
  sinceMs: number,
  options: DrainOptions,
): Promise<void> {
  const { clock, elbv2, deadlineMs } = options
  const { leastMs, mostMs } = timesOf(group, options)
  let isGone = false
  for (;;) {
    const elapsedMs = clock.now() - sinceMs
    if (elapsedMs >= mostMs || clock.now() >= deadlineMs() - finishMs) return
    if (isGone && elapsedMs >= leastMs) return
    if (!isGone) {
      const asked = elbv2.targetHealth(group.arn, [target]).catch(() => undefined)
      const [own] = (await Promise.race([asked, pause(clock, pollMs)])) ?? []
      isGone = own !== undefined && own.state === 'unused' && own.reason === 'Target.NotRegistered'
      // Still in: the call was lost or throttled away. It is asked for again, and not waited for.
      if (own !== undefined && isPresent(own)) {
        const { zone } = own
        const known = zone === undefined ? target : { ...target, zone }
        void elbv2.deregister(group.arn, [known]).catch(() => undefined)
      }
    }
    // Long waits are asked about less often.
    await pause(
      clock,
      Math.min(slowestPollMs, Math.max(50, leastMs / 20, Math.min(pollMs, leastMs))),
    )
  }
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
