// Which object has this name now? For Secrets and ConfigMaps, which are read by name only, never listed.
import type { KubeObject } from '../kube/objects.ts'

/** Gives single objects by name, as long as somebody wants them. */
export interface NamedObjects {
  /**
   * Calls `onObject` with the object as it is now (undefined: there is none, or it may not be read) and after each change,
   * until the returned function is called.
   */
  follow(want: NamedObject, onObject: (object: KubeObject | undefined) => void): () => void
}

/** One object that is wanted. */
export interface NamedObject {
  readonly kind: 'Secret' | 'ConfigMap'
  readonly namespace: string
  readonly name: string
}
