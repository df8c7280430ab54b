// Makes clusters for tests: objects of any number, and a cluster that changes step by step while it keeps what it does not touch.

import fc from 'fast-check'
import type {
  ConfigMap,
  EndpointSlice,
  Ingress,
  IngressBackend,
  IngressClass,
  RouteGroup,
  Service,
} from '../../kube/objects.ts'
import {
  configMaps,
  endpointSlices,
  ingressClasses,
  ingresses,
  routeGroups,
  services,
} from '../../kube/resources.ts'
import { createSnapshot, type Snapshot } from '../../kube/snapshot.ts'
import { plainTerms } from '../ingress/annotations/draft.ts'
import type { TranslateOptions } from '../translate.ts'

/** The objects that routes are made of, as tests write them down. */
export interface Cluster {
  readonly ingresses: readonly Ingress[]
  readonly ingressClasses: readonly IngressClass[]
  readonly services: readonly Service[]
  readonly endpointSlices: readonly EndpointSlice[]
  readonly configMaps?: readonly ConfigMap[]
  readonly routeGroups?: readonly RouteGroup[]
}

export const emptyCluster: Cluster = {
  ingresses: [],
  ingressClasses: [],
  services: [],
  endpointSlices: [],
}

/** Gives a cluster as a feed would. */
export function snapshotOf(cluster: Cluster): Snapshot {
  return createSnapshot([
    [ingresses, cluster.ingresses],
    [ingressClasses, cluster.ingressClasses],
    [services, cluster.services],
    [endpointSlices, cluster.endpointSlices],
    [configMaps, cluster.configMaps ?? []],
    [routeGroups, cluster.routeGroups ?? []],
  ])
}

/** The defaults of the flags, with annotations that say nothing. */
export const plainOptions: TranslateOptions = {
  classRules: {
    ingressClasses: ['weir'],
    controllerClasses: ['weir.dev/ingress'],
    watchWithoutClass: false,
  },
  externalNames: ['allowed.test'],
  readAnnotations: () => ({ termsFor: () => plainTerms, useRegex: false, problems: [] }),
}

/** A backend of a Service by port number. */
export function backendOf(name: string, number = 80): IngressBackend {
  return { service: { name, port: { number } } }
}

/** A cluster of `count` Ingresses, each with a host, two paths, a Service and a slice of two endpoints of its own. */
export function largeCluster(count: number): Cluster {
  const indices = Array.from({ length: count }, (_, index) => index)
  const namespace = (index: number) => `ns-${index % 100}`
  return {
    ...emptyCluster,
    ingresses: indices.map((index) => ({
      metadata: { name: `web-${index}`, namespace: namespace(index) },
      spec: {
        ingressClassName: 'weir',
        rules: [
          {
            host: `host-${index}.test`,
            http: {
              paths: [
                { path: '/', pathType: 'Prefix', backend: backendOf(`web-${index}`) },
                { path: '/api', pathType: 'Prefix', backend: backendOf(`web-${index}`) },
              ],
            },
          },
        ],
      },
    })),
    services: indices.map((index) => ({
      metadata: { name: `web-${index}`, namespace: namespace(index) },
      spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    })),
    endpointSlices: indices.map((index) => sliceOf(`web-${index}`, namespace(index), index)),
  }
}

