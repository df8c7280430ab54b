// Which nodes are about to go, so that their targets leave before the node does.
import type { Node } from '../../shared/kube/objects.ts'

// Cordon, cluster-autoscaler's scale-down and Karpenter's disruption, each as that program marks it.
const leavingTaints: ReadonlySet<string> = new Set([
  'node.kubernetes.io/unschedulable',
  'ToBeDeletedByClusterAutoscaler',
  'karpenter.sh/disrupted',
])

/** Tells why a node is leaving, as the mark that says so; undefined when it stays. */
export function leavingMark(node: Node): string | undefined {
  if (node.metadata?.deletionTimestamp !== undefined) return 'deletionTimestamp'
  for (const { key } of node.spec?.taints ?? []) {
    if (key !== undefined && leavingTaints.has(key)) return key
  }
  return node.spec?.unschedulable === true ? 'spec.unschedulable' : undefined
}

/** Tells whether the cloud controller manager has yet to write what it knows of a node, its `spec.providerID` too. */
export function isUninitialised(node: Node): boolean {
  return (node.spec?.taints ?? []).some(
    ({ key }) => key === 'node.cloudprovider.kubernetes.io/uninitialized',
  )
}

/** Reads the EC2 instance id from `spec.providerID` (`aws:///ZONE/i-…`); undefined when there is none (Fargate). */
export function instanceIdOf(node: Node): string | undefined {
  const last = node.spec?.providerID?.split('/').at(-1)
  return last !== undefined && /^i-[0-9a-f]{8,17}$/.test(last) ? last : undefined
}
