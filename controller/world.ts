// The words of the controller: what it observes (world), what it wants to do (plan). Types only, imported by all parts.
//
//   observe ──► World ──► plan (pure) ──► Plan ──► apply
//
// Invariant: a World holds everything that a plan depends on, time included; planning asks nobody anything.

/** A Kubernetes object by name; `uid` tells a successor of the same name apart. */
export interface ObjectRef {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

/** `id:port` (`[v6]:port`), canonical: how a target is recognised everywhere. */
export type TargetKey = string

/** What is fixed about a target group, as AWS tells. */
export interface GroupFacts {
  readonly arn: string
  readonly name: string
  readonly targetType: 'ip' | 'instance'
  readonly protocol: string
  /** `HTTP1`, `HTTP2` or `GRPC`; empty for a group of a network load balancer. */
  readonly protocolVersion: string
  readonly healthCheckProtocol: string
  /** Port of the group; each target is registered with its own port all the same. */
  readonly port: number
  readonly vpcId: string
  readonly ipAddressType: 'ipv4' | 'ipv6'
  /** Which kind of load balancer such a group serves: it decides how long letting go takes. */
  readonly balancer: 'application' | 'network'
  readonly loadBalancerArns: readonly string[]
}

/** States of `TargetHealth.State`. */
export type TargetState = (typeof targetStates)[number]

/** All states of a target. */
export const targetStates = [
  'initial',
  'healthy',
  'unhealthy',
  'unused',
  'draining',
  'unhealthy.draining',
  'unavailable',
] as const

/** One target as DescribeTargetHealth shows it. */
export interface ObservedTarget {
  readonly key: TargetKey
  readonly id: string
  readonly port: number
  readonly zone?: string
  readonly state: TargetState
  /** Such as `Target.NotRegistered`; empty when AWS gives none. */
  readonly reason: string
}

/** One target that should be registered, and the pod behind it. */
export interface WantedTarget {
  readonly key: TargetKey
  readonly id: string
  readonly port: number
  /** `all` for an address outside the VPC. */
  readonly zone?: 'all'
  readonly pod: ObjectRef
  /** Wall ms when the pod became ready; undefined when the API does not say. */
  readonly readyAtMs?: number
}

/** Why a pod that exists is not a wanted target. */
export type DepartureReason = 'terminating' | 'not-ready' | 'node-leaving'

/** A pod that exists and should not be a target (any more). */
export interface Departure {
  readonly why: DepartureReason
  readonly pod: ObjectRef
}

/** A removal of a healthy target that rested on the lists alone; counted by the guard for 60 s. */
export interface Removal {
  readonly key: TargetKey
  readonly atMs: number
}

/** One target group with everything that its plan depends on. */
export interface GroupView {
  readonly facts: GroupFacts
  /** Undefined when AWS did not answer: nothing is planned for the group then. */
  readonly observed: readonly ObservedTarget[] | undefined
  readonly wanted: readonly WantedTarget[]
  readonly departures: ReadonlyMap<TargetKey, Departure>
  /** Keys whose pod is known to be gone: the API server answered 404, or another uid, for it. */
  readonly gone: ReadonlySet<TargetKey>
  /** Monotonic ms since when a wanted target is missing or not healthy. */
  readonly pendingSince: ReadonlyMap<TargetKey, number>
  readonly removals: readonly Removal[]
  /** What Weir registered; undefined when it owns the whole group. */
  readonly owned: ReadonlySet<TargetKey> | undefined
}

/** The guard and the waits. */
export interface Limits {
  readonly minTargets: number
  readonly maxRemovalPercent: number
  /** How long a removal waits for new targets to become healthy, in ms. */
  readonly healthyWaitMs: number
}

/** A proxy pod that waits for its readiness gate. */
export interface GatedPod {
  readonly pod: ObjectRef
  /** Its target in each group, by group ARN; a group without an entry has not got it. */
  readonly targets: ReadonlyMap<string, TargetKey>
  /** Why it never will have one, with the remedy, by group ARN: ready, and without an id or address of the group's kind. */
  readonly unplaced: ReadonlyMap<string, string>
  readonly isOpen: boolean
}

/** An Ingress that the proxies serve, and what its status shows. */
export interface ServedIngress {
  readonly ingress: ObjectRef
  readonly shown: readonly string[]
}

/** An entry of `status.loadBalancer.ingress`. */
export interface StatusEntry {
  readonly hostname?: string
  readonly ip?: string
}

/** An Ingress that went to another class and still shows what we wrote. */
export interface LeftIngress {
  readonly ingress: ObjectRef
  /** The version that was looked at: another one is looked at anew. */
  readonly resourceVersion: string
  /** The class that it names now; empty for none. */
  readonly className: string
  /** The names that we wrote. */
  readonly hostnames: readonly string[]
  /** What others wrote: it stays. */
  readonly kept: readonly StatusEntry[]
}

/** Everything a plan depends on, as of one moment. */
export interface World {
  /** Monotonic ms. */
  readonly nowMs: number
  /** False while any list of the cluster is not complete or not fresh: nothing is planned then. */
  readonly synced: boolean
  readonly limits: Limits
  readonly groups: readonly GroupView[]
  readonly gatedPods: readonly GatedPod[]
  readonly ingresses: readonly ServedIngress[]
  /** RouteGroups that the proxies serve; absent: the cluster does not know them, or nobody has read them yet. */
  readonly routeGroups?: readonly ServedIngress[]
  readonly left: readonly LeftIngress[]
  /** What Ingress status should show, names or addresses; empty when unknown or switched off. */
  readonly hostnames: readonly string[]
  /** It is shown only once a target is healthy; false where nobody keeps target groups. */
  readonly needsHealthyTarget: boolean
}

/** A target to add, and why. */
export interface Registration {
  readonly target: WantedTarget
  readonly reason: string
}

/** A target to take away, and why. `isCounted`: it counts against `--max-removal`. */
export interface Deregistration {
  readonly target: ObservedTarget
  readonly reason: string
  readonly pod?: ObjectRef
  readonly isCounted: boolean
}

/** One step towards the wanted state. */
export type Action =
  /** Writes the keys into the ownership record, before they are registered. */
  | { readonly kind: 'claim'; readonly group: GroupFacts; readonly keys: readonly TargetKey[] }
  | {
      readonly kind: 'register'
      readonly group: GroupFacts
      readonly targets: readonly Registration[]
    }
  | {
      readonly kind: 'deregister'
      readonly group: GroupFacts
      readonly targets: readonly Deregistration[]
    }
  /** Takes keys that are gone out of the ownership record. */
  | { readonly kind: 'release'; readonly group: GroupFacts; readonly keys: readonly TargetKey[] }
  /** Sets the pod condition `weir.dev/target-healthy`. */
  | { readonly kind: 'open-gate'; readonly pod: ObjectRef; readonly reason: string }
  /** Sets it too, though no group that could say so finds the target healthy. */
  | { readonly kind: 'skip-gate'; readonly pod: ObjectRef; readonly reason: string }
  | {
      readonly kind: 'show-hostnames'
      readonly ingress: ObjectRef
      readonly hostnames: readonly string[]
    }
  /** The same for a RouteGroup: Skipper's kind has a list of its own. */
  | {
      readonly kind: 'show-on-route-group'
      readonly routeGroup: ObjectRef
      readonly hostnames: readonly string[]
    }
  /** Takes our names out of the status of an Ingress that is not ours any more. */
  | { readonly kind: 'withdraw-hostnames'; readonly left: LeftIngress }

/** Why a removal is held back. `awaiting-healthy` is a wait, the others are refusals of the guard. */
export type HoldCode =
  | 'awaiting-healthy'
  | 'empty-list'
  | 'last-healthy'
  | 'min-targets'
  | 'max-removal'

/** A removal that is due and not done. */
export interface Held {
  readonly group: GroupFacts
  readonly target: ObservedTarget
  readonly pod?: ObjectRef
  readonly code: HoldCode
  readonly message: string
  /** What an operator does to have it done all the same; empty for a wait. */
  readonly override: string
}

/** What is to be done, in order, and what is held back. */
export interface Plan {
  readonly actions: readonly Action[]
  readonly held: readonly Held[]
}
