// Reads what the chart rendered: the DaemonSet's pod, its containers, its labels.
import type { KubeObject } from '../../shared/kube/objects.ts'

/** What these tests read of a container. */
export interface RenderedContainer {
  readonly name: string
  readonly args: readonly string[]
  readonly env: readonly { readonly name: string; readonly value?: string }[]
}

/** What these tests read of a pod template; the API's schemas have been checked before. */
interface Template {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> }
  readonly spec: {
    readonly terminationGracePeriodSeconds: number
    readonly initContainers?: readonly Partial<RenderedContainer>[]
    readonly containers: readonly Partial<RenderedContainer>[]
  }
}

function templateOf(objects: readonly KubeObject[]): Template {
  const daemonSet = objects.find(({ kind }) => kind === 'DaemonSet')
  if (daemonSet === undefined) throw new Error('there is no DaemonSet')
  return (daemonSet as { readonly spec: { readonly template: Template } }).spec.template
}

/** The containers of the proxy's pod, sidecars too. */
export function containersOf(objects: readonly KubeObject[]): RenderedContainer[] {
  const { initContainers = [], containers } = templateOf(objects).spec
  return [...initContainers, ...containers].map(({ name = '', args = [], env = [] }) => ({
    name,
    args,
    env,
  }))
}

/** How long Kubernetes waits for the pod to end. */
export function graceSecondsOf(objects: readonly KubeObject[]): number {
  return templateOf(objects).spec.terminationGracePeriodSeconds
}

/** Tells whether `key=value,…` selects the proxy's pods. */
export function isLabelled(objects: readonly KubeObject[], selector: string): boolean {
  const { labels } = templateOf(objects).metadata
  return selector.split(',').every((pair) => {
    const [key = '', value] = pair.split('=')
    return labels[key] === value
  })
}
