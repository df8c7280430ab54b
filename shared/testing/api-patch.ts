// What a patch makes of an object: JSON merge patch (RFC 7396) and the part of strategic merge that Weir uses.
import { isRecord } from '../kube/error.ts'

/** Lists that a strategic patch merges by a key instead of replacing them. */
const mergeKeys: Readonly<Record<string, string>> = {
  conditions: 'type',
  containers: 'name',
  readinessGates: 'conditionType',
  ports: 'port',
}

/** Gives `target` with `patch` merged in; neither is changed. */
export function mergePatch(target: unknown, patch: unknown, isStrategic: boolean): unknown {
  if (!isRecord(patch)) return patch
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    const key = isStrategic ? mergeKeys[name] : undefined
    if (value === null) delete result[name]
    else if (key !== undefined && Array.isArray(value)) {
      result[name] = mergeList(result[name], value, key)
    } else result[name] = mergePatch(result[name], value, isStrategic)
  }
  return result
}

function mergeList(target: unknown, patch: readonly unknown[], key: string): unknown[] {
  const result: unknown[] = Array.isArray(target) ? [...target] : []
  for (const element of patch) {
    const id = isRecord(element) ? element[key] : undefined
    const index = result.findIndex((known) => isRecord(known) && known[key] === id)
    const isDelete = isRecord(element) && element.$patch === 'delete'
    if (isDelete) {
      if (index !== -1) result.splice(index, 1)
    } else if (index === -1) result.push(element)
    else result[index] = mergePatch(result[index], element, true)
  }
  return result
}
