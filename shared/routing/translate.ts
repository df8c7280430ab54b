// What do the objects of a cluster mean for the proxy? Objects in, route table and problems out. Pure: no clock, no I/O.
//
//   Ingress ─► claims (one Ingress each) ─► winners ─► routes ─┐
//   Service, EndpointSlice ─► index by Service ─► upstreams ───┴─► { table, problems }
//
// Invariant: one bad object never changes what the others give.
// Invariant: a translator gives what a fresh one would give for the same objects; it only reuses what did not change,
// down to the references: an endpoint that moves leaves `routes` and every other Upstream the same objects.
import { isDeepStrictEqual } from 'node:util'
import { readExternalHost } from '../external-host.ts'
import { type ClassRules, isOurs } from '../ingress-class.ts'
import type { EndpointSlice, Ingress, IngressClass, Service } from '../kube/objects.ts'
import { endpointSlices, ingressClasses, ingresses, services } from '../kube/resources.ts'
import type { Snapshot, WatchedKind } from '../kube/snapshot.ts'
import type { Problem } from '../problem.ts'
import { readAnnotations } from './ingress/annotations/read.ts'
import { type IngressReading, type ReadAnnotations, readIngress } from './ingress/claims.ts'
import { type BackendUse, type MergedIngresses, mergeReadings } from './merge.ts'
import { ObjectIndex } from './object-index.ts'
import { identityOf, isMapping, mappingOf, textOf } from './shapes.ts'
import type { Route, RouteTable, Upstream } from './table.ts'
import { type BackendName, type BackendRef, refOf } from './upstreams/backend-ref.ts'
import { isSameUpstream, type Resolved, resolveBackend } from './upstreams/endpoints.ts'
import { reportFindings } from './upstreams/findings.ts'

export interface TranslateOptions {
  readonly classRules: ClassRules
  /** `--default-backend`: serves whatever would be 404. */
  readonly defaultBackend?: BackendName
  /** `--external-names`: hosts that ExternalName Services may name; other spellings of them are the same. */
  readonly externalNames: readonly string[]
  /** Reads the annotations of an Ingress; absent: all families that Weir knows. */
  readonly readAnnotations?: ReadAnnotations
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

/** One backend as the last snapshot resolved it. */
interface Slot extends BackendUse {
  resolved: Resolved
}

class RouteTranslator implements Translator {
  readonly kinds: readonly WatchedKind[] = [
    { resource: ingresses, isOptional: false },
    // A Role of one namespace cannot allow a cluster-wide kind.
    { resource: ingressClasses, isOptional: true },
    { resource: services, isOptional: false },
    { resource: endpointSlices, isOptional: false },
  ]
  readonly #options: TranslateOptions
  readonly #externalNames: ReadonlySet<string>
  readonly #readAnnotations: ReadAnnotations
  readonly #fallback: { readonly route: Route; readonly ref: BackendRef } | undefined
  readonly #services = new ObjectIndex<Service>(serviceKeyOf)
  readonly #slices = new ObjectIndex<EndpointSlice>(serviceKeyOfSlice)
  #readings = new Map<Ingress, IngressReading>()
  #ingresses: readonly Ingress[] = []
  #classes: readonly IngressClass[] = []
  #merged: MergedIngresses | undefined
  #slots: readonly Slot[] = []
  #slotsByService = new Map<string, readonly Slot[]>()
  #last: Translation | undefined

  constructor(options: TranslateOptions) {
    this.#options = options
    this.#externalNames = new Set(options.externalNames.map(oneForm))
    this.#readAnnotations = options.readAnnotations ?? readAnnotations
    this.#fallback =
      options.defaultBackend === undefined ? undefined : fallbackOf(options.defaultBackend)
  }

