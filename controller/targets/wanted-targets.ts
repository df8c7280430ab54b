// Which targets a group should hold: proxies that are ready, not terminating, on a node that stays.
// Pure: pods, nodes and the group's facts in, targets out. What is left out is named with its reason.
import { isIPv6 } from 'node:net'
import type { CidrSet } from '../../shared/cidr.ts'
import type { Node } from '../../shared/kube/objects.ts'
import type { Departure, DepartureReason, GroupFacts, TargetKey, WantedTarget } from '../world.ts'
import { instanceIdOf, isUninitialised, leavingMark } from './leaving-nodes.ts'
import type { ProxyPod } from './proxy-pods.ts'
import { canonicalId, targetKey } from './target-key.ts'

/** What decides which targets are wanted. */
export interface WantedInput {
  readonly proxies: readonly ProxyPod[]
  /** Undefined when nodes are not watched: no group of instances, no `--drain-nodes`. */
  readonly nodes: ReadonlyMap<string, Node> | undefined
  readonly drainNodes: boolean
  readonly targetPort: number
  /** The VPC's address ranges when the operator gave them; an address outside gets the zone `all`. */
  readonly vpcRanges: CidrSet | undefined
  /** Addresses that AWS took only with the zone `all`. */
  readonly outsideVpc: ReadonlySet<string>
}

/** The targets of one group, and the pods that are none. */
export interface WantedTargets {
  readonly wanted: readonly WantedTarget[]
  readonly departures: ReadonlyMap<TargetKey, Departure>
  readonly unplaced: readonly UnplacedProxy[]
}

/** A ready proxy that cannot be a target of a group. */
export interface UnplacedProxy {
  readonly proxy: ProxyPod
  /** Why, and what to do about it. */
  readonly reason: string
  /** False while it may still change by itself. */
  readonly isLasting: boolean
}

/** Lists what should be registered in `group`, sorted by key. */
export function listWantedTargets(group: GroupFacts, input: WantedInput): WantedTargets {
  const wanted = new Map<TargetKey, WantedTarget>()
  const departures = new Map<TargetKey, Departure>()
  const unplaced: UnplacedProxy[] = []
  for (const proxy of input.proxies) {
    const id = targetId(group, proxy, input.nodes)
    const why = departureReason(proxy, input)
    if (id === undefined) {
      if (why === undefined) unplaced.push(explainUnplaced(group, proxy, input.nodes))
      continue
    }
    const key = targetKey(id, input.targetPort)
    if (why === undefined) wanted.set(key, wantedTarget(group, proxy, id, key, input))
    else departures.set(key, { why, pod: proxy.pod })
  }
  // A successor on the same address or instance is what counts.
  for (const key of wanted.keys()) departures.delete(key)
  const sorted = [...wanted.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  return { wanted: sorted, departures, unplaced }
}

function wantedTarget(
  group: GroupFacts,
  proxy: ProxyPod,
  id: string,
  key: TargetKey,
  input: WantedInput,
): WantedTarget {
  return {
    key,
    id,
    port: input.targetPort,
    ...(group.targetType === 'ip' && isOutside(id, input) ? { zone: 'all' as const } : {}),
    pod: proxy.pod,
    ...(proxy.readyAtMs === undefined ? {} : { readyAtMs: proxy.readyAtMs }),
  }
}

/** Finds the id under which a proxy is registered in a group; undefined when it has none. */
export function targetId(
  group: GroupFacts,
  proxy: ProxyPod,
  nodes: ReadonlyMap<string, Node> | undefined,
): string | undefined {
  if (group.targetType === 'instance') {
    const node = nodes?.get(proxy.nodeName)
    return node === undefined ? undefined : instanceIdOf(node)
  }
  const wantsV6 = group.ipAddressType === 'ipv6'
  const address = proxy.addresses.find((candidate) => isIPv6(candidate) === wantsV6)
  return address === undefined ? undefined : canonicalId(address)
}

function explainUnplaced(
  group: GroupFacts,
  proxy: ProxyPod,
  nodes: WantedInput['nodes'],
): UnplacedProxy {
  if (group.targetType === 'ip') {
    const family = group.ipAddressType
    const reason = `it has no ${family} address: run the proxies with ${family}, or use a group of the other family`
    return { proxy, reason, isLasting: true }
  }
  const node = nodes?.get(proxy.nodeName)
  if (node === undefined || isUninitialised(node)) {
    const reason = `its node ${proxy.nodeName} is not known completely yet: it has no EC2 instance id in spec.providerID`
    return { proxy, reason, isLasting: false }
  }
  return {
    proxy,
    reason:
      'its node has no EC2 instance id in spec.providerID: keep the proxies off such nodes (Fargate, nodes outside EC2), or use a group of ip targets',
    isLasting: true,
  }
}

function departureReason(proxy: ProxyPod, input: WantedInput): DepartureReason | undefined {
  if (proxy.isTerminating) return 'terminating'
  if (!proxy.isReady) return 'not-ready'
  if (!input.drainNodes || input.nodes === undefined) return undefined
  const node = input.nodes.get(proxy.nodeName)
  return node === undefined || leavingMark(node) !== undefined ? 'node-leaving' : undefined
}

function isOutside(id: string, { vpcRanges, outsideVpc }: WantedInput): boolean {
  if (outsideVpc.has(id)) return true
  return vpcRanges !== undefined && !vpcRanges.has(id)
}
