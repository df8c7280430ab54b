// The parse border of objects: JSON from the API server in, a typed object out, without the parts that nobody reads.
import { isRecord } from './error.ts'
import type { KubeObject } from './objects.ts'
import type { KubeResource } from './resources.ts'

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

/**
 * Gives `value` (fresh from JSON.parse: it is changed in place) as an object of `resource`, or undefined when it has no
 * name. managedFields and kubectl's copy of the object go: together they are often more than the object itself.
 */
export function readObject<T extends KubeObject>(
  value: unknown,
  resource: KubeResource<T>,
): T | undefined {
  if (!isRecord(value) || !isRecord(value.metadata)) return undefined
  const { metadata } = value
  if (typeof metadata.name !== 'string' || metadata.name === '') return undefined
  Reflect.deleteProperty(metadata, 'managedFields')
  if (isRecord(metadata.annotations)) Reflect.deleteProperty(metadata.annotations, lastApplied)
  // Items of a list come without them.
  Reflect.set(value, 'apiVersion', resource.apiVersion)
  Reflect.set(value, 'kind', resource.kind)
  // Parse border: every field of the object types is optional, and their readers check what they find.
  return value as T
}
