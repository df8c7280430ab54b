// The document of /targets: what is wanted, what AWS shows, what is planned, what was done last.
import type { Outcome } from './apply.ts'
import type { PassResult } from './leader.ts'

/** What /targets shows besides the last pass. */
export interface TargetsStatus {
  readonly identity: string
  readonly isLeader: boolean
  /** Who leads as far as known. */
  readonly holder: string
  readonly isDraining: boolean
  readonly recent: readonly Outcome[]
}

/** Builds the document; without a pass (a standby) it says who leads. */
export function targetsJson(status: TargetsStatus, last: PassResult | undefined): unknown {
  const { identity, isLeader, holder, isDraining, recent } = status
  return {
    identity,
    role: isLeader ? 'leader' : 'standby',
    leader: holder,
    draining: isDraining,
    groups: last === undefined ? [] : groupsOf(last),
    lastActions: recent,
  }
}

function groupsOf({ plan, observation }: PassResult): unknown[] {
  return observation.entries.map(({ given, facts, attributes, balancers }) => {
    const view = observation.world.groups.find((group) => group.facts.arn === facts?.arn)
    return {
      given,
      problem: observation.problems.get(given) ?? '',
      facts,
      attributes: Object.fromEntries(attributes),
      loadBalancers: balancers,
      wanted: view?.wanted.map(({ key, pod }) => ({
        target: key,
        pod: `${pod.namespace}/${pod.name}`,
      })),
      observed: view?.observed?.map(({ key, state, reason }) => ({ target: key, state, reason })),
      plan: plan.actions.filter((action) => 'group' in action && action.group.arn === facts?.arn),
      held: plan.held
        .filter(({ group }) => group.arn === facts?.arn)
        .map(({ target, code, message, override }) => ({
          target: target.key,
          code,
          message,
          override,
        })),
    }
  })
}
