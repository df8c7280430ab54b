// Which object has this name now? For Secrets and ConfigMaps, which are read by name only, never listed.
import type { KubeObject } from '../kube/objects.ts'
import type { Problem } from '../problem.ts'

/** Gives single objects by name, as long as somebody wants them. */
export interface NamedObjects {
  /**
   * Calls `onObject` with the object as it is now (undefined: there is none) and after each change, and `onProblem` when it
   * turns out that it may not be read (what was read last still counts) and, with undefined, that it may again; until the
   * returned function is called.
   */
  follow(
    want: NamedObject,
    onObject: (object: KubeObject | undefined) => void,
    onProblem: (problem: Problem | undefined) => void,
  ): () => void
}

/** One object that is wanted. */
export interface NamedObject {
  readonly kind: 'Secret' | 'ConfigMap'
  readonly namespace: string
  readonly name: string
}

/** What lets us read an object: the chart gives no right to Secrets and ConfigMaps unless it is told to. */
export function permissionRemedy({ kind, namespace, name }: NamedObject): string {
  const plural = kind === 'Secret' ? 'secrets' : 'configmaps'
  const rule = `{apiGroups: [""], resources: ["${plural}"], resourceNames: ["${name}"], verbs: ["list", "watch"]}`
  return `Set proxy.secrets.access of the chart to namespaces and add ${namespace} to proxy.secrets.namespaces (and ${name} to proxy.secrets.names, unless that is empty), or bind a Role of the namespace ${namespace} with the rule ${rule} to our ServiceAccount.`
}

/** What lets us read the ConfigMap of `--config-map`. */
export function configMapRemedy({ namespace, name }: Omit<NamedObject, 'kind'>): string {
  const rule = `{apiGroups: [""], resources: ["configmaps"], resourceNames: ["${name}"], verbs: ["list", "watch"]}`
  return `Set configMap of the chart to ${namespace}/${name}, or bind a Role of the namespace ${namespace} with the rule ${rule} to our ServiceAccount.`
}
