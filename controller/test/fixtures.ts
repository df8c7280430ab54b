// Short ways to write worlds in tests: a group, its observed and wanted targets.
import { targetKey } from '../targets/target-key.ts'
import type {
  Action,
  GroupFacts,
  GroupView,
  Limits,
  ObjectRef,
  ObservedTarget,
  Plan,
  TargetState,
  WantedTarget,
  World,
} from '../world.ts'

export const groupFacts: GroupFacts = {
  arn: 'arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/edge/0123456789abcdef',
  name: 'edge',
  targetType: 'ip',
  protocol: 'HTTP',
  protocolVersion: 'HTTP1',
  healthCheckProtocol: 'HTTP',
  port: 9999,
  vpcId: 'vpc-1',
  ipAddressType: 'ipv4',
  balancer: 'application',
  loadBalancerArns: [],
}

export const limits: Limits = { minTargets: 1, maxRemovalPercent: 34, healthyWaitMs: 120_000 }

/** Names the pod behind 10.0.0.N. */
export function podRef(id: string): ObjectRef {
  return { namespace: 'edge', name: `proxy-${id}`, uid: `uid-${id}` }
}

/** A target on port 9999; `reason` is AWS's. */
export function observed(id: string, state: TargetState, reason = ''): ObservedTarget {
  return { key: targetKey(id, 9999), id, port: 9999, state, reason }
}

export function wanted(id: string): WantedTarget {
  return { key: targetKey(id, 9999), id, port: 9999, pod: podRef(id) }
}

export function groupView(parts: Partial<GroupView>): GroupView {
  return {
    facts: groupFacts,
    observed: [],
    wanted: [],
    departures: new Map(),
    gone: new Set(),
    pendingSince: new Map(),
    removals: [],
    owned: undefined,
    ...parts,
  }
}

export function world(parts: Partial<World>): World {
  return {
    nowMs: 1_000_000,
    synced: true,
    limits,
    groups: [],
    gatedPods: [],
    ingresses: [],
    left: [],
    hostnames: [],
    needsHealthyTarget: true,
    ...parts,
  }
}

/** Writes a plan as short lines: `register a`, `deregister b (why)`, `held c code`. */
export function summary(plan: Plan): string[] {
  const held = plan.held.map(({ target, code }) => `held ${target.key} ${code}`)
  return [...plan.actions.flatMap(actionLines), ...held]
}

function actionLines(action: Action): string[] {
  switch (action.kind) {
    case 'claim':
    case 'release':
      return [`${action.kind} ${[...action.keys].join(' ')}`]
    case 'register':
      return action.targets.map(({ target }) => `register ${target.key}`)
    case 'deregister':
      return action.targets.map(({ target, reason }) => `deregister ${target.key} (${reason})`)
    case 'open-gate':
    case 'skip-gate':
      return [`${action.kind} ${action.pod.name}`]
    case 'show-hostnames':
      return [`show ${action.hostnames.join(',')} on ${action.ingress.name}`]
    case 'show-on-route-group':
      return [`show ${action.hostnames.join(',')} on the group ${action.routeGroup.name}`]
    case 'withdraw-hostnames':
      return [`withdraw ${action.left.hostnames.join(',')} from ${action.left.ingress.name}`]
  }
}
