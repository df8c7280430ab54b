// What does one Ingress ask for? A list of claims, each of one host, path type and path, before anybody compares Ingresses.
//
// Invariant: depends on this one object and the defaults of all only, so it is read once per version of these.
// Invariant: whatever is wrong with it, the result is claims for the rest and problems; nothing is thrown.
import type { Ingress } from '../../kube/objects.ts'
import type { Problem } from '../../problem.ts'
import type { CertificateClaim } from '../certificates.ts'
import { claimAll } from '../eskip/claim-all.ts'
import { closedRoute } from '../eskip/compile.ts'
import { narrowEastWest } from '../eskip/east-west.ts'
import type { Filter } from '../filters/kind.ts'
import { filterKinds } from '../filters/kinds.ts'
import {
  identityOf,
  isAbsent,
  isMapping,
  listOf,
  type Mapping,
  mappingOf,
  type Owner,
  type Report,
  reportTo,
  shown,
  textOf,
} from '../shapes.ts'
import type { Claim, Reading } from '../source.ts'
import type { Route } from '../table.ts'
import { type BackendRef, throughService } from '../upstreams/backend-ref.ts'
import type { AnnotationProblem, AnnotationReading } from './annotations/read.ts'
import { rulePathsOf } from './annotations/rule-paths.ts'
import { parseBackend } from './backend.ts'
import { readCertificates } from './certificates.ts'
import { type IngressDefaults, ownDefaults } from './defaults.ts'
import { parseHost } from './hosts.ts'
import { parseRulePath, type RulePath } from './paths.ts'
import { claimsOfSite, traitsOf } from './site-claims.ts'
import { expressionOf, routesAt, shareEqualPaths, withinBounds } from './skipper-claims.ts'
import { tlsHostsOf } from './tls-hosts.ts'
import { chooseForRule } from './weighted-choices.ts'

/** Reads the annotations of one Ingress; must not throw. */
export type ReadAnnotations = (ingress: Ingress, defaults: IngressDefaults) => AnnotationReading

/** Reads one Ingress, of whatever shape; `defaults` count where its annotations say nothing. */
export function readIngress(
  ingress: Ingress,
  readAnnotations: ReadAnnotations,
  defaults: IngressDefaults = ownDefaults,
): Reading {
  const { namespace, name } = identityOf(ingress)
  const owner: Owner = { kind: 'Ingress', namespace, name: name ?? '' }
  const problems: Problem[] = []
  const report = reportTo(problems, owner)
  if (name === undefined) {
    report('invalid-object', 'metadata.name', 'The Ingress has no name.', 'Set metadata.name.')
    return { claims: [], problems }
  }
  try {
    const annotations = withinBounds(
      readAnnotations(ingress, defaults),
      rulePathsOf(ingress).length,
      (message, remedy) => report('invalid-annotation', routesField, message, remedy),
    )
    const reader = new IngressReader(ingress, owner, annotations, report)
    const shares = annotations.skipper?.shares
    const read = reader.read()
    const ofRules = shares === undefined ? read : shareEqualPaths(read, shares)
    const claims = [...ofRules, ...reader.readSite()]
    const certificates = reader.readCertificates(claims)
    reader.reportIdle()
    const ofAnnotations = annotations.problems.map((problem) => tell(problem, claims[0]?.role))
    return {
      claims,
      problems: [...ofAnnotations, ...problems],
      ...(certificates.length === 0 ? {} : { certificates }),
    }
  } catch (error) {
    // Never reached by a known shape. One Ingress that defeats its reader must not stop the others; it is served not at all.
    const cause = error instanceof Error ? error.message : String(error)
    report('invalid-object', '', `The Ingress cannot be read: ${cause}.`, 'Check its structure.')
    return { claims: [], problems }
  }
}

/** Says what clients get: an Ingress without routes has none that could answer, and so has a canary. `role`: of its first claim. */
function tell(
  { withoutRoutes, onCanary, ...problem }: AnnotationProblem,
  role: Claim['role'] | undefined,
): Problem {
  const { message } = problem
  if (role === undefined) return { ...problem, message: withoutRoutes ?? message }
  return role === 'alternative' ? { ...problem, message: onCanary ?? message } : problem
}

const routesField = 'metadata.annotations["zalando.org/skipper-routes"]'

class IngressReader {
  readonly #spec: unknown
  readonly #createdAt: number
  readonly #owner: Owner
  readonly #annotations: AnnotationReading
  readonly #report: Report
  readonly #claims: Claim[] = []
  /** Those that rules name. */
  readonly #hosts = new Set<string>()
  readonly #isTlsHost: (host: string) => boolean
  /** What is wrong with routes that stand at several paths is said once. */
  readonly #told = new Set<string>()
  /** Undefined: there are none. */
  #areWeightsIdle: boolean | undefined

