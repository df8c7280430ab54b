// Who wrote which field, as `metadata.managedFields` tells: the fields that Weir asks about, in the server's own shape.
// An entry is brought up to date when its manager changes one of them; a field belongs to whoever changed it last.
import { isDeepStrictEqual } from 'node:util'
import { isRecord } from '../kube/error.ts'
import type { KubeObject } from '../kube/objects.ts'

/** A field that is tracked, and whether it is written through the subresource `status`. */
interface Field {
  readonly path: readonly string[]
  readonly isStatus: boolean
}

const fields: readonly Field[] = [
  { path: ['spec', 'ingressClassName'], isStatus: false },
  { path: ['metadata', 'annotations', 'kubernetes.io/ingress.class'], isStatus: false },
  { path: ['status', 'loadBalancer', 'ingress'], isStatus: true },
]

interface Entry {
  readonly manager: string
  readonly subresource?: 'status'
  readonly time: string
  readonly paths: readonly (readonly string[])[]
}

/** Gives `next` with the owners that its fields have once `manager` has changed `before` into it. */
export function withOwners(next: object, before: KubeObject, manager: string): object {
  const changed = fields.filter(
    ({ path }) => !isDeepStrictEqual(valueAt(next, path), valueAt(before, path)),
  )
  if (changed.length === 0) return next
  const isChanged = (path: readonly string[]) =>
    changed.some((field) => isDeepStrictEqual(field.path, path))
  const entries = readEntries(before).map((entry) => ({
    ...entry,
    paths: entry.paths.filter((path) => !isChanged(path)),
  }))
  for (const { path, isStatus } of changed) {
    if (valueAt(next, path) === undefined) continue
    const at = entries.findIndex(
      (entry) => entry.manager === manager && (entry.subresource === 'status') === isStatus,
    )
    const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const known = entries[at]
    const entry = {
      manager,
      time,
      paths: [...(known?.paths ?? []), path],
      ...(isStatus ? { subresource: 'status' as const } : {}),
    }
    if (known === undefined) entries.push(entry)
    else entries[at] = entry
  }
  const managedFields = entries.filter(({ paths }) => paths.length > 0).map(writeEntry)
  const metadata = { ...recordAt(next, 'metadata'), managedFields }
  return { ...next, metadata }
}

function readEntries({ metadata }: KubeObject): Entry[] {
  return (metadata?.managedFields ?? []).flatMap((entry) => {
    if (!isRecord(entry)) return []
    const { manager, time, fieldsV1, subresource } = entry
    const paths = fields
      .map(({ path }) => path)
      .filter((path) => valueAt(fieldsV1, marked(path)) !== undefined)
    return [
      {
        manager: String(manager),
        time: String(time),
        paths,
        ...(subresource === 'status' ? { subresource } : {}),
      },
    ]
  })
}

function writeEntry({ manager, subresource, time, paths }: Entry): object {
  const fieldsV1: Record<string, unknown> = {}
  for (const path of paths) {
    let at = fieldsV1
    for (const step of marked(path)) {
      const inner: Record<string, unknown> = { ...recordAt(at, step) }
      at[step] = inner
      at = inner
    }
  }
  return {
    manager,
    operation: 'Update',
    apiVersion: 'networking.k8s.io/v1',
    time,
    fieldsType: 'FieldsV1',
    fieldsV1,
    ...(subresource === undefined ? {} : { subresource }),
  }
}

function marked(path: readonly string[]): string[] {
  return path.map((step) => `f:${step}`)
}

function valueAt(object: unknown, path: readonly string[]): unknown {
  let at = object
  for (const step of path) at = isRecord(at) ? at[step] : undefined
  return at
}

function recordAt(object: unknown, name: string): object {
  const value = isRecord(object) ? object[name] : undefined
  return isRecord(value) ? value : {}
}
