// What have the annotations of one Ingress asked for so far, and which filters and backend does that make for one of its paths?
//
// Every family's rows patch the same draft; later rows replace earlier ones. The terms differ by path only where a
// rewrite, an app root or a cookie path needs the path.
import type {
  Affinity,
  AlternativeTerms,
  ClosedBackend,
  ForwardBackend,
  Limits,
} from '../../backend.ts'
import { withClientCheck } from '../../client-check.ts'
import type { Condition } from '../../conditions/condition.ts'
import { termsOfWish } from '../../eskip/backend-terms.ts'
import type { HeaderEdits } from '../../filters/header-edits.ts'
import type { Filter } from '../../filters/kind.ts'
import { filterKinds } from '../../filters/kinds.ts'
import type { OwnFilter } from '../../filters/own.ts'
import type { RewriteFilter } from '../../filters/rewrite.ts'
import type { PathType } from '../../table.ts'
import type { BackendName, BackendRef } from '../../upstreams/backend-ref.ts'
import type { SpokenAs, UpstreamProtocol } from '../../upstreams/upstream-protocol.ts'
import { compressorsOf } from '../compressors.ts'
import type { IngressDefaults } from '../defaults.ts'
import type { WeightedService } from '../weighted-choices.ts'
import { type CanaryDraft, termsOfCanary } from './canary-draft.ts'
import { buildRedirect, type Place, type RedirectWishes } from './draft-redirects.ts'
import { buildEdits, withForwardedPrefix } from './edits-of-draft.ts'
import { asksForErrors, customErrorsFilter, type ErrorsDraft } from './errors-draft.ts'
import type { EskipDraft } from './eskip-draft.ts'
import { arrangeGuards, globalAuthOf, hasOpenPaths } from './guard-order.ts'
import type { RouteNames } from './nginx-text.ts'
import { passthroughAt } from './passthrough-draft.ts'
import { hasLocations, hasNames, type SnippetDraft, snippetFilters } from './snippet-filters.ts'
import { namesSpans, type TraceDraft, traceFilter } from './trace-draft.ts'
import { type UpstreamTlsDraft, upstreamTlsFilter, upstreamTlsOf } from './upstream-tls-draft.ts'

/** What a forwarding backend has besides its choices. */
export type BackendTerms = Omit<ForwardBackend, 'kind' | 'choices' | 'alternative'>

/** What an Ingress asks for one of its paths, besides the backend's name. */
export interface Terms {
  /** Undefined: they could not be read, and nobody knows which requests are meant. The backend is closed then. */
  readonly conditions: readonly Condition[] | undefined
  readonly filters: readonly Filter[]
  readonly backend: BackendTerms | ClosedBackend
  /** Services that share the requests of rules that name one of them. */
  readonly weights?: readonly WeightedService[]
  /** Requests go to the Service's own address. */
  readonly viaService?: true
  /** The Ingress is a canary: it serves nothing by itself, and nothing else of its terms counts. */
  readonly alternative?: AlternativeTerms
  /** Serves instead of what the rules name. */
  readonly instead?: BackendRef
  /** Says how a Service's endpoints are spoken to; absent: as its port says. */
  readonly speechOf?: (backend: BackendName) => SpokenAs
}

/** Parts of one filter, set by one or more keys; the whole is checked by its kind when all keys are read. */
export interface FilterDraft {
  readonly parts: Readonly<Record<string, unknown>>
  /** The annotation to name when the whole is wrong: the first that was given. */
  readonly key: string
}

/** The sum of an Ingress's annotations. */
export interface Draft extends RedirectWishes, SnippetDraft, ErrorsDraft, TraceDraft, EskipDraft {
  /** Of the Ingress: what its annotations name lives there. */
  readonly namespace: string
  /** What counts where no annotation says anything. */
  readonly defaults: IngressDefaults
  /** The first reason to close the routes. */
  readonly closed?: string
  /** The same, of a key that counts for all routes of its host. */
  readonly hostClosed?: string
  /** All must hold for a request that the routes mean; undefined when a key of theirs could not be read. */
  readonly conditions: readonly Condition[] | undefined
  /** By kind. Filters with keys of several families are the fields below instead. */
  readonly filters: Readonly<Record<string, FilterDraft>>
  /** Filters of one's own, in the order in which they are written; they act behind the others. */
  readonly own: readonly OwnFilter[]
  readonly backend: BackendTerms
  readonly weights?: readonly WeightedService[]
  readonly allow?: readonly string[]
  readonly deny: readonly string[]
  readonly appRoot?: string
  readonly rewrite?:
    | { readonly kind: 'prefix'; readonly to: string }
    | { readonly kind: 'target'; readonly replacement: string }
  readonly useRegex: boolean
  readonly pathWildcards: boolean
  /** TLS ends in front of Weir: what is asked of it cannot be had. */
  readonly hasNoTls: boolean
  /** nginx: sent upstream as X-Forwarded-Prefix, with a rewrite only. */
  readonly forwardedPrefix?: string
  readonly requestHeaders: HeaderEdits
  readonly responseHeaders: HeaderEdits
  readonly limits: Limits
  readonly hasAffinity: boolean
  readonly affinity: Partial<Affinity>
  /** nginx: how endpoints are spoken to. */
  readonly upstreamTls?: UpstreamTlsDraft
  /** What endpoints speak. */
  readonly upstreamProtocol?: UpstreamProtocol

