// Which upstreams do the routes need, and what is wrong behind them? Only backends that a change touches are resolved again.
//
// Invariant: an upstream whose meaning did not change is the same reference as before, and so is the map of all of them.
// Invariant: endpoints change far more often than rules: a slice that changes costs the backends of its Service, no more.
import { isDeepStrictEqual } from 'node:util'
import type { EndpointSlice, Service } from '../../kube/objects.ts'
import { endpointSlices, services } from '../../kube/resources.ts'
import type { Snapshot, WatchedKind } from '../../kube/snapshot.ts'
import type { Problem } from '../../problem.ts'
import { ObjectIndex } from '../object-index.ts'
import { compareClaims } from '../settle-host.ts'
import { identityOf, mappingOf, textOf } from '../shapes.ts'
import { emptyMap, type ShardedMap, withEntries } from '../sharded-map.ts'
import type { Claim } from '../source.ts'
import type { Upstream } from '../table.ts'
import { resolveAddresses } from './addresses.ts'
import type { BackendRef } from './backend-ref.ts'
import { isSameUpstream, type Resolved, resolveBackend } from './endpoints.ts'
import { type BackendReport, reportFindings } from './findings.ts'
import { resolveOrigin } from './origin.ts'

/** What snapshots must hold to resolve backends. */
export const backendKinds: readonly WatchedKind[] = [
  { resource: services, isOptional: false },
  { resource: endpointSlices, isOptional: false },
]

export interface ResolvedBackends {
  /** By key. A key without an upstream tells the data plane that there is no such Service (`service-missing`). */
  readonly upstreams: ShardedMap<Upstream>
  readonly problems: readonly Problem[]
}

/** One backend, and who needs it. */
interface Use {
  readonly ref: BackendRef
  claims: Claim[]
  resolved: Resolved
}

/** The backends of all claims that won, and `pinned`, which is always needed (`--default-backend`). */
export class UsedBackends {
  readonly #externalNames: ReadonlySet<string>
  readonly #authUrls: ReadonlySet<string>
  readonly #backendUrls: ReadonlySet<string>
  readonly #pinned: BackendRef | undefined
  readonly #services = new ObjectIndex<Service>(serviceKeyOf)
  readonly #slices = new ObjectIndex<EndpointSlice>(serviceKeyOfSlice)
  readonly #uses = new Map<string, Use>()
  readonly #byService = new Map<string, readonly Use[]>()
  /** Of the backends that something is wrong with. */
  readonly #reports = new Map<Use, BackendReport>()
  #upstreams: ShardedMap<Upstream> = emptyMap()
  #problems: readonly Problem[] = []

  constructor(
    externalNames: ReadonlySet<string>,
    authUrls: ReadonlySet<string>,
    pinned: BackendRef | undefined,
    backendUrls: ReadonlySet<string> = new Set(),
  ) {
    this.#externalNames = externalNames
    this.#authUrls = authUrls
    this.#backendUrls = backendUrls
    this.#pinned = pinned
  }

