// How the test API server answers one request: the verbs of the Kubernetes API over the store.
import { isDeepStrictEqual } from 'node:util'
import { isRecord } from '../kube/error.ts'
import type { KubeObject } from '../kube/objects.ts'
import { type KubeResource, objectKey } from '../kube/resources.ts'
import { withOwners } from './api-owners.ts'
import { mergePatch } from './api-patch.ts'
import { statusBody, type Target } from './api-paths.ts'
import type { ApiStore } from './api-store.ts'

export interface Answer {
  readonly status: number
  readonly body: unknown
}

const withStatus: ReadonlySet<string> = new Set(['Ingress', 'RouteGroup', 'Service', 'Pod', 'Node'])
/** Kinds whose updates must say which version they replace. */
const versioned: ReadonlySet<string> = new Set(['Lease'])

function failure(code: number, message: string, reason?: string): Answer {
  return { status: code, body: statusBody(code, message, reason) }
}

function keyOf({ namespace, name = '' }: Target): string {
  return namespace === '' ? name : `${namespace}/${name}`
}

function notFound({ resource, name }: Target): Answer {
  return failure(404, `${resource.plural} "${name}" not found`)
}

export function answerGet(store: ApiStore, target: Target): Answer {
  const object = store.get(target.resource, keyOf(target))
  return object === undefined ? notFound(target) : { status: 200, body: object }
}

export function answerCreate(
  store: ApiStore,
  target: Target,
  body: unknown,
  manager: string,
): Answer {
  const object = readBody(target, body)
  if (object === undefined) return failure(400, 'the body is not an object of this resource')
  const { resource } = target
  if (store.get(resource, objectKey(object)) !== undefined) {
    const message = `${resource.plural} "${object.metadata?.name}" already exists`
    return failure(409, message, 'AlreadyExists')
  }
  const { resourceVersion, uid, creationTimestamp, ...metadata } = object.metadata ?? {}
  // A status that comes with a new object is dropped; a kubelet's Node keeps it.
  const fresh =
    withStatus.has(resource.kind) && resource.kind !== 'Node' ? withoutStatus(object) : object
  const owned = withOwners({ ...fresh, metadata }, {}, manager)
  return { status: 201, body: store.put(resource, owned) }
}

export function answerUpdate(
  store: ApiStore,
  target: Target,
  body: unknown,
  manager: string,
): Answer {
  const object = readBody(target, body)
  if (object === undefined || target.name !== object.metadata?.name) {
    return failure(400, 'the body is not the object that the path names')
  }
  const before = store.get(target.resource, keyOf(target))
  if (before === undefined) return notFound(target)
  const { uid, resourceVersion } = object.metadata ?? {}
  if (uid !== undefined && uid !== before.metadata?.uid) {
    return failure(409, `Precondition failed: UID is ${before.metadata?.uid}`)
  }
  if (resourceVersion === undefined && versioned.has(target.resource.kind)) {
    return failure(422, 'metadata.resourceVersion: must be specified for an update')
  }
  return replace(store, target, before, object, manager)
}

export function answerPatch(
  store: ApiStore,
  target: Target,
  body: unknown,
  contentType: string,
  manager: string,
): Answer {
  const isStrategic = contentType === 'application/strategic-merge-patch+json'
  if (!isStrategic && contentType !== 'application/merge-patch+json') {
    return failure(415, `the media type ${contentType} is not supported`, 'UnsupportedMediaType')
  }
  const before = store.get(target.resource, keyOf(target))
  if (before === undefined) return notFound(target)
  const object = readBody(target, mergePatch(before, body, isStrategic))
  if (object === undefined) return failure(422, 'the patch makes the object invalid')
  if (object.metadata?.uid !== before.metadata?.uid) {
    return failure(422, 'metadata.uid: field is immutable')
  }
  return replace(store, target, before, object, manager)
}

export function answerDelete(store: ApiStore, target: Target, body: unknown): Answer {
  const before = store.get(target.resource, keyOf(target))
  if (before === undefined) return notFound(target)
  const preconditions = isRecord(body) && isRecord(body.preconditions) ? body.preconditions : {}
  for (const field of ['uid', 'resourceVersion'] as const) {
    const wanted = preconditions[field]
    if (wanted !== undefined && wanted !== before.metadata?.[field]) {
      return failure(409, `Precondition failed: ${field} is ${before.metadata?.[field]}`)
    }
  }
  return { status: 200, body: store.remove(target.resource, keyOf(target)) }
}

/** Writes `object` over `before`: only its status, or all but its status. */
function replace(
  store: ApiStore,
  target: Target,
  before: KubeObject,
  object: KubeObject,
  manager: string,
): Answer {
  const { resource, subresource } = target
  const version = object.metadata?.resourceVersion
  if (version !== undefined && version !== before.metadata?.resourceVersion) {
    const message = `Operation cannot be fulfilled on ${resource.plural} "${target.name}": the object has been modified; please apply your changes to the latest version and try again`
    return failure(409, message)
  }
  const [spec, status] = subresource === 'status' ? [before, object] : [object, before]
  const next: Record<string, unknown> = { ...spec }
  if (withStatus.has(resource.kind)) {
    if ('status' in status) next.status = status.status
    else delete next.status
  }
  next.metadata = { ...spec.metadata, ...serverMetadata(before) }
  // Like the real one: a write that changes nothing makes no event.
  if (isDeepStrictEqual(next, { ...before })) return { status: 200, body: before }
  const read = readBody(target, withOwners(next, before, manager))
  if (read === undefined) return failure(422, 'the object is invalid')
  return { status: 200, body: store.put(resource, read) }
}

function withoutStatus({
  status: _,
  ...rest
}: KubeObject & { readonly status?: unknown }): KubeObject {
  return rest
}

function serverMetadata({ metadata }: KubeObject): KubeObject['metadata'] {
  const { uid, resourceVersion, creationTimestamp, generation, managedFields } = metadata ?? {}
  return Object.fromEntries(
    Object.entries({ uid, resourceVersion, creationTimestamp, generation, managedFields }).filter(
      ([, value]) => value !== undefined,
    ),
  )
}

/** The body as an object of the path's resource and namespace, named; undefined when it is none. */
function readBody(target: Target, body: unknown): KubeObject | undefined {
  if (!isRecord(body) || !isRecord(body.metadata) || !isOfKind(target.resource, body)) {
    return undefined
  }
  const { metadata } = body
  const { generateName } = metadata
  const name =
    typeof metadata.name === 'string'
      ? metadata.name
      : typeof generateName === 'string'
        ? generateName + Math.random().toString(36).slice(2, 7)
        : ''
  const namespace = metadata.namespace ?? target.namespace
  if (name === '' || namespace !== target.namespace) return undefined
  const { namespace: _, ...rest } = metadata
  return { ...body, metadata: { ...rest, name, ...(namespace === '' ? {} : { namespace }) } }
}

function isOfKind(resource: KubeResource, body: Readonly<Record<string, unknown>>): boolean {
  return (
    (body.kind === undefined || body.kind === resource.kind) &&
    (body.apiVersion === undefined || body.apiVersion === resource.apiVersion)
  )
}