  // Authentication of ingress-nginx.
  /** Name of the parameter with the way back from where clients sign in. */
  readonly signInParameter?: string
  /** The server of the ConfigMap is asked about this Ingress, too. */
  readonly usesGlobalAuth: boolean
  /** One guard that lets a request in is enough. */
  readonly satisfiesAny?: boolean
  /** It has keys of ingress-nginx: its order of phases counts. */
  readonly hasNginxKeys?: boolean

  /** The Ingress itself, `namespace/name`: nginx counts by it. */
  readonly ingress: string
  /** nginx's limits, which act before anybody is asked who may come in. */
  readonly limiters: readonly Filter[]
  /** nginx: CIDRs that no limit counts. */
  readonly unlimited: readonly string[]
  /** nginx: how many times its rate a client may have at once. */
  readonly burstMultiplier: number
  /** nginx: other names of the hosts. */
  readonly aliases: readonly string[]
  /** nginx: the name with, or without, `www.` redirects to the host. */
  readonly wwwRedirect: boolean
  /** What is wrong with the value that was read last, as the end of "The value …", though it is used. */
  readonly remark?: string
  /** nginx `service-upstream`. */
  readonly viaService: boolean
  /** nginx: of a canary Ingress. */
  readonly canary?: CanaryDraft
}

/** The names of a route of the Ingress, to a Service if one is known. */
export function namesOf(
  { namespace, ingress }: Draft,
  service: string,
  port: string | number,
): RouteNames {
  return { namespace, ingress: ingress.slice(namespace.length + 1), service, port: String(port) }
}

/** Creates the draft of an Ingress that asks for the defaults; `pathWildcards` and `hasNoTls` are what the operator says of all Ingresses. */
export function createDraft(
  namespace: string,
  name: string,
  pathWildcards: boolean,
  defaults: IngressDefaults,
  hasNoTls: boolean,
): Draft {
  return {
    namespace,
    defaults,
    ...(defaults.closed === undefined ? {} : { closed: defaults.closed }),
    conditions: [],
    filters: paceOf(defaults),
    own: [],
    backend: {
      ...(defaults.balance === undefined ? {} : { balance: defaults.balance }),
      ...(defaults.retry === undefined ? {} : { retry: defaults.retry }),
    },
    deny: [],
    sslRedirect: defaults.forceSslRedirect ?? false,
    tlsRedirect: defaults.sslRedirect ?? false,
    sslRedirectStatus: defaults.sslRedirectStatus ?? 308,
    sendsTold: defaults.like === 'skipper',
    permanentStatus: 301,
    temporalStatus: 302,
    useRegex: false,
    pathWildcards,
    hasNoTls,
    requestHeaders: { set: [], add: [], remove: [] },
    responseHeaders: { set: [], add: [], remove: [] },
    limits: defaults.limits ?? {},
    hasAffinity: false,
    viaService: defaults.serviceUpstream ?? false,
    affinity: {},
    ingress: `${namespace}/${name}`,
    limiters: [],
    unlimited: [],
    burstMultiplier: 5,
    usesGlobalAuth: true,
    aliases: [],
    wwwRedirect: false,
    relativeRedirects: defaults.relativeRedirects ?? false,
    namesPort: defaults.namesPort ?? false,
    noTlsRedirect: defaults.noTlsRedirect ?? [],
    cutsSlash: defaults.like === 'ingress-nginx',
  }
}

/** The pace that the ConfigMap asks for. */
function paceOf({ limitRate = 0, limitRateAfter = 0 }: IngressDefaults): Draft['filters'] {
  if (limitRate === 0) return {}
  const parts = { bytesPerSecond: limitRate * 1024, afterBytes: limitRateAfter * 1024 }
  return { pace: { parts, key: 'nginx.ingress.kubernetes.io/limit-rate' } }
}

