// How does a conformance case become objects of a cluster? The cases name Services and endpoints in short; this spells them out.
//
// A runner decides with `place` where an endpoint really listens: test upstreams have loopback addresses, the cases have pod
// addresses. Endpoints that must not be used (terminating, not ready) are placed, too, so that a wrong choice is seen.
import { readFileSync } from 'node:fs'
import type { ClassRules } from '../../shared/ingress-class.ts'
import type {
  EndpointSlice,
  Ingress,
  IngressClass,
  Service,
  ServicePort,
  SliceEndpoint,
} from '../../shared/kube/objects.ts'
import type { Endpoint } from '../../shared/routing/table.ts'
import type { Cluster } from '../../shared/routing/testing/cluster.ts'

/** An endpoint list of a case: addresses alone are ready endpoints. */
interface CaseSlice {
  readonly ports: readonly {
    readonly name?: string
    readonly port: number
    readonly protocol?: string
  }[]
  readonly addresses?: readonly string[]
  readonly endpoints?: readonly SliceEndpoint[]
}

interface CaseService {
  readonly name: string
  readonly namespace: string
  readonly ports: readonly ServicePort[]
  /** How many endpoints there are when no slices are given. */
  readonly readyEndpoints: number
  readonly endpointSlicePorts?: CaseSlice['ports']
  readonly endpointSlices?: readonly CaseSlice[]
  readonly type?: string
  readonly externalName?: string
  /** null: the Service has no selector. */
  readonly selector?: null
}

/** What a case expects of one request. */
export interface CaseExpectation {
  readonly status: number
  /** Other statuses that are right, too. */
  readonly alternatives?: readonly number[]
  readonly service?: string
  readonly namespace?: string
  /** The port as the rule names it. */
  readonly port?: number | string
  /** `address:port` of all endpoints that may answer; with `repeat` each of them must. */
  readonly endpoints?: readonly string[]
  readonly endpointPort?: number
  readonly evenSplit?: boolean
  readonly distinctPods?: number
  readonly proto?: string
  readonly responseHeadersPresent?: readonly string[]
  /** The certificate that the client must see: TLS ends at the load balancer, which takes it for the hosts of `spec.tls`. */
  readonly tls?: { readonly certificateVerifiesHostname?: string }
  readonly upstream?: {
    readonly method?: string
    readonly path?: string
    readonly host?: string
    readonly proto?: string
    readonly headers?: Readonly<Record<string, string>>
  }
}

export interface CaseRequest {
  readonly scheme: string
  readonly method: string
  /** Host field; empty: the address of the proxy. */
  readonly host: string
  /** With its query. */
  readonly path: string
  readonly expect: CaseExpectation
  readonly repeat?: number
  readonly newConnectionEach?: boolean
  readonly note?: string
}

export interface ConformanceCase {
  readonly id: string
  readonly suite: string
  readonly scenario: string
  readonly level: string
  readonly ingresses: readonly Ingress[]
  readonly services: readonly CaseService[]
  readonly requests: readonly CaseRequest[]
  /** Name of our class; `name(default)`: it is marked as the default class. */
  readonly controllerClass?: string
}

/** An endpoint as a case names it. */
export interface CaseEndpoint {
  readonly namespace: string
  readonly service: string
  readonly address: string
  readonly port: number
}

const ourController = 'weir.dev/ingress'

/** Reads all cases. */
export function readCases(): readonly ConformanceCase[] {
  const url = new URL('../cases/conformance-cases.json', import.meta.url)
  const file: { readonly cases: readonly ConformanceCase[] } = JSON.parse(readFileSync(url, 'utf8'))
  return file.cases
}

/** The class settings (`--ingress-class`, `--controller-class`) that the proxy of a case runs with. */
export function classRulesOf(conformance: ConformanceCase): ClassRules {
  return {
    ingressClasses: [classOf(conformance).name],
    controllerClasses: [ourController],
    watchWithoutClass: false,
  }
}

/** Lists every endpoint of a case, each address and port once. */
export function endpointsOf(conformance: ConformanceCase): readonly CaseEndpoint[] {
  const found = new Map<string, CaseEndpoint>()
  for (const [index, declared] of conformance.services.entries()) {
    const { namespace, name: service } = declared
    for (const slice of slicesOf(declared, index)) {
      for (const { addresses } of slice.endpoints) {
        for (const address of addresses ?? []) {
          for (const { port } of slice.ports) {
            found.set(`${address} ${port}`, { namespace, service, address, port })
          }
        }
      }
    }
  }
  return [...found.values()]
}

