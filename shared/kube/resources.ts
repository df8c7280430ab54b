// Which API resources Weir reads and writes: kind, group and path of each, once.
import type {
  ConfigMap,
  EndpointSlice,
  Ingress,
  IngressClass,
  KubeEvent,
  KubeObject,
  Lease,
  Node,
  Pod,
  RouteGroup,
  Secret,
  Service,
} from './objects.ts'

/** One kind of object and where the API server keeps it. */
export interface KubeResource<T extends KubeObject = KubeObject> {
  /** `v1` or `group/version`. */
  readonly apiVersion: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  /** Never set: it only carries the object's type to the functions that take a resource. */
  readonly object?: T
}

function defineResource<T extends KubeObject>(resource: KubeResource<T>): KubeResource<T> {
  return resource
}

export const ingresses = defineResource<Ingress>({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  plural: 'ingresses',
  namespaced: true,
})

export const ingressClasses = defineResource<IngressClass>({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  namespaced: false,
})

export const routeGroups = defineResource<RouteGroup>({
  apiVersion: 'zalando.org/v1',
  kind: 'RouteGroup',
  plural: 'routegroups',
  namespaced: true,
})

export const services = defineResource<Service>({
  apiVersion: 'v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
})

export const endpointSlices = defineResource<EndpointSlice>({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
})

export const secrets = defineResource<Secret>({
  apiVersion: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
})

export const configMaps = defineResource<ConfigMap>({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
})

export const pods = defineResource<Pod>({
  apiVersion: 'v1',
  kind: 'Pod',
  plural: 'pods',
  namespaced: true,
})

export const nodes = defineResource<Node>({
  apiVersion: 'v1',
  kind: 'Node',
  plural: 'nodes',
  namespaced: false,
})

export const leases = defineResource<Lease>({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
})

export const events = defineResource<KubeEvent>({
  apiVersion: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
})

/** The group of a resource, empty for the core group. */
export function resourceGroup(resource: KubeResource): string {
  const slash = resource.apiVersion.indexOf('/')
  return slash === -1 ? '' : resource.apiVersion.slice(0, slash)
}

/** `ingresses.networking.k8s.io`, as RBAC messages write it. */
export function qualifiedName(resource: KubeResource): string {
  const group = resourceGroup(resource)
  return group === '' ? resource.plural : `${resource.plural}.${group}`
}

/**
 * The path of a collection (`name` absent) or of one object. Without a namespace the collection is cluster-wide.
 * Names are escaped: what a user wrote never adds a path segment.
 */
export function resourcePath(
  resource: KubeResource,
  target: { readonly namespace?: string; readonly name?: string; readonly subresource?: string },
): string {
  const { namespace, name, subresource } = target
  let path = resource.apiVersion.includes('/')
    ? `/apis/${resource.apiVersion}`
    : `/api/${resource.apiVersion}`
  if (resource.namespaced && namespace !== undefined && namespace !== '') {
    path += `/namespaces/${encodeURIComponent(namespace)}`
  }
  path += `/${resource.plural}`
  if (name !== undefined) path += `/${encodeURIComponent(name)}`
  if (subresource !== undefined) path += `/${encodeURIComponent(subresource)}`
  return path
}

/** The key of an object among those of its kind: `namespace/name`, or `name` when it is cluster-wide. */
export function objectKey(object: KubeObject): string {
  const { namespace, name } = object.metadata ?? {}
  return namespace === undefined || namespace === '' ? (name ?? '') : `${namespace}/${name ?? ''}`
}