/** Says whether two paths of the Ingress may need different terms. */
export function isPathDependent(draft: Draft): boolean {
  if (draft.canary?.isOn === true) return false
  const { rewrite, rewriteUrl, appRoot, hasAffinity } = draft
  const asksForPath = (rewrite ?? rewriteUrl ?? appRoot) !== undefined || hasAffinity
  const { sslRedirect, tlsRedirect, noTlsRedirect } = draft
  const isExempt = (sslRedirect || tlsRedirect) && noTlsRedirect.length > 0
  const isPassed = draft.backend.passthrough !== undefined
  return isPassed || asksForPath || isExempt || hasOpenPaths(draft) || hasLocations(draft)
}

/** Says whether two Services of the Ingress may need different terms. */
export function isServiceDependent(draft: Draft): boolean {
  return hasNames(draft) || asksForErrors(draft) || namesSpans(draft)
}

const noFilters: readonly Filter[] = []

/** What a route without annotations asks for. */
export const plainTerms: Terms = { conditions: [], filters: noFilters, backend: {} }

/** Where a route is, and what it is called. */
export interface RoutePlace extends Place {
  readonly names: RouteNames
}

/** Makes the terms for a place. */
export function buildTerms(draft: Draft, place: RoutePlace): Terms {
  const { path, pathType } = place
  const { closed, backend, conditions } = draft
  const viaService = draft.viaService ? { viaService: true as const } : {}
  const alternative = termsOfCanary(draft.canary)
  if (alternative !== undefined) {
    return { conditions, filters: noFilters, backend: {}, ...viaService, alternative }
  }
  if (draft.forwardTo !== undefined && closed === undefined) {
    return { conditions, filters: noFilters, backend: {}, instead: draft.forwardTo }
  }
  if (closed !== undefined) {
    return { conditions, filters: noFilters, backend: { kind: 'closed', reason: closed } }
  }
  const wish = draft.eskip?.backend ?? {}
  const { maxBodyBytes, bufferBytes, spills, ...times } = { ...draft.limits, ...wish.limits }
  // 0 takes back what another family asked for.
  const limits: Limits = {
    ...times,
    ...(maxBodyBytes ? { maxBodyBytes } : {}),
    ...(bufferBytes ? { bufferBytes } : {}),
    ...(bufferBytes && spills ? { spills } : {}),
  }
  const affinity = draft.hasAffinity ? { affinity: buildAffinity(draft, path, pathType) } : {}
  const filters = buildFilters(draft, place)
  return {
    conditions,
    ...(draft.weights === undefined ? {} : { weights: draft.weights }),
    ...viaService,
    ...speechTerms(draft),
    filters: filters.length === 0 ? noFilters : filters,
    backend: {
      ...passthroughAt(backend, path, pathType, conditions?.length !== 0),
      ...termsOfWish(wish, backend.balance),
      ...(Object.keys(limits).length === 0 ? {} : { limits }),
      ...affinity,
    },
  }
}

function speechTerms({ upstreamTls, upstreamProtocol }: Draft): Pick<Terms, 'speechOf'> {
  if (upstreamTls?.isHttps !== true && upstreamProtocol === undefined) return {}
  const protocol = upstreamProtocol === undefined ? {} : { protocol: upstreamProtocol }
  return {
    speechOf(backend) {
      const tls = upstreamTlsOf(upstreamTls, backend)
      return tls === undefined ? protocol : { ...protocol, tls }
    },
  }
}

/** ingress-nginx answers these before it asks who may come in. */
const answersOfNginx: readonly string[] = ['app-root', 'cors', 'redirect']

function orderFor({ defaults }: Draft): Iterable<string> {
  return defaults.like === 'ingress-nginx'
    ? new Set([...answersOfNginx, ...filterKinds.keys()])
    : filterKinds.keys()
}