  translate(snapshot: Snapshot): Translation {
    const changedServices = this.#services.update(snapshot.list(services))
    const changedSlices = this.#slices.update(snapshot.list(endpointSlices))
    const mergedBefore = this.#merged
    const merged = this.#merge(snapshot.list(ingresses), snapshot.list(ingressClasses))
    let isChanged = merged !== mergedBefore
    const changed = new Set([...changedServices, ...changedSlices])
    if (isChanged) this.#replaceSlots(merged.uses, changed)
    else isChanged = this.#refreshSlots(changed)
    if (this.#last !== undefined && !isChanged) return this.#last
    this.#last = this.#assemble(merged)
    return this.#last
  }

  #merge(list: readonly Ingress[], classes: readonly IngressClass[]): MergedIngresses {
    const before = this.#merged
    const isSame = isSameList(list, this.#ingresses) && isSameList(classes, this.#classes)
    this.#ingresses = list
    this.#classes = classes
    if (before !== undefined && isSame) return before
    const readings = new Map<Ingress, IngressReading>()
    for (const ingress of list) {
      if (!isMapping(ingress) || !isOurs(ingress, classes, this.#options.classRules)) continue
      const known = this.#readings.get(ingress)
      readings.set(ingress, known ?? readIngress(ingress, this.#readAnnotations))
    }
    this.#readings = readings
    this.#merged = mergeReadings([...readings.values()])
    return this.#merged
  }

  #replaceSlots(uses: readonly BackendUse[], changed: ReadonlySet<string>): void {
    const known = new Map(this.#slots.map((slot) => [slot.ref.key, slot.resolved]))
    const slots = this.#withFallback(uses).map((use) => {
      const resolved = changed.has(use.ref.serviceKey) ? undefined : known.get(use.ref.key)
      return { ...use, resolved: resolved ?? this.#resolve(use.ref) }
    })
    this.#slots = slots
    this.#slotsByService = Map.groupBy(slots, (slot) => slot.ref.serviceKey)
  }

  #withFallback(uses: readonly BackendUse[]): readonly BackendUse[] {
    const ref = this.#fallback?.ref
    if (ref === undefined || uses.some((use) => use.ref.key === ref.key)) return uses
    return [...uses, { ref, claims: [] }]
  }

  /** Resolves the backends of changed Services anew; tells whether anything came out differently. */
  #refreshSlots(changed: ReadonlySet<string>): boolean {
    let isChanged = false
    for (const serviceKey of changed) {
      for (const slot of this.#slotsByService.get(serviceKey) ?? []) {
        const next = this.#resolve(slot.ref)
        const { upstream, findings } = slot.resolved
        const isSame = isSameUpstream(next.upstream, upstream)
        if (isSame && isDeepStrictEqual(next.findings, findings)) continue
        slot.resolved = { ...next, upstream: isSame ? upstream : next.upstream }
        isChanged = true
      }
    }
    return isChanged
  }

  #resolve(ref: BackendRef): Resolved {
    const service = this.#services.get(ref.serviceKey)[0]
    return resolveBackend(ref, service, this.#slices.get(ref.serviceKey), this.#externalNames)
  }

  #assemble(merged: MergedIngresses): Translation {
    const upstreams: Upstream[] = []
    const backendProblems = new Map<string, Problem>()
    for (const { ref, claims, resolved } of this.#slots) {
      // A key without an upstream tells the data plane that there is no such Service (`service-missing`).
      if (resolved.hasService) upstreams.push(resolved.upstream)
      const owner = { kind: 'Service', namespace: ref.namespace, name: ref.service }
      reportFindings(resolved.findings, claims, owner, backendProblems)
    }
    const fallback = this.#fallback?.route
    const { routes } = merged
    return {
      table: fallback === undefined ? { routes, upstreams } : { routes, upstreams, fallback },
      problems: [...merged.problems, ...backendProblems.values()],
    }
  }
}

function fallbackOf(name: BackendName): { route: Route; ref: BackendRef } {
  const ref = refOf(name)
  const route: Route = {
    owner: { kind: 'Option', namespace: name.namespace, name: '' },
    match: { host: '', pathType: 'Prefix', path: '/', conditions: [] },
    filters: [],
    backend: {
      kind: 'forward',
      choices: [{ upstream: ref.key, service: name.service, weight: 1 }],
    },
  }
  return { route, ref }
}

function serviceKeyOf(service: Service): string | undefined {
  const { namespace, name } = identityOf(service)
  return name === undefined ? undefined : `${namespace}/${name}`
}

function serviceKeyOfSlice(slice: EndpointSlice): string | undefined {
  const labels = mappingOf(mappingOf(mappingOf(slice).metadata).labels)
  const service = textOf(labels['kubernetes.io/service-name'])
  return service === undefined ? undefined : `${identityOf(slice).namespace}/${service}`
}

function isSameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a === b || (a.length === b.length && a.every((item, index) => item === b[index]))
}

/** What the option took is a host. */
function oneForm(name: string): string {
  const result = readExternalHost(name)
  return result.ok ? result.host : name
}
