// What does a Secret or ConfigMap hold? As latin1 text, whatever the bytes are.
import type { KubeObject } from '../../../shared/kube/objects.ts'
import type { AssetData } from '../../../shared/routing/filters/kind.ts'

/** The entries of a Secret (base64), as latin1 text. */
export function secretEntries(object: KubeObject): AssetData {
  const entries = Object.entries(configMapEntries(object))
  return Object.fromEntries(
    entries.map(([key, text]) => [key, Buffer.from(text, 'base64').toString('latin1')]),
  )
}

/** The entries of a ConfigMap. */
export function configMapEntries(object: KubeObject): AssetData {
  const { data } = object as KubeObject & { data?: Record<string, unknown> | null }
  const entries = Object.entries(data ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return Object.fromEntries(entries)
}