/** Builds the objects of a case. `maxEndpoints` bounds the endpoints per Service: a scale-up starts with one. */
export function buildObjects(
  conformance: ConformanceCase,
  place: (endpoint: CaseEndpoint) => Endpoint = ({ address, port }) => ({ address, port }),
  maxEndpoints = Number.POSITIVE_INFINITY,
): Cluster {
  return {
    ingresses: conformance.ingresses,
    ingressClasses: buildClasses(conformance),
    services: conformance.services.map(buildService),
    endpointSlices: conformance.services.flatMap((service, index) =>
      buildSlices(service, slicesOf(service, index, maxEndpoints), place),
    ),
  }
}

function classOf({ controllerClass = 'conformance' }: ConformanceCase) {
  const isDefault = controllerClass.endsWith('(default)')
  return { name: controllerClass.replace('(default)', ''), isDefault }
}

function buildClasses(conformance: ConformanceCase): readonly IngressClass[] {
  const { name, isDefault } = classOf(conformance)
  const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' }
  return [
    buildClass(name, ourController, isDefault ? annotations : {}),
    buildClass('other', 'example.com/other', {}),
  ]
}

function buildClass(
  name: string,
  controller: string,
  annotations: Readonly<Record<string, string>>,
): IngressClass {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name, annotations },
    spec: { controller },
  }
}

function buildService(service: CaseService): Service {
  const { name, namespace, ports, type = 'ClusterIP', externalName, selector } = service
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: {
      type,
      ports,
      ...(externalName === undefined ? {} : { externalName }),
      ...(selector === null || externalName !== undefined ? {} : { selector: { app: name } }),
    },
  }
}

interface FullSlice {
  readonly ports: CaseSlice['ports']
  readonly endpoints: readonly SliceEndpoint[]
}

function slicesOf(
  service: CaseService,
  index: number,
  maxEndpoints = Number.POSITIVE_INFINITY,
): readonly FullSlice[] {
  if (service.endpointSlices !== undefined) {
    return service.endpointSlices.map(({ ports, addresses = [], endpoints }) => ({
      ports,
      endpoints: endpoints ?? addresses.map((address) => ({ addresses: [address] })),
    }))
  }
  const length = Math.min(service.readyEndpoints, maxEndpoints)
  const endpoints = Array.from({ length }, (_, number) => ({
    addresses: [`10.1.${index}.${number + 1}`],
    conditions: { ready: true, serving: true, terminating: false },
  }))
  return [{ ports: service.endpointSlicePorts ?? service.ports.map(targetOf), endpoints }]
}

/** The slice port that Kubernetes makes of a Service port. */
function targetOf(servicePort: ServicePort): CaseSlice['ports'][number] {
  const { name = '', port = 0, targetPort, protocol = 'TCP' } = servicePort
  return { name, port: typeof targetPort === 'number' ? targetPort : port, protocol }
}

/** A slice has one list of ports for all its endpoints: endpoints that are placed on other ports get another slice. */
function buildSlices(
  { namespace, name: service }: CaseService,
  slices: readonly FullSlice[],
  place: (endpoint: CaseEndpoint) => Endpoint,
): readonly EndpointSlice[] {
  return slices.flatMap(({ ports, endpoints }, index) => {
    const placed = endpoints.map((endpoint) => {
      const address = endpoint.addresses?.[0] ?? ''
      const targets = ports.map(({ port }) => place({ namespace, service, address, port }))
      const addresses = targets[0] === undefined ? [address] : [targets[0].address]
      return { endpoint: { ...endpoint, addresses }, numbers: targets.map(({ port }) => port) }
    })
    const groups = [...Map.groupBy(placed, ({ numbers }) => numbers.join()).values()]
    return groups.map((group, part) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `${service}-${index}-${part}`,
        namespace,
        labels: { 'kubernetes.io/service-name': service },
      },
      addressType: group[0]?.endpoint.addresses[0]?.includes(':') === true ? 'IPv6' : 'IPv4',
      ports: ports.map((port, position) => ({
        ...port,
        // The API server names an unnamed port with the empty text.
        name: port.name ?? '',
        port: group[0]?.numbers[position] ?? port.port,
        protocol: port.protocol ?? 'TCP',
      })),
      endpoints: group.map(({ endpoint }) => endpoint),
    }))
  })
}
