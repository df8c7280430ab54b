// What do the objects of a cluster mean for the proxy? Objects in, route table and problems out. Pure: no clock, no I/O.
//
//   Ingress    ─► source ─► claims ─┐
//   RouteGroup ─► source ─► claims ─┴─► settle ─► routes ──────────────┐
//                                          └─ who won ─► backends ─────┤
//   Service, EndpointSlice ───────────────────────────► of these ──────┴─► { table, problems }
//
// Invariant: one bad object never changes what the others give.
// Invariant: a translator gives what a fresh one would give for the same objects; it only reuses what did not change,
// down to the references: an endpoint that moves leaves all routes and every other Upstream the same objects.
import { readExternalHost } from '../external-host.ts'
import type { ClassRules } from '../ingress-class.ts'
import type { Snapshot, WatchedKind } from '../kube/snapshot.ts'
import type { Problem } from '../problem.ts'
import type { EskipContext } from './eskip/compile.ts'
import { readAnnotations } from './ingress/annotations/read.ts'
import type { ReadAnnotations } from './ingress/claims.ts'
import type { IngressSettings } from './ingress/globals.ts'
import { createIngressSource } from './ingress/source.ts'
import { createRouteGroupSource } from './routegroup/source.ts'
import type { ServingRules } from './serving-rules.ts'
import { Settler } from './settle.ts'
import type { RouteSource } from './source.ts'
import type { Route, RouteTable } from './table.ts'
import { type BackendName, type BackendRef, refOf } from './upstreams/backend-ref.ts'
import { backendKinds, UsedBackends } from './upstreams/used-backends.ts'

export interface TranslateOptions {
  readonly classRules: ClassRules
  /** `--default-backend`: serves whatever would be 404. */
  readonly defaultBackend?: BackendName
  /** `--external-names`: hosts that ExternalName Services may name; other spellings of them are the same. */
  readonly externalNames: readonly string[]
  /** `--auth-urls`: origins that filters may ask, in the form of readAllowedOrigin; absent: none. */
  readonly authUrls?: readonly string[]
  /** Reads the annotations of an Ingress; absent: all families that Weir knows. */
  readonly readAnnotations?: ReadAnnotations
  /** What counts for all Ingresses; absent: Weir's own defaults. */
  readonly ingressSettings?: IngressSettings
  /** `--backend-urls`: addresses that objects may name as what serves their routes; absent: none. */
  readonly backendUrls?: readonly string[]
  /** `--route-groups`; absent: they are served. */
  readonly hasRouteGroups?: boolean
  /** What counts for all routes that are written in eskip. */
  readonly eskip?: Omit<EskipContext, 'namespace'>
}

export interface Translation {
  readonly table: RouteTable
  readonly problems: readonly Problem[]
}

/** Translates one snapshot after the other and reuses what did not change, by object identity. */
export interface Translator {
  /** What snapshots must hold. */
  readonly kinds: readonly WatchedKind[]
  /** Gives the same Translation when nothing changed. */
  translate(snapshot: Snapshot): Translation
}

/** Translates one snapshot. */
export function translate(snapshot: Snapshot, options: TranslateOptions): Translation {
  return createTranslator(options).translate(snapshot)
}

/** Creates a translator that has seen nothing yet. */
export function createTranslator(options: TranslateOptions): Translator {
  return new RouteTranslator(options)
}

class RouteTranslator implements Translator {
  readonly kinds: readonly WatchedKind[]
  readonly #sources: readonly RouteSource[]
  readonly #settler = new Settler()
  readonly #backends: UsedBackends
  readonly #fallback: Route | undefined
  #problemsOfRoutes: readonly Problem[] = []
  #problemsOfBackends: readonly Problem[] = []
  #last: Translation | undefined

  constructor(options: TranslateOptions) {
    const { classRules, defaultBackend, externalNames } = options
    const readWith = options.readAnnotations ?? readAnnotations
    const fallback = defaultBackend === undefined ? undefined : refOf(defaultBackend)
    const { ingressSettings } = options
    const readIngresses: ReadAnnotations =
      fallback === undefined || ingressSettings?.like !== 'ingress-nginx'
        ? readWith
        : (ingress, defaults) => readWith(ingress, { ...defaults, fallback })
    this.#sources = [
      createIngressSource(classRules, readIngresses, ingressSettings),
      ...(options.hasRouteGroups === false
        ? []
        : [createRouteGroupSource({ ...options.eskip, classes: classRules.ingressClasses })]),
    ]
    this.kinds = [...this.#sources.flatMap((source) => source.kinds), ...backendKinds]
    this.#backends = new UsedBackends(
      new Set(externalNames.map(oneForm)),
      new Set(options.authUrls),
      fallback,
      new Set(options.backendUrls),
    )
    this.#fallback = fallback === undefined ? undefined : fallbackTo(fallback)
  }

  translate(snapshot: Snapshot): Translation {
    const outputs = this.#sources.map((source) => source.read(snapshot))
    const { won, lost, certificates, ...routes } = this.#settler.settle(outputs)
    const backends = this.#backends.update(snapshot, won, lost)
    const last = this.#last
    const serving = outputs.find((output) => output.serving !== undefined)?.serving
    const isTableSame =
      routes.hosts === last?.table.hosts &&
      certificates === last.table.certificates &&
      backends.upstreams === last.table.upstreams &&
      serving === last.table.serving
    const areProblemsSame =
      routes.problems === this.#problemsOfRoutes && backends.problems === this.#problemsOfBackends
    if (last !== undefined && isTableSame && areProblemsSame) return last
    this.#problemsOfRoutes = routes.problems
    this.#problemsOfBackends = backends.problems
    this.#last = {
      table: isTableSame
        ? last.table
        : this.#tableOf(routes.hosts, certificates, backends.upstreams, serving),
      problems: areProblemsSame
        ? (last?.problems ?? [])
        : [...routes.problems, ...backends.problems],
    }
    return this.#last
  }

  #tableOf(
    hosts: RouteTable['hosts'],
    certificates: RouteTable['certificates'],
    upstreams: RouteTable['upstreams'],
    serving: ServingRules | undefined,
  ): RouteTable {
    const fallback = this.#fallback
    return {
      hosts,
      upstreams,
      ...(certificates === undefined ? {} : { certificates }),
      ...(fallback === undefined ? {} : { fallback }),
      ...(serving === undefined ? {} : { serving }),
    }
  }
}

function fallbackTo({ key, namespace, service }: BackendRef): Route {
  return {
    owner: { kind: 'Option', namespace, name: '' },
    match: { host: '', pathType: 'Prefix', path: '/', conditions: [] },
    filters: [],
    backend: { kind: 'forward', choices: [{ upstream: key, service, weight: 1 }] },
  }
}

/** What the option took is a host. */
function oneForm(name: string): string {
  const result = readExternalHost(name)
  return result.ok ? result.host : name
}
