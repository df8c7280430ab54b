// Who the proxies are: Pods, or the endpoints of the proxies' Service, read into one shape.
// Invariant: a pod counts as ready for the load balancer before its own target gate opens, or it never could open.
import type { EndpointSlice, Pod, SliceEndpoint } from '../../shared/kube/objects.ts'
import type { ObjectRef } from '../world.ts'

/** The readiness gate that says "my target is healthy in every group". */
export const gateCondition = 'weir.dev/target-healthy'

/** One proxy, whatever told of it. */
export interface ProxyPod {
  readonly pod: ObjectRef
  readonly nodeName: string
  /** Addresses of all families. */
  readonly addresses: readonly string[]
  /** Ready but for Weir's own gate. */
  readonly isReady: boolean
  readonly isTerminating: boolean
  /** Wall ms of the change to ready; undefined when unknown. */
  readonly readyAtMs?: number
  /** Whether the pod has Weir's gate, and whether it is open. */
  readonly gate: 'none' | 'closed' | 'open'
}

/** Reads Pods. A finished pod (evicted, completed) is left out: its address may belong to another one already. */
export function proxiesFromPods(pods: readonly Pod[]): ProxyPod[] {
  return pods.flatMap((pod) => {
    const phase = pod.status?.phase
    return phase === 'Succeeded' || phase === 'Failed' ? [] : [proxyFromPod(pod)]
  })
}

function proxyFromPod(pod: Pod): ProxyPod {
  const conditions = new Map((pod.status?.conditions ?? []).map((entry) => [entry.type, entry]))
  const gates = (pod.spec?.readinessGates ?? []).map((gate) => gate.conditionType)
  const hasGate = gates.includes(gateCondition)
  const isTrue = (type: string | undefined): boolean => conditions.get(type)?.status === 'True'
  const othersHold = gates.every((type) => type === gateCondition || isTrue(type))
  const isReady = hasGate ? isTrue('ContainersReady') && othersHold : isTrue('Ready')
  const since = conditions.get(hasGate ? 'ContainersReady' : 'Ready')?.lastTransitionTime
  const readyAtMs = since === undefined ? Number.NaN : Date.parse(since)
  const { podIP, podIPs } = pod.status ?? {}
  const addresses = (podIPs ?? [{ ...(podIP === undefined ? {} : { ip: podIP }) }]).flatMap(
    ({ ip }) => (ip === undefined || ip === '' ? [] : [ip]),
  )
  return {
    pod: refOf(pod),
    nodeName: pod.spec?.nodeName ?? '',
    addresses,
    isReady,
    isTerminating: pod.metadata?.deletionTimestamp !== undefined,
    ...(isReady && !Number.isNaN(readyAtMs) ? { readyAtMs } : {}),
    gate: hasGate ? (isTrue(gateCondition) ? 'open' : 'closed') : 'none',
  }
}

/**
 * Reads the endpoints of the proxies' Service. Pods, where they are known too, add what slices do not tell:
 * the readiness gate (a closed gate makes an endpoint unready) and when the pod became ready.
 */
export function proxiesFromSlices(
  slices: readonly EndpointSlice[],
  pods: readonly Pod[],
): ProxyPod[] {
  const known = new Map(proxiesFromPods(pods).map((proxy) => [proxy.pod.uid, proxy]))
  const byPod = new Map<string, ProxyPod>()
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue
    for (const endpoint of slice.endpoints ?? []) {
      const proxy = proxyFromEndpoint(endpoint, known, slice.metadata?.namespace ?? '')
      if (proxy === undefined) continue
      const id = proxy.pod.uid === '' ? (proxy.addresses[0] ?? '') : proxy.pod.uid
      const earlier = byPod.get(id)
      // A dual-stack pod has one endpoint in the slice of each family.
      const addresses = [...new Set([...(earlier?.addresses ?? []), ...proxy.addresses])]
      byPod.set(id, { ...proxy, addresses })
    }
  }
  return [...byPod.values()]
}

function proxyFromEndpoint(
  endpoint: SliceEndpoint,
  known: ReadonlyMap<string, ProxyPod>,
  namespace: string,
): ProxyPod | undefined {
  const target = endpoint.targetRef
  const address = endpoint.addresses?.[0]
  if (target?.kind !== 'Pod' || address === undefined) return undefined
  const pod = known.get(target.uid ?? '')
  const isTerminating = endpoint.conditions?.terminating === true || pod?.isTerminating === true
  const isReady =
    pod !== undefined && pod.gate !== 'none' ? pod.isReady : endpoint.conditions?.ready !== false
  return {
    pod: {
      namespace: target.namespace ?? namespace,
      name: target.name ?? '',
      uid: target.uid ?? '',
    },
    nodeName: endpoint.nodeName ?? pod?.nodeName ?? '',
    addresses: [address],
    isReady,
    isTerminating,
    ...(pod?.readyAtMs === undefined ? {} : { readyAtMs: pod.readyAtMs }),
    gate: pod?.gate ?? 'none',
  }
}

/** Names an object; missing parts are empty strings. */
export function refOf(object: Pod): ObjectRef {
  const { namespace = '', name = '', uid = '' } = object.metadata ?? {}
  return { namespace, name, uid }
}
