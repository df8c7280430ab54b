// Which pods may be told that their target is healthy: those healthy in every group, so that a roll-out waits for AWS.
// A gate opens once and stays open: a hiccup of the load balancer must not make every proxy NotReady.
import { isServing } from '../targets/guard.ts'
import type { Action, World } from '../world.ts'

/** Lists the gates to open. Pure. */
export function planGates(world: World): Action[] {
  if (world.groups.length === 0) return []
  return world.gatedPods
    .filter((gated) => !gated.isOpen)
    .filter((gated) =>
      world.groups.every((view) => {
        const key = gated.targets.get(view.facts.arn)
        return view.observed?.some((target) => target.key === key && isServing(target)) === true
      }),
    )
    .map((gated) => ({
      kind: 'open-gate',
      pod: gated.pod,
      reason: 'target is healthy in every group',
    }))
}
