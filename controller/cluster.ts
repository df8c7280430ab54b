// What the API server says about proxies and Ingresses: reflectors of exactly the kinds that the settings need.
// Started while we lead, so that hundreds of standby replicas do not watch the whole cluster for nothing.
import type { Clock } from '../shared/clock.ts'
import { type ClassRules, isOthers, isOurs, namedClass } from '../shared/ingress-class.ts'
import type { KubeClient } from '../shared/kube/client.ts'
import type {
  EndpointSlice,
  Ingress,
  IngressClass,
  KubeObject,
  Node,
  Pod,
  RouteGroup,
  Service,
} from '../shared/kube/objects.ts'
import { createReflector, type Reflector } from '../shared/kube/reflector.ts'
import {
  endpointSlices,
  ingressClasses,
  ingresses,
  type KubeResource,
  nodes,
  pods,
  routeGroups,
  services,
} from '../shared/kube/resources.ts'
import type { Selection } from '../shared/kube/watch.ts'
import type { Log } from '../shared/log.ts'
import type { ObjectPath } from '../shared/options-kinds.ts'
import { isOurGroup } from '../shared/route-group-class.ts'
import type { SeenIngress, SeenIngresses } from './status/left-ingresses.ts'
import { addressesOf, shownIn } from './status/published.ts'
import { type ProxyPod, proxiesFromPods, proxiesFromSlices } from './targets/proxy-pods.ts'
import type { ServedIngress } from './world.ts'

export interface ClusterOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  readonly namespace: string
  /** Labels of the proxy pods; undefined when only the Service tells. */
  readonly selector: string | undefined
  /** The proxies' headless Service; undefined when pods tell. */
  readonly service: string | undefined
  readonly needsNodes: boolean
  /** Undefined when Ingress status is off. */
  readonly classRules: ClassRules | undefined
  /** The Service whose addresses Ingress status shows; undefined when something else tells. */
  readonly published: ObjectPath | undefined
  readonly onChange: (eventAtMs: number) => void
}

/** The cluster as far as the controller reads it. */
export interface Cluster {
  start(): void
  stop(): Promise<void>
  /** True once every list that decides about targets was read completely. */
  isSynced(): boolean
  whenSynced(): Promise<void>
  /** Resolves when the lists that decide about nothing but status are complete as well. */
  whenAllSynced(): Promise<void>
  proxies(): ProxyPod[]
  /** Undefined while nodes are not watched or not listed completely. */
  nodes(): ReadonlyMap<string, Node> | undefined
  /** Watches nodes from now on: a group of instances turned up. */
  requireNodes(): void
  /** Undefined until all Ingresses and classes are listed, and where status is off. */
  ingresses(): SeenIngresses | undefined
  /** RouteGroups that the proxies serve; undefined as for Ingresses. A cluster that does not know them has none. */
  routeGroups(): readonly ServedIngress[] | undefined
  /** What the published Service shows: undefined until it is read, empty while it has no address or does not exist. */
  publishedAddresses(): readonly string[] | undefined
  /** ms since each kind was last confirmed by the API server. */
  ages(): Readonly<Record<string, number>>
}

