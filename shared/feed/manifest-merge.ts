// Many manifest files joined into one world. Pure.
//
// Invariant: the order of the files decides, nothing else: of an object that is written twice the first one counts.
import type {
  EndpointSlice,
  Ingress,
  IngressClass,
  KubeObject,
  Secret,
  Service,
} from '../kube/objects.ts'
import {
  endpointSlices,
  ingressClasses,
  ingresses,
  type KubeResource,
  secrets,
  services,
} from '../kube/resources.ts'
import type { Problem } from '../problem.ts'
import type { ClusterObjects } from './feed.ts'
import { identity, type ManifestFile } from './manifest-file.ts'

/** Joins the files, given in the order in which they count. */
export function mergeManifests(files: Iterable<ManifestFile>): {
  readonly objects: ClusterObjects
  readonly problems: readonly Problem[]
} {
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
  return {
    objects: {
      ingresses: ofKind<Ingress>(objects, ingresses),
      ingressClasses: ofKind<IngressClass>(objects, ingressClasses),
      services: ofKind<Service>(objects, services),
      endpointSlices: ofKind<EndpointSlice>(objects, endpointSlices),
      secrets: ofKind<Secret>(objects, secrets),
    },
    problems,
  }
}

function ofKind<T extends KubeObject>(
  objects: readonly KubeObject[],
  resource: KubeResource<T>,
): T[] {
  // The parser gave each object the kind of the resource that it was read as: every field of T is optional there.
  return objects.filter((object) => object.kind === resource.kind) as T[]
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
