// Paths and bodies of the API: which resource a path names, and the objects that the server answers with.
import * as known from '../kube/resources.ts'

type KubeResource = known.KubeResource

/** All kinds that the test API server keeps. */
export const resources: readonly KubeResource[] = [
  known.ingresses,
  known.ingressClasses,
  known.routeGroups,
  known.services,
  known.endpointSlices,
  known.secrets,
  known.configMaps,
  known.pods,
  known.nodes,
  known.leases,
  known.events,
]

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete'

/** What a request is about. */
export interface Target {
  readonly resource: KubeResource
  /** Empty: cluster-wide. */
  readonly namespace: string
  readonly name: string | undefined
  readonly subresource: string | undefined
}

/** Reads `/api/v1/…` and `/apis/GROUP/VERSION/…`; undefined when no known resource is meant. */
export function parseApiPath(path: string): Target | undefined {
  const [, root, ...rest] = path.split('/').map((segment) => decodeURIComponent(segment))
  const length = root === 'api' ? 1 : root === 'apis' ? 2 : 0
  if (length === 0) return undefined
  const apiVersion = rest.slice(0, length).join('/')
  let tail = rest.slice(length)
  let namespace = ''
  if (tail[0] === 'namespaces' && tail.length > 2) {
    namespace = tail[1] ?? ''
    tail = tail.slice(2)
  }
  const [plural, name, subresource] = tail
  const resource = resources.find((r) => r.apiVersion === apiVersion && r.plural === plural)
  if (resource === undefined || (!resource.namespaced && namespace !== '')) return undefined
  return { resource, namespace, name, subresource }
}

export function verbOf(method: string, target: Target, isWatch: boolean): Verb | undefined {
  switch (method) {
    case 'GET':
      if (target.name !== undefined) return 'get'
      return isWatch ? 'watch' : 'list'
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return 'delete'
    default:
      return undefined
  }
}

/** The reasons that go with status codes. */
const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

/** A Status object, as every failure is answered. */
export function statusBody(code: number, message: string, reason = reasons[code]): object {
  return {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    code,
  }
}
