// May this target go now? The last line between a wrong list and an empty load balancer.
//
//   evidence against the target          needs
//   unhealthy in AWS too                 the wanted list is not empty
//   its pod is gone (404)                one healthy target is left
//   its pod is terminating               --min-targets healthy ones that stay
//   the lists alone                      all new targets healthy (bounded), --min-targets, --max-removal per 60 s
//
// Invariant: with --min-targets ≥ 1 the last target that is healthy in AWS is never let go.
import type { Deregistration, GroupView, HoldCode, Limits, ObservedTarget } from '../world.ts'

/** How far back removals are counted against `--max-removal`, in ms. */
export const removalWindowMs = 60_000

/** The guard's answer: go, or why not. */
export type Verdict =
  | { readonly go: true; readonly isCounted: boolean }
  | { readonly go: false; readonly code: HoldCode }

/** What stands against a target, from strongest to weakest. */
export type Evidence = 'gone' | 'unhealthy' | 'terminating' | 'lists'

/** Decides removals of one group, one after the other: each approval counts for the next question. */
export class RemovalGuard {
  readonly #limits: Limits
  readonly #hasWanted: boolean
  readonly #isAwaiting: boolean
  /** Healthy in AWS and not removed. */
  readonly #healthy: Set<string>
  /** Of these, the ones whose pods stay. */
  readonly #dependable: Set<string>
  #budget: number

  constructor(view: GroupView, limits: Limits, nowMs: number) {
    const observed = view.observed ?? []
    const healthy = observed.filter(isServing).map((target) => target.key)
    const recent = view.removals.filter((removal) => nowMs - removal.atMs < removalWindowMs).length
    this.#limits = limits
    this.#hasWanted = view.wanted.length > 0
    this.#isAwaiting = isAwaitingHealthy(view, limits, nowMs)
    this.#healthy = new Set(healthy)
    this.#dependable = new Set(healthy.filter((key) => !isGoing(view, key)))
    this.#budget = removalBudget(healthy.length + recent, limits.maxRemovalPercent) - recent
  }

  /** Decides about one target and, if it may go, counts it as gone. */
  decide(target: ObservedTarget, evidence: Evidence): Verdict {
    const code = this.#refusal(target.key, evidence)
    if (code !== undefined) return { go: false, code }
    this.#healthy.delete(target.key)
    this.#dependable.delete(target.key)
    const isCounted = evidence === 'lists'
    if (isCounted) this.#budget--
    return { go: true, isCounted }
  }

  #refusal(key: string, evidence: Evidence): HoldCode | undefined {
    const { minTargets } = this.#limits
    const othersHealthy = this.#healthy.size - (this.#healthy.has(key) ? 1 : 0)
    const othersDependable = this.#dependable.size - (this.#dependable.has(key) ? 1 : 0)
    switch (evidence) {
      case 'gone':
        return this.#healthy.has(key) && othersHealthy < Math.min(minTargets, 1)
          ? 'last-healthy'
          : undefined
      case 'unhealthy':
        // With every target unhealthy AWS sends requests to all of them: an empty list must not end that.
        return this.#hasWanted ? undefined : 'empty-list'
      case 'terminating':
        return othersDependable < minTargets ? 'min-targets' : undefined
      case 'lists':
        if (!this.#hasWanted) return 'empty-list'
        if (this.#isAwaiting) return 'awaiting-healthy'
        if (othersDependable < minTargets) return 'min-targets'
        return this.#budget < 1 ? 'max-removal' : undefined
    }
  }
}

/** Counts how many of `healthy` targets may go within the window; at least one unless the percentage is 0. */
function removalBudget(healthy: number, percent: number): number {
  return percent === 0 ? 0 : Math.max(1, Math.floor((healthy * percent) / 100))
}

/** Weighs what stands against a target that is not wanted. */
export function evidenceAgainst(view: GroupView, target: ObservedTarget): Evidence {
  if (view.gone.has(target.key)) return 'gone'
  if (!isServing(target)) return 'unhealthy'
  return isGoing(view, target.key) ? 'terminating' : 'lists'
}

/** Tells whether AWS sends requests to the target; `unavailable` means health checks are off. */
export function isServing(target: ObservedTarget): boolean {
  return target.state === 'healthy' || target.state === 'unavailable'
}

/** Says what the guard refused and how an operator overrides it. */
export function explainHold(
  code: HoldCode,
  limits: Limits,
): Readonly<Record<'message' | 'override', string>> {
  switch (code) {
    case 'awaiting-healthy':
      return { message: 'new targets are not healthy yet', override: '' }
    case 'empty-list':
      return {
        message: 'no proxy is wanted at all, which is more likely a wrong selector than the truth',
        override: 'check --proxy-selector and --proxy-namespace, or deregister the target by hand',
      }
    case 'last-healthy':
      return {
        message: 'it is the last healthy target',
        override: 'wait until AWS finds it unhealthy, or set --min-targets 0',
      }
    case 'min-targets':
      return {
        message: `fewer than ${limits.minTargets} healthy targets would stay`,
        override: 'add healthy proxies, or lower --min-targets',
      }
    case 'max-removal':
      return {
        message: `more than ${limits.maxRemovalPercent} % of the healthy targets would go within 60 s`,
        override: 'wait, or raise --max-removal',
      }
  }
}

/** Sorts removals so that the best founded go first. */
export function byEvidence(view: GroupView): (a: ObservedTarget, b: ObservedTarget) => number {
  const rank = { gone: 0, unhealthy: 1, terminating: 2, lists: 3 } as const
  return (a, b) =>
    rank[evidenceAgainst(view, a)] - rank[evidenceAgainst(view, b)] || (a.key < b.key ? -1 : 1)
}

/** Words for the reason of a removal. */
export function removalReason(view: GroupView, target: ObservedTarget): Deregistration['reason'] {
  if (view.gone.has(target.key)) return 'pod is gone'
  switch (view.departures.get(target.key)?.why) {
    case 'terminating':
      return 'pod is terminating'
    case 'not-ready':
      return 'pod is not ready'
    case 'node-leaving':
      return 'node is leaving'
    case undefined:
      return 'no proxy has this address'
  }
}

function isGoing(view: GroupView, key: string): boolean {
  return view.gone.has(key) || view.departures.get(key)?.why === 'terminating'
}

function isAwaitingHealthy(view: GroupView, limits: Limits, nowMs: number): boolean {
  const serving = new Set((view.observed ?? []).filter(isServing).map((target) => target.key))
  return view.wanted.some(
    ({ key }) =>
      !serving.has(key) && nowMs - (view.pendingSince.get(key) ?? nowMs) < limits.healthyWaitMs,
  )
}
