// Which pods may be told that their target is healthy: those healthy in every group, so that a roll-out waits for AWS.
// A gate opens once and stays open: a hiccup of the load balancer must not make every proxy NotReady.
//
//   the pod in a group                                 the gate
//   healthy                                            opens as far as this group goes
//   can never be a target of it (no id, no address)    asks nothing of this group, and says so
//   AWS calls its target unused: nobody will check it  asks nothing of this group, and says so
//   anything else, AWS's silence too                   stays closed
//
// Invariant: a gate that can never open would stop every roll-out, so it never waits for a check that AWS does not make.
import { isServing } from '../targets/guard.ts'
import { isPresent } from '../targets/plan-targets.ts'
import type { Action, GatedPod, GroupView, ObservedTarget, World } from '../world.ts'

// With a load balancer in front a target is rarely unused for long: a moment of it, while AWS takes a listener or a zone
// into use, must not open the gates.
const unusedForMs = 30_000

/** Lists the gates to open. Pure. */
export function planGates(world: World): Action[] {
  if (world.groups.length === 0) return []
  return world.gatedPods.filter(({ isOpen }) => !isOpen).flatMap((gated) => planGate(gated, world))
}

function planGate(gated: GatedPod, { groups, nowMs }: World): Action[] {
  const excuses: string[] = []
  for (const view of groups) {
    const verdict = judge(gated, view, nowMs)
    if (verdict === 'wait') return []
    if (verdict !== 'healthy') excuses.push(`target group ${view.facts.name}: ${verdict.excuse}`)
  }
  const { pod } = gated
  if (excuses.length === 0) {
    return [{ kind: 'open-gate', pod, reason: 'target is healthy in every group' }]
  }
  return [{ kind: 'skip-gate', pod, reason: `opens without asking ${excuses.join('; ')}` }]
}

function judge(
  gated: GatedPod,
  { facts, observed, pendingSince }: GroupView,
  nowMs: number,
): 'healthy' | 'wait' | { readonly excuse: string } {
  // AWS does not answer: that is no reason to open anything.
  if (observed === undefined) return 'wait'
  const key = gated.targets.get(facts.arn)
  const unplaced = gated.unplaced.get(facts.arn)
  if (key === undefined) return unplaced === undefined ? 'wait' : { excuse: unplaced }
  const target = observed.find((candidate) => candidate.key === key)
  if (target === undefined) return 'wait'
  if (isServing(target)) return 'healthy'
  if (target.state !== 'unused' || !isPresent(target)) return 'wait'
  const hasBalancer = facts.loadBalancerArns.length > 0
  if (hasBalancer && nowMs - (pendingSince.get(key) ?? nowMs) < unusedForMs) return 'wait'
  return { excuse: explainUnused(target, hasBalancer) }
}

/** Says why AWS does not check a target, and what an operator does about it. */
function explainUnused({ reason }: ObservedTarget, hasBalancer: boolean): string {
  switch (reason) {
    case 'Target.NotInUse':
      return hasBalancer
        ? 'its target is unused, AWS sends nothing there: enable its zone on the load balancer, or let a listener forward to the group'
        : 'no load balancer uses the group, so AWS checks no target of it: let a listener forward to it, or take it out of --target-group'
    case 'Target.InvalidState':
      return 'its target is unused, the instance is stopped or terminated: replace the node'
    case 'Target.IpUnusable':
      return 'its target is unused, a load balancer has the same address: give the proxies addresses of their own'
    default:
      return `its target is unused, AWS checks it not (${reason === '' ? 'no reason given' : reason}): look at it with aws elbv2 describe-target-health`
  }
}
