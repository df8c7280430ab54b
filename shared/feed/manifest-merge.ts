// Many manifest files joined into one world. Pure.
//
// Invariant: the order of the files decides, nothing else: of an object that is written twice the first one counts.
// Invariant: a kind of which no object changed keeps its list.
import type { KubeObject } from '../kube/objects.ts'
import type { KubeResource } from '../kube/resources.ts'
import { createSnapshot, type Snapshot } from '../kube/snapshot.ts'
import type { Problem } from '../problem.ts'
import { identity, type ManifestFile } from './manifest-file.ts'
import { joinUnread, unreadProblem } from './unread-kinds.ts'

/** Joins the files, given in the order in which they count; `before` is the snapshot before, of the same resources. */
export function mergeManifests(
  files: readonly ManifestFile[],
  resources: readonly KubeResource[],
  before: Snapshot | undefined,
): { readonly snapshot: Snapshot; readonly problems: readonly Problem[] } {
  const owners = new Map<string, string>()
  const objects: KubeObject[] = []
  const problems: Problem[] = []
  for (const file of files) {
    problems.push(...file.problems)
    for (const object of file.objects) {
      const key = identity(object)
      const owner = owners.get(key)
      if (owner === undefined) {
        owners.set(key, file.path)
        objects.push(object)
      } else problems.push(twice(object, owner, file.path))
    }
  }
  problems.push(...joinUnread(files.map(({ unread }) => unread)).map(unreadProblem))
  // The parser gave each object the kind of the resource that it was read as.
  const byKind = Map.groupBy(objects, ({ kind }) => kind)
  const lists = resources.map(
    (resource) =>
      [resource, keepSame(before?.list(resource), byKind.get(resource.kind) ?? [])] as const,
  )
  return { snapshot: createSnapshot(lists), problems }
}

function keepSame<T>(before: readonly T[] | undefined, after: readonly T[]): readonly T[] {
  const isSame =
    before?.length === after.length && after.every((item, index) => item === before[index])
  return isSame ? before : after
}

function twice(object: KubeObject, owner: string, path: string): Problem {
  const { kind = '', metadata } = object
  const { name = '', namespace = '' } = metadata ?? {}
  const where = owner === path ? `twice in ${path}` : `in ${owner} and again in ${path}`
  return {
    reason: 'conflict',
    kind,
    namespace,
    name,
    field: '',
    message: `The ${kind} ${name} is ${where}; the first one counts.`,
    remedy: 'Remove one of them, or rename it.',
  }
}
