// What must change in one target group, and in which order: claim → register → deregister → release.
//
//   wanted  in the group             action
//   yes     no, or draining          register
//   yes     yes                      -
//   no      no, or draining          - (release it from the ownership record)
//   no      yes, not ours (tracked)  -
//   no      yes                      deregister, if the guard lets it go (guard.ts)
//
// Invariant: planning twice without a change in the world gives the same plan, and an empty one once it was applied.
import type {
  Action,
  Deregistration,
  GroupView,
  Held,
  Limits,
  ObservedTarget,
  Plan,
} from '../world.ts'
import { byEvidence, evidenceAgainst, explainHold, RemovalGuard, removalReason } from './guard.ts'

/** Plans one group. Pure. */
export function planTargets(view: GroupView, limits: Limits, nowMs: number): Plan {
  if (view.observed === undefined) return { actions: [], held: [] }
  const group = view.facts
  const present = new Map(view.observed.filter(isPresent).map((target) => [target.key, target]))
  const wanted = new Set(view.wanted.map((target) => target.key))
  const missing = view.wanted.filter((target) => !present.has(target.key))
  const { removals, held } = planRemovals(view, present, wanted, limits, nowMs)

  const actions: Action[] = []
  const claims = view.owned === undefined ? [] : [...wanted].filter((key) => !view.owned?.has(key))
  if (claims.length > 0) actions.push({ kind: 'claim', group, keys: claims })
  if (missing.length > 0) {
    const draining = new Set(view.observed.filter(isDraining).map((target) => target.key))
    const targets = missing.map((target) => ({
      target,
      reason: draining.has(target.key)
        ? 'pod is ready; its address is still draining for its predecessor'
        : 'pod is ready',
    }))
    actions.push({ kind: 'register', group, targets })
  }
  if (removals.length > 0) actions.push({ kind: 'deregister', group, targets: removals })
  const stale = [...(view.owned ?? [])].filter((key) => !wanted.has(key) && !present.has(key))
  if (stale.length > 0) actions.push({ kind: 'release', group, keys: stale })
  return { actions, held }
}

function planRemovals(
  view: GroupView,
  present: ReadonlyMap<string, ObservedTarget>,
  wanted: ReadonlySet<string>,
  limits: Limits,
  nowMs: number,
): { removals: Deregistration[]; held: Held[] } {
  const guard = new RemovalGuard({ ...view, observed: [...present.values()] }, limits, nowMs)
  const removals: Deregistration[] = []
  const held: Held[] = []
  const candidates = [...present.values()]
    .filter((target) => !wanted.has(target.key) && view.owned?.has(target.key) !== false)
    .sort(byEvidence(view))
  for (const target of candidates) {
    const verdict = guard.decide(target, evidenceAgainst(view, target))
    const pod = view.departures.get(target.key)?.pod
    const about = { target, ...(pod === undefined ? {} : { pod }) }
    if (verdict.go) {
      const reason = removalReason(view, target)
      removals.push({ ...about, reason, isCounted: verdict.isCounted })
    } else {
      const explained = explainHold(verdict.code, limits)
      held.push({ group: view.facts, ...about, code: verdict.code, ...explained })
    }
  }
  return { removals, held }
}

/** Tells whether a target counts as registered: one that AWS drains does not, its address may be wanted anew. */
export function isPresent(target: ObservedTarget): boolean {
  if (isDraining(target)) return false
  return !(target.state === 'unused' && target.reason === 'Target.NotRegistered')
}

function isDraining(target: ObservedTarget): boolean {
  return target.state === 'draining' || target.state === 'unhealthy.draining'
}
