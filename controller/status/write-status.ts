// Writes what the plan says into Kubernetes objects: names into Ingress status, the gate into pod conditions.
// Invariant: an object that was replaced (other uid) is never written; a conflict is tried again, then left to the next pass.
import type { Clock } from '../../shared/clock.ts'
import type { KubeClient } from '../../shared/kube/client.ts'
import type { KubeResult } from '../../shared/kube/error.ts'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { ingresses, pods, routeGroups } from '../../shared/kube/resources.ts'
import { gateCondition } from '../targets/proxy-pods.ts'
import type { Action, LeftIngress, ObjectRef } from '../world.ts'
import { entryOf } from './published.ts'

type GateAction = Extract<Action, { readonly kind: 'open-gate' | 'skip-gate' }>

const attempts = 3

/** Shows `hostnames` in an Ingress's status; resolves with an error text, empty when it was written. */
export function writeHostnames(
  client: KubeClient,
  fieldManager: string,
  ingress: ObjectRef,
  hostnames: readonly string[],
): Promise<string> {
  const status = { loadBalancer: { ingress: hostnames.map(entryOf) } }
  return withUid(ingress, (metadata) =>
    client.patch(ingresses, ingress, { metadata, status }, { subresource: 'status', fieldManager }),
  )
}

/** Shows `hostnames` in a RouteGroup's status, which has Skipper's list; resolves as writeHostnames does. */
export function writeOnRouteGroup(
  client: KubeClient,
  fieldManager: string,
  group: ObjectRef,
  hostnames: readonly string[],
): Promise<string> {
  const status = { loadBalancer: { routegroup: hostnames.map(entryOf) } }
  return withUid(group, (metadata) =>
    client.patch(routeGroups, group, { metadata, status }, { subresource: 'status', fieldManager }),
  )
}

/** Leaves what others wrote in an Ingress's status; resolves with an error text, empty when it was written. */
export async function withdrawHostnames(
  client: KubeClient,
  fieldManager: string,
  { ingress, resourceVersion, kept }: LeftIngress,
): Promise<string> {
  // A list is replaced as a whole (RFC 7396): with its version, or an entry that came meanwhile would go with ours.
  const metadata = { uid: ingress.uid, resourceVersion }
  const status = { loadBalancer: { ingress: kept.length === 0 ? null : kept } }
  const patch = { metadata, status }
  const call = { subresource: 'status', fieldManager } as const
  const answer = await client.patch(ingresses, ingress, patch, call)
  return answer.ok || answer.error.reason === 'NotFound' ? '' : answer.error.message
}

/** Opens the readiness gate of a pod; resolves with an error text, empty when it was written. */
export function openGate(
  client: KubeClient,
  clock: Clock,
  { kind, pod, reason }: GateAction,
): Promise<string> {
  const condition = {
    type: gateCondition,
    status: 'True',
    reason: kind === 'open-gate' ? 'TargetHealthy' : 'TargetNotChecked',
    message: reason,
    lastTransitionTime: new Date(clock.wallNow()).toISOString().replace(/\.\d+Z$/, 'Z'),
  }
  return withUid(pod, (metadata) =>
    // Strategic: conditions are merged by type, those of the kubelet stay.
    client.patch(
      pods,
      pod,
      { metadata, status: { conditions: [condition] } },
      { subresource: 'status', kind: 'strategic' },
    ),
  )
}

async function withUid<T extends KubeObject>(
  { uid }: ObjectRef,
  write: (metadata: { readonly uid?: string }) => Promise<KubeResult<T>>,
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    // With its uid: the API server refuses the patch (422) when the object is another one by now.
    const answer = await write(uid === '' ? {} : { uid })
    if (answer.ok || answer.error.reason === 'NotFound') return ''
    if (answer.error.reason !== 'Conflict' || attempt === attempts) return answer.error.message
  }
}