  /** Takes the next snapshot, and the claims that have won or lost since the one before. */
  update(snapshot: Snapshot, won: readonly Claim[], lost: readonly Claim[]): ResolvedBackends {
    const changed = this.#services
      .update(snapshot.list(services))
      .union(this.#slices.update(snapshot.list(endpointSlices)))
    const touched = new Set<Use>()
    for (const serviceKey of changed) {
      for (const use of this.#byService.get(serviceKey) ?? []) {
        if (this.#refresh(use)) touched.add(use)
      }
    }
    if (this.#pinned !== undefined) this.#use(this.#pinned, touched)
    // Those that win come first: a backend that only changes hands stays as it is.
    for (const claim of won) {
      for (const ref of claim.backends) this.#add(claim, this.#use(ref, touched), touched)
    }
    const named = lost.flatMap((claim) => claim.backends.map(({ key }) => ({ claim, key })))
    for (const [key, list] of Map.groupBy(named, (item) => item.key)) {
      const claims = new Set(list.map(({ claim }) => claim))
      this.#drop(claims, this.#uses.get(key), touched)
    }
    this.#collect(touched)
    return { upstreams: this.#upstreams, problems: this.#problems }
  }

  #add(claim: Claim, use: Use, touched: Set<Use>): void {
    // A list that grows by push reserves room for 16 more, which most of many thousand backends would never use.
    if (use.claims.length < 8) use.claims = [...use.claims, claim]
    else use.claims.push(claim)
    if (use.resolved.findings.length > 0) touched.add(use)
  }

  #drop(claims: ReadonlySet<Claim>, use: Use | undefined, touched: Set<Use>): void {
    if (use === undefined) return
    use.claims = use.claims.filter((claim) => !claims.has(claim))
    if (use.claims.length === 0 || use.resolved.findings.length > 0) touched.add(use)
  }

  /** Finds the use of a backend; one that is needed for the first time is resolved. */
  #use(ref: BackendRef, touched: Set<Use>): Use {
    const known = this.#uses.get(ref.key)
    if (known !== undefined) return known
    const use: Use = { ref, claims: [], resolved: this.#resolve(ref) }
    this.#uses.set(ref.key, use)
    this.#byService.set(ref.serviceKey, [...(this.#byService.get(ref.serviceKey) ?? []), use])
    touched.add(use)
    return use
  }

  /** Resolves a backend anew; tells whether anything came out differently. */
  #refresh(use: Use): boolean {
    const next = this.#resolve(use.ref)
    const { hasService, upstream, findings } = use.resolved
    const isSame = isSameUpstream(next.upstream, upstream)
    const isKnown = isSame && next.hasService === hasService
    if (isKnown && isDeepStrictEqual(next.findings, findings)) return false
    use.resolved = { ...next, upstream: isSame ? upstream : next.upstream }
    return true
  }

  #resolve(ref: BackendRef): Resolved {
    const { serviceKey, origin, addresses } = ref
    if (addresses !== undefined) return resolveAddresses(ref, addresses, this.#backendUrls)
    const resolveService = (): Resolved => {
      const service = this.#services.get(serviceKey)[0]
      return resolveBackend(ref, service, this.#slices.get(serviceKey), this.#externalNames)
    }
    return origin === undefined
      ? resolveService()
      : resolveOrigin(ref, origin, this.#authUrls, resolveService)
  }

  #forget(use: Use): void {
    const { key, serviceKey } = use.ref
    this.#uses.delete(key)
    const rest = (this.#byService.get(serviceKey) ?? []).filter((other) => other !== use)
    if (rest.length === 0) this.#byService.delete(serviceKey)
    else this.#byService.set(serviceKey, rest)
  }

  /** Brings upstreams and problems up to date with the backends that changed. */
  #collect(touched: ReadonlySet<Use>): void {
    const changed: [string, Upstream | undefined][] = []
    let areProblemsOther = false
    for (const use of touched) {
      const { ref, claims, resolved } = use
      const isUsed = claims.length > 0 || ref.key === this.#pinned?.key
      if (!isUsed) this.#forget(use)
      changed.push([ref.key, isUsed && resolved.hasService ? resolved.upstream : undefined])
      const hadReport = this.#reports.delete(use)
      const hasReport = isUsed && resolved.findings.length > 0
      if (hasReport) {
        claims.sort(compareClaims)
        this.#reports.set(use, reportFindings(ref, resolved.findings, claims))
      }
      areProblemsOther ||= hadReport || hasReport
    }
    if (changed.length > 0) this.#upstreams = withEntries(this.#upstreams, changed)
    if (areProblemsOther) this.#problems = this.#joinReports()
  }

  #joinReports(): readonly Problem[] {
    const inOrder = [...this.#reports].sort(([a], [b]) => compareUses(a, b))
    // Several ports of a Service share its slices: what is wrong with one is said once.
    const joined = new Map<string, Problem>()
    for (const [, report] of inOrder) for (const [key, problem] of report) joined.set(key, problem)
    return [...joined.values()]
  }
}

/** By the first rules that name them; a backend that no rule names comes last. */
function compareUses(a: Use, b: Use): number {
  const [claimOfA] = a.claims
  const [claimOfB] = b.claims
  if (claimOfA === undefined) return 1
  if (claimOfB === undefined) return -1
  return compareClaims(claimOfA, claimOfB) || (a.ref.key < b.ref.key ? -1 : 1)
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
