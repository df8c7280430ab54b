// Which Ingresses get the load balancer's names in their status: only once something healthy is behind them, where we know.
// A name is taken away only where the Ingress itself went to another class, which was confirmed (left-ingresses.ts):
// an error must not make external-dns delete a record.
import { isServing } from '../targets/guard.ts'
import type { Action, ServedIngress, World } from '../world.ts'

/** Lists the status writes that are due. Pure; nothing is written that is shown already. */
export function planStatus(world: World): Action[] {
  const { hostnames, needsHealthyTarget } = world
  if (hostnames.length === 0) return []
  const isServed = world.groups.some((view) => view.observed?.some(isServing))
  if (needsHealthyTarget && !isServed) return []
  const isDue = ({ shown }: ServedIngress) => !isSame(shown, hostnames)
  return [
    ...world.ingresses
      .filter(isDue)
      .map(({ ingress }): Action => ({ kind: 'show-hostnames', ingress, hostnames })),
    ...(world.routeGroups ?? []).filter(isDue).map(
      ({ ingress: routeGroup }): Action => ({
        kind: 'show-on-route-group',
        routeGroup,
        hostnames,
      }),
    ),
  ]
}

/** Lists the names to take out of Ingresses that left. Pure. */
export function planWithdrawals({ left }: World): Action[] {
  return left.map((one) => ({ kind: 'withdraw-hostnames', left: one }))
}

function isSame(shown: readonly string[], hostnames: readonly string[]): boolean {
  return (
    shown.length === hostnames.length && hostnames.every((hostname, at) => shown[at] === hostname)
  )
}