/** Creates the reflectors; nothing happens before `start`. */
export function createCluster(options: ClusterOptions): Cluster {
  const { namespace, selector, service, needsNodes, classRules, published } = options
  const all: { readonly name: string; readonly reflector: Reflector<KubeObject> }[] = []
  /** What must be complete before any target is touched. */
  const decisive: Reflector<KubeObject>[] = []

  function reflect<T extends KubeObject>(
    resource: KubeResource<T>,
    selection: Selection,
  ): Reflector<T> {
    const { client, clock, log } = options
    const onChange = (change: { eventAtMs: number }): void => options.onChange(change.eventAtMs)
    const reflector = createReflector({ client, resource, clock, log, onChange, ...selection })
    all.push({ name: resource.plural, reflector })
    return reflector
  }

  const serviceSlices =
    service === undefined
      ? undefined
      : reflect<EndpointSlice>(endpointSlices, {
          namespace,
          labelSelector: `kubernetes.io/service-name=${service}`,
        })
  const proxyPods =
    selector === undefined ? undefined : reflect<Pod>(pods, { namespace, labelSelector: selector })
  let clusterNodes = needsNodes ? reflect<Node>(nodes, {}) : undefined
  for (const { reflector } of all) decisive.push(reflector)
  const allIngresses = classRules === undefined ? undefined : reflect<Ingress>(ingresses, {})
  const classes = classRules === undefined ? undefined : reflect<IngressClass>(ingressClasses, {})
  // A cluster need not know the kind: nobody waits for it.
  const groups =
    classRules === undefined
      ? undefined
      : createReflector<RouteGroup>({
          client: options.client,
          clock: options.clock,
          log: options.log,
          resource: routeGroups,
          mayBeUnserved: true,
          onChange: ({ eventAtMs }) => options.onChange(eventAtMs),
        })
  // By its name: the right to it need not be the right to all Services.
  const publishedService =
    published === undefined
      ? undefined
      : reflect<Service>(services, {
          namespace: published.namespace,
          fieldSelector: `metadata.name=${published.name}`,
        })

  return {
    start() {
      for (const { reflector } of all) reflector.start()
      groups?.start()
    },
    async stop() {
      await Promise.all([...all.map(({ reflector }) => reflector.stop()), groups?.stop()])
    },
    isSynced: () => decisive.every((reflector) => reflector.synced),
    async whenSynced() {
      await Promise.all(decisive.map((reflector) => reflector.whenSynced()))
    },
    async whenAllSynced() {
      await Promise.all(all.map(({ reflector }) => reflector.whenSynced()))
    },
    proxies() {
      const podList = [...(proxyPods?.items().values() ?? [])]
      return serviceSlices === undefined
        ? proxiesFromPods(podList)
        : proxiesFromSlices([...serviceSlices.items().values()], podList)
    },
    nodes: () => (clusterNodes?.synced === true ? clusterNodes.items() : undefined),
    requireNodes() {
      if (clusterNodes !== undefined) return
      clusterNodes = reflect<Node>(nodes, {})
      clusterNodes.start()
    },
    ingresses() {
      if (classRules === undefined || allIngresses?.synced !== true || classes?.synced !== true) {
        return undefined
      }
      const classList = [...classes.items().values()]
      const served: SeenIngress[] = []
      const others: SeenIngress[] = []
      for (const ingress of allIngresses.items().values()) {
        if (isOurs(ingress, classList, classRules)) served.push(seenIngress(ingress, false))
        else if ((ingress.status?.loadBalancer?.ingress ?? []).length > 0) {
          others.push(seenIngress(ingress, isOthers(ingress, classList, classRules)))
        }
      }
      return { served, others }
    },
    routeGroups() {
      if (classRules === undefined || groups === undefined) return undefined
      return [...groups.items().values()]
        .filter((group) => isOurGroup(group, classRules.ingressClasses))
        .map(seenGroup)
    },
    publishedAddresses() {
      if (publishedService?.synced !== true) return undefined
      const [found] = publishedService.items().values()
      return found === undefined ? [] : addressesOf(found)
    },
    ages: () => Object.fromEntries(all.map(({ name, reflector }) => [name, reflector.ageMs()])),
  }
}

function seenIngress(ingress: Ingress, isOthers: boolean): SeenIngress {
  const { namespace = '', name = '', uid = '', resourceVersion = '' } = ingress.metadata ?? {}
  const entries = ingress.status?.loadBalancer?.ingress ?? []
  return {
    ingress: { namespace, name, uid },
    resourceVersion,
    className: namedClass(ingress),
    isOthers,
    shown: entries.map(shownIn),
  }
}

function seenGroup(group: RouteGroup): ServedIngress {
  const { namespace = '', name = '', uid = '' } = group.metadata ?? {}
  const entries = group.status?.loadBalancer?.routegroup ?? []
  return { ingress: { namespace, name, uid }, shown: entries.map(shownIn) }
}
