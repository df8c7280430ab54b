// Who wrote which field of an object, and when? The API server keeps it in `metadata.managedFields`
// (https://kubernetes.io/docs/reference/using-api/server-side-apply/#managing-fields).
//
// `status.loadBalancer.ingress` is an atomic list: whoever changed it last owns all of it.
import { legacyAnnotation } from '../../shared/ingress-class.ts'
import { isRecord } from '../../shared/kube/error.ts'

type Path = readonly string[]

const hostnamesPath: Path = ['f:status', 'f:loadBalancer', 'f:ingress']
const classPaths: readonly Path[] = [
  ['f:spec', 'f:ingressClassName'],
  ['f:metadata', 'f:annotations', `f:${legacyAnnotation}`],
]

/** Gives wall ms of `manager`'s last write of the names in an Ingress's status; undefined when it does not own them. */
export function shownAtMs(object: unknown, manager: string): number | undefined {
  return lastWriteMs(object, [hostnamesPath], (entry) => entry.manager === manager)
}

/** Gives wall ms of the last write by whoever set the class that an Ingress names; undefined when nobody is known. */
export function classSetAtMs(object: unknown): number | undefined {
  return lastWriteMs(object, classPaths, () => true)
}

function lastWriteMs(
  object: unknown,
  paths: readonly Path[],
  isAsked: (entry: Readonly<Record<string, unknown>>) => boolean,
): number | undefined {
  const metadata = isRecord(object) ? object.metadata : undefined
  const entries = isRecord(metadata) ? metadata.managedFields : undefined
  if (!Array.isArray(entries)) return undefined
  const times = entries
    .filter((entry) => isRecord(entry) && isAsked(entry))
    .filter((entry) => paths.some((path) => owns(entry.fieldsV1, path)))
    .map((entry) => (typeof entry.time === 'string' ? Date.parse(entry.time) : Number.NaN))
    .filter((time) => !Number.isNaN(time))
  return times.length === 0 ? undefined : Math.max(...times)
}

function owns(fields: unknown, path: Path): boolean {
  let at = fields
  for (const step of path) at = isRecord(at) ? at[step] : undefined
  return at !== undefined
}