/** A slice of two ready endpoints; another `seed` gives other addresses. */
export function sliceOf(service: string, namespace: string, seed: number): EndpointSlice {
  return {
    metadata: {
      name: `${service}-1`,
      namespace,
      labels: { 'kubernetes.io/service-name': service },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: [0, 1].map((offset) => ({
      addresses: [`10.${(seed >> 8) & 255}.${seed & 255}.${offset + 1}`],
      conditions: { ready: true },
    })),
  }
}

type Kind = 'ingresses' | 'ingressClasses' | 'services' | 'endpointSlices'

/** One step of a changing cluster: put an object (in place of the one of its name, else at the end), or delete one. */
export interface Change {
  readonly kind: Kind
  readonly name: string
  readonly object: Ingress | IngressClass | Service | EndpointSlice | undefined
}

/** Applies changes as a watch does: what no change names stays the same object in the same order. */
export function change(cluster: Cluster, changes: readonly Change[]): Cluster {
  const lists = {
    ingresses: [...cluster.ingresses],
    ingressClasses: [...cluster.ingressClasses],
    services: [...cluster.services],
    endpointSlices: [...cluster.endpointSlices],
  }
  for (const { kind, name, object } of changes) {
    const list: (Ingress | IngressClass | Service | EndpointSlice)[] = lists[kind]
    const index = list.findIndex((candidate) => candidate.metadata?.name === name)
    if (object !== undefined) list.splice(index === -1 ? list.length : index, 1, object)
    else if (index !== -1) list.splice(index, 1)
  }
  return lists
}

// Few names, so that objects meet: conflicts, missing Services, shared backends, slices of one Service.
const name = fc.constantFrom('a', 'b', 'c', 'd')
const number = fc.constantFrom(80, 81)
const backend = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(name, number).map(([of, port]) => backendOf(of, port)) },
  { weight: 1, arbitrary: fc.constant<IngressBackend>({ resource: { kind: 'Bucket' } }) },
  { weight: 1, arbitrary: name.map((of): IngressBackend => ({ service: { name: of } })) },
)
const host = fc.constantFrom('a.test', 'b.test', '*.test', '', 'not a host')
const path = fc.record({
  path: fc.constantFrom('/', '/x', '/x/', '/x/y', 'bad'),
  pathType: fc.constantFrom('Exact', 'Prefix', 'ImplementationSpecific'),
  backend,
})
const rule = fc.record({ host, http: fc.record({ paths: fc.array(path, { maxLength: 3 }) }) })

const ingress = fc
  .record({
    rules: fc.array(rule, { maxLength: 2 }),
    defaultBackend: fc.option(backend, { nil: undefined }),
    ingressClassName: fc.constantFrom('weir', 'other', 'edge'),
    created: fc.constantFrom(undefined, '2024-01-01T00:00:00Z', '2025-01-01T00:00:00Z'),
  })
  .map(
    ({ rules, defaultBackend, ingressClassName, created }): Ingress => ({
      metadata: created === undefined ? {} : { creationTimestamp: created },
      spec: {
        ingressClassName,
        rules,
        ...(defaultBackend === undefined ? {} : { defaultBackend }),
      },
    }),
  )

const ingressClass = fc
  .constantFrom('weir.dev/ingress', 'example.com/other')
  .map((controller): IngressClass => ({ spec: { controller } }))

const service = fc.oneof(
  fc.subarray([80, 81]).map(
    (ports): Service => ({
      spec: { ports: ports.map((port) => ({ name: `p${port}`, port })) },
    }),
  ),
  fc.constantFrom('allowed.test', 'refused.test').map(
    (externalName): Service => ({
      spec: { type: 'ExternalName', externalName, ports: [{ port: 80 }] },
    }),
  ),
)

const endpoint = fc.record({
  addresses: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1').map((of) => [of]),
  conditions: fc.record({
    ready: fc.constantFrom(true, false, null),
    terminating: fc.constantFrom(true, false, null),
  }),
})

const slice = fc
  .record({ of: name, endpoints: fc.array(endpoint, { maxLength: 3 }), port: number })
  .map(
    ({ of, endpoints, port }): EndpointSlice => ({
      metadata: { labels: { 'kubernetes.io/service-name': of } },
      addressType: 'IPv4',
      ports: [{ name: `p${port}`, port: 8000 + port }],
      endpoints,
    }),
  )

const namespace = 'shop'

function changesOf<T extends Ingress | IngressClass | Service | EndpointSlice>(
  kind: Kind,
  names: fc.Arbitrary<string>,
  objects: fc.Arbitrary<T>,
): fc.Arbitrary<Change> {
  return fc.tuple(names, fc.option(objects, { nil: undefined, freq: 4 })).map(([of, object]) => ({
    kind,
    name: of,
    object:
      object === undefined
        ? undefined
        : { ...object, metadata: { ...object.metadata, name: of, namespace } },
  }))
}

const someChange = fc.oneof(
  { weight: 4, arbitrary: changesOf('ingresses', name, ingress) },
  {
    weight: 1,
    arbitrary: changesOf('ingressClasses', fc.constantFrom('edge', 'other'), ingressClass),
  },
  { weight: 3, arbitrary: changesOf('services', name, service) },
  { weight: 5, arbitrary: changesOf('endpointSlices', fc.constantFrom('1', '2', '3', '4'), slice) },
)

/** Several changes: what a watch may deliver at once. */
export const someStep: fc.Arbitrary<readonly Change[]> = fc.array(someChange, { maxLength: 5 })

/** Sequences of steps. */
export const someHistory: fc.Arbitrary<readonly (readonly Change[])[]> = fc.array(someStep, {
  minLength: 1,
  maxLength: 12,
})
