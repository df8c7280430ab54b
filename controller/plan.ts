// The whole plan: targets of each group, readiness gates, Ingress status. READ THIS FIRST.
// Pure: the same world gives the same plan. An unsynced world gives an empty one: everything stays as it is.
import { planGates } from './status/plan-gates.ts'
import { planStatus, planWithdrawals } from './status/plan-status.ts'
import { planTargets } from './targets/plan-targets.ts'
import type { Plan, World } from './world.ts'

/** Lists what must change to move the world towards what is wanted, in the order it must happen. */
export function plan(world: World): Plan {
  if (!world.synced) return { actions: [], held: [] }
  const perGroup = world.groups.map((view) => planTargets(view, world.limits, world.nowMs))
  return {
    actions: [
      ...perGroup.flatMap((group) => group.actions),
      // Gates and status last: they tell others that targets are healthy.
      ...planGates(world),
      ...planStatus(world),
      ...planWithdrawals(world),
    ],
    held: perGroup.flatMap((group) => group.held),
  }
}