  constructor(ingress: Ingress, owner: Owner, annotations: AnnotationReading, report: Report) {
    this.#spec = ingress.spec
    this.#isTlsHost = tlsHostsOf(ingress)
    const created = Date.parse(textOf(mappingOf(ingress.metadata).creationTimestamp) ?? '')
    this.#createdAt = Number.isNaN(created) ? Number.POSITIVE_INFINITY : created
    this.#owner = owner
    this.#annotations = annotations
    this.#report = report
  }

  read(): readonly Claim[] {
    if (!isMapping(this.#spec)) {
      this.#invalid('spec', this.#spec, 'Write spec as a mapping with rules or defaultBackend.')
      return []
    }
    const { rules, defaultBackend } = this.#spec
    if (isAbsent(rules) || (Array.isArray(rules) && rules.length === 0)) {
      if (isAbsent(defaultBackend)) {
        const message = 'The Ingress has neither rules nor a default backend.'
        this.#report('invalid-object', 'spec', message, 'Set spec.rules or spec.defaultBackend.')
      } else {
        this.#readDefault(defaultBackend, [''])
        return this.#catchAll()
      }
      return this.#claims
    }
    if (!Array.isArray(rules)) this.#invalid('spec.rules', rules, 'Write spec.rules as a list.')
    for (const [index, rule] of listOf(rules).entries()) {
      this.#readRule(rule, `spec.rules[${index}]`)
    }
    if (!isAbsent(defaultBackend)) this.#readDefault(defaultBackend, [...this.#hosts])
    return this.#claims
  }

  /** ingress-nginx neither redirects nor rewrites what only the default backend of an Ingress without rules serves. */
  #catchAll(): readonly Claim[] {
    if (this.#annotations.site?.isShared !== true) return this.#claims
    return this.#claims.map((claim) => {
      const filters = claim.route.filters.filter(({ kind }) => !notOfCatchAll.has(kind))
      return { ...claim, route: { ...claim.route, filters } }
    })
  }

  /** What is asked for beside the rules. */
  readSite(): readonly Claim[] {
    const { site } = this.#annotations
    if (site === undefined) return []
    const base = { owner: this.#owner, createdAt: this.#createdAt }
    const hosts = this.#claims.length === 0 ? [] : this.#hosts
    return claimsOfSite(site, { ...base, annotations: this.#annotations }, hosts, this.#claims)
  }

  /** The certificates of its hosts, those that annotations add among them. An Ingress that serves nothing has none. */
  readCertificates(claims: readonly Claim[]): readonly CertificateClaim[] {
    if (claims.length === 0 || this.#annotations.isAlternative === true) return []
    const spares = claims.filter(({ isSpare }) => isSpare === true)
    const otherHosts = [...new Set(spares.map(({ route }) => route.match.host))]
    const age = {
      createdAt: this.#createdAt,
      ...(this.#annotations.site?.isShared === true ? { isLaterNameFirst: true as const } : {}),
    }
    const by = { owner: this.#owner, ...age }
    return readCertificates(this.#spec, by, this.#hosts, otherHosts, this.#report)
  }

  /** What was asked for and came to nothing. */
  reportIdle(): void {
    if (this.#areWeightsIdle !== true) return
    this.#report(
      'invalid-annotation',
      'metadata.annotations["weir.dev/weights"]',
      'No rule of this Ingress names one of these Services: the annotation has no effect.',
      'Name the Service of a rule among them.',
    )
  }

  #readRule(rule: unknown, field: string): void {
    if (!isMapping(rule)) {
      this.#invalid(field, rule, 'Write the rule as a mapping with host and http.')
      return
    }
    const host = parseHost(rule.host, `${field}.host`, this.#report)
    if (host === undefined) return
    this.#hosts.add(host)
    // A rule without http leaves its host to the default backend.
    if (isAbsent(rule.http)) return
    const paths = mappingOf(rule.http).paths
    if (!Array.isArray(paths) || paths.length === 0) {
      this.#invalid(`${field}.http.paths`, paths, 'List at least one path with its backend.')
      return
    }
    for (const [index, path] of paths.entries()) {
      this.#readPath(path, host, `${field}.http.paths[${index}]`)
    }
  }

  #readPath(value: unknown, host: string, field: string): void {
    if (!isMapping(value)) {
      this.#invalid(field, value, 'Write the path as a mapping with path, pathType and backend.')
      return
    }
    const { namespace } = this.#owner
    if (this.#annotations.isAlternative === true) {
      const paths = this.#readBothWays(value, field)
      const backend = parseBackend(value.backend, namespace, `${field}.backend`, this.#report)
      if (backend === undefined) return
      for (const path of paths) this.#claim(host, path, backend, field, 'rule')
      return
    }
    const path = this.#readRulePath(value, field)
    const backend = parseBackend(value.backend, namespace, `${field}.backend`, this.#report)
    if (path === undefined || backend === undefined) return
    const { site } = this.#annotations
    const traits = site && traitsOf(site, path, value.path, this.#isTlsHost(host), backend)
    this.#claim(host, path, backend, field, 'rule', traits)
    this.#addRoutes(host, path, field)
  }

  #readRulePath({ path, pathType }: Mapping, field: string): RulePath | undefined {
    const { skipper } = this.#annotations
    const expression = expressionOf(path, pathType, skipper?.pathMode)
    if (expression === undefined) {
      return parseRulePath(path, pathType, this.#annotations, field, this.#report)
    }
    const { condition, fault } = expression
    if (fault === undefined) return { path: '/', pathType: 'Any', condition }
    const message = `The path ${shown(path)} cannot be used as a regular expression: it ${fault}.`
    this.#report('invalid-path', `${field}.path`, message, 'Write it in RE2 syntax.')
    return undefined
  }

  /** Those of `zalando.org/skipper-routes`. */
  #addRoutes(host: string, path: RulePath, field: string): void {
    const { routes, context, closed } = this.#annotations.skipper ?? {}
    if (routes === undefined || context === undefined) return
    const { namespace, name } = this.#owner
    const ingress = `${namespace}/${name}`
    const compiled = routesAt(routes, host, path, context, ingress, (message, remedy) => {
      if (this.#told.has(message)) return
      this.#told.add(message)
      this.#report('invalid-annotation', routesField, message, remedy)
    })
    for (const route of compiled) {
      // What the Ingress would have kept from others is kept, too, while it answers nothing.
      const isMatchKnown = route.isMatchUnknown !== true
      const each = closed === undefined ? route : closedRoute(route.matches, closed, isMatchKnown)
      claimAll(each, { owner: this.#owner, createdAt: this.#createdAt, field }, this.#claims)
    }
  }

  /** What an alternative joins says whether its path is a pattern: the two need not have the same annotations. */
  #readBothWays({ path, pathType }: Mapping, field: string): readonly RulePath[] {
    const quiet: Report = () => {}
    const { useRegex } = this.#annotations
    const readings = [useRegex, !useRegex].flatMap(
      (useRegex) =>
        parseRulePath(path, pathType, { ...this.#annotations, useRegex }, field, quiet) ?? [],
    )
    if (readings.length === 0) {
      parseRulePath(path, pathType, this.#annotations, field, this.#report)
    }
    const [first, second] = readings
    const isOne = first?.path === second?.path && first?.pathType === second?.pathType
    return isOne ? readings.slice(0, 1) : readings
  }

  #readDefault(value: unknown, hosts: readonly string[]): void {
    const field = 'spec.defaultBackend'
    const backend = parseBackend(value, this.#owner.namespace, field, this.#report)
    if (backend === undefined) return
    // The default backend of an alternative is one to the catch-all alone, as in ingress-nginx.
    for (const host of this.#annotations.isAlternative === true ? [''] : hosts) {
      this.#claim(host, { path: '/', pathType: 'Prefix' }, backend, field, 'default')
    }
  }

  #claim(
    host: string,
    rulePath: RulePath,
    backend: BackendRef,
    field: string,
    role: Claim['role'],
    traits?: Pick<Claim, 'traits'>,
  ): void {
    const { path, pathType, condition } = rulePath
    const terms = this.#annotations.termsFor(path, pathType, host, backend)
    const { choices, backends, isWeighted } = chooseForRule(
      terms.instead ?? (terms.viaService === true ? throughService(backend) : backend),
      terms.weights,
      terms.speechOf,
    )
    if (terms.weights !== undefined) {
      this.#areWeightsIdle = this.#areWeightsIdle !== false && !isWeighted
    }
    const { alternative } = terms
    const match = {
      host,
      pathType,
      path,
      conditions: [...(condition === undefined ? [] : [condition]), ...(terms.conditions ?? [])],
      ...(condition === undefined ? {} : { weight: 1 }),
      ...this.#annotations.skipper?.match,
    }
    const route: Route = {
      owner: this.#owner,
      match: narrowEastWest(match, this.#annotations.skipper?.context.eastWest),
      filters: terms.filters,
      backend:
        'kind' in terms.backend
          ? { ...terms.backend, service: backend.service }
          : { kind: 'forward', choices, ...terms.backend },
    }
    this.#claims.push({
      ...(this.#annotations.site?.isShared === true ? { isLaterNameFirst: true } : {}),
      route,
      backends: [...backends, ...calledBy(terms.filters)],
      place: this.#claims.length,
      field,
      createdAt: this.#createdAt,
      role: alternative === undefined ? role : 'alternative',
      ...(alternative === undefined ? {} : { alternative }),
      ...(terms.conditions === undefined ? { isMatchUnknown: true } : {}),
      ...traits,
    })
  }

  #invalid(field: string, value: unknown, remedy: string): void {
    const message = `${field} has the wrong shape: ${shown(value ?? null)}.`
    this.#report('invalid-object', field, message, remedy)
  }
}

const notOfCatchAll: ReadonlySet<string> = new Set(['app-root', 'redirect', 'rewrite'])

/** The Services that filters call. */
function calledBy(filters: readonly Filter[]): readonly BackendRef[] {
  return filters.flatMap((filter) => filterKinds.get(filter.kind)?.upstreams?.(filter) ?? [])
}