/** All filters, in the order of the table of kinds. */
function buildFilters(draft: Draft, place: RoutePlace): readonly Filter[] {
  const { path, pathType, names } = place
  const rewrite = buildRewrite(draft, path, pathType)
  const requestHeaders = buildEdits(withForwardedPrefix(draft, rewrite))
  const responseHeaders = buildEdits(draft.responseHeaders)
  const { defaults, appRoot } = draft
  const allow = draft.allow ?? defaults.allow ?? []
  const listed = draft.deny.length > 0 ? draft.deny : (defaults.deny ?? [])
  const deny = defaults.blocked === undefined ? listed : [...defaults.blocked, ...listed]
  const globalAuth = globalAuthOf(draft)
  const own: Record<string, Filter | undefined> = {
    ...snippetFilters(draft, path, besideSnippet(draft, pathType), names),
    access: allow.length + deny.length === 0 ? undefined : filterOf('access', { allow, deny }),
    // Only routes that can see the path `/` have a use for it.
    'app-root':
      appRoot === undefined || (path !== '/' && pathType !== 'Regex')
        ? undefined
        : filterOf('app-root', { path: appRoot }),
    redirect: buildRedirect(draft, place),
    'custom-errors': customErrorsFilter(draft, names),
    'upstream-tls': upstreamTlsFilter(draft.upstreamTls),
    rewrite,
    'blocked-clients': buildBlocked(defaults),
    'common-headers': buildCommonHeaders(draft.defaults, place.hasTls),
    'request-headers': requestHeaders && filterOf('request-headers', requestHeaders),
    'response-headers': responseHeaders && filterOf('response-headers', responseHeaders),
    'auth-request': globalAuth && filterOf('auth-request', globalAuth),
  }
  const filters: Filter[] = []
  for (const kind of orderFor(draft)) {
    if (kind === 'client-certificate') continue
    if (kind === 'access') filters.push(...draft.limiters)
    const filter = own[kind] ?? (draft.filters[kind] && filterOf(kind, draft.filters[kind].parts))
    if (filter !== undefined) filters.push(filter)
    else if (kind === 'compress') filters.push(...compressorsOf(defaults))
  }
  filters.push(...(draft.eskip?.filters ?? []), ...draft.own)
  const arranged = arrangeGuards(filters, draft, path)
  const check = clientCheckIn(draft)
  const checked = check === undefined ? arranged : withClientCheck(arranged, check)
  const trace = traceFilter(draft, names)
  // Also what the others turn away is seen.
  return trace === undefined ? checked : [trace, ...checked]
}

/** What the Ingress asks of clients' certificates. */
export function clientCheckIn({ filters }: Pick<Draft, 'filters'>): Filter | undefined {
  const { 'client-certificate': check } = filters
  return check && filterOf('client-certificate', check.parts)
}

/** ingress-nginx: where paths are patterns an Exact one is, too: patterns of the server's snippet are asked before it. */
function besideSnippet({ useRegex, defaults }: Draft, pathType: PathType): PathType {
  return useRegex && defaults.like === 'ingress-nginx' ? 'Regex' : pathType
}

/** An empty list turns nobody away. */
function buildBlocked({ blockedClients }: IngressDefaults): Filter | undefined {
  const { userAgents = [], referers = [] } = blockedClients ?? {}
  if (userAgents.length + referers.length === 0) return undefined
  return filterOf('blocked-clients', { userAgents, referers })
}

/** What all routes have alike. */
function buildCommonHeaders(
  { headers, hsts }: IngressDefaults,
  hasTls: boolean,
): Filter | undefined {
  const policy = hasTls && hsts !== undefined && hsts.isOn !== false ? hstsOf(hsts) : undefined
  const parts = { ...headers, ...(policy === undefined ? {} : { hsts: policy }) }
  return Object.keys(parts).length === 0 ? undefined : filterOf('common-headers', parts)
}

/** RFC 6797 §6.1; what is not said is as ingress-nginx has it. */
function hstsOf(hsts: NonNullable<IngressDefaults['hsts']>): string {
  const { maxAgeSeconds = 31_536_000, includesSubdomains = true, isPreload = false } = hsts
  const subdomains = includesSubdomains ? '; includeSubDomains' : ''
  return `max-age=${maxAgeSeconds}${subdomains}${isPreload ? '; preload' : ''}`
}

/** Makes a filter of its parts, and of what its kind has for those that are not given. */
export function filterOf(kind: string, parts: object): Filter {
  return { ...filterKinds.get(kind)?.defaults, kind, ...parts }
}

function buildRewrite(draft: Draft, path: string, pathType: PathType): RewriteFilter | undefined {
  const { rewrite } = draft
  if (rewrite === undefined) return undefined
  if (rewrite.kind === 'prefix') {
    return { kind: 'rewrite', by: 'prefix', from: path, to: rewrite.to }
  }
  // ingress-nginx writes no rewrite when the target is the path itself.
  if (rewrite.replacement === path) return undefined
  // A literal path has no groups: the empty pattern matches whatever the route matched.
  const pattern = pathType === 'Regex' ? path : ''
  return { kind: 'rewrite', by: 'regex', pattern, replacement: rewrite.replacement }
}

function buildAffinity(draft: Draft, path: string, pathType: PathType): Affinity {
  // A pattern is no cookie path (RFC 6265 §5.1.4), nor is a path with a separator in it.
  const ownPath = pathType === 'Regex' || path.includes(';') ? '/' : path
  return {
    cookie: 'INGRESSCOOKIE',
    path: ownPath,
    maxAgeSeconds: 0,
    secure: false,
    changeOnFailure: false,
    ...draft.affinity,
  }
}
