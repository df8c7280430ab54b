// A route as a worker uses it: everything that a request would have to ask is decided when the route is built.
import { type CompiledAffinity, compileAffinity } from '../../shared/routing/affinity.ts'
import type { ForwardBackend } from '../../shared/routing/backend.ts'
import { compileFilters, type Pipeline } from '../../shared/routing/filters/compile.ts'
import type { Answer, CompileContext, FilterKind } from '../../shared/routing/filters/kind.ts'
import { type Route, serviceOf } from '../../shared/routing/table.ts'
import type { Recorder } from '../observe/recorder.ts'
import type { RouteCounters } from '../observe/slots.ts'
import type { LiveUpstream } from '../upstream/live-upstream.ts'

/** One route, compiled. */
export interface LiveRoute {
  readonly route: Route
  readonly counters: RouteCounters
  /** Undefined when no filter acts on requests and responses. */
  readonly pipeline: Pipeline | undefined
  readonly backend: LiveBackend
}

/** Where a route's requests go. */
export type LiveBackend =
  | LiveForward
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'closed' }

/** A forwarding backend with its limits settled. Times in ms. */
export interface LiveForward {
  readonly kind: 'forward'
  readonly upstream: LiveUpstream
  readonly affinity: CompiledAffinity | undefined
  readonly leastRequests: boolean
  readonly connectMs: number
  readonly readMs: number
  readonly sendMs: number
  /** Infinity: no limit. */
  readonly maxBodyBytes: number
  /** 0: bodies go upstream as they come; else they are gathered first, up to so many bytes. */
  readonly bufferBytes: number
}

/** The proxy's own limits, for what a route does not set. Times in ms. */
export interface DefaultLimits {
  readonly connectTimeoutMs: number
  readonly responseTimeoutMs: number
  readonly sendTimeoutMs: number
}

/** What building a route needs. */
export interface RouteBuilder {
  readonly recorder: Recorder
  readonly limits: DefaultLimits
  readonly kinds: ReadonlyMap<string, FilterKind>
  readonly context: (routeKey: string) => CompileContext
  /** Finds the upstream of a key and counts the use. */
  readonly upstream: (key: string) => LiveUpstream
}

const closed: LiveBackend = { kind: 'closed' }

/** Compiles a route; one whose filters cannot be compiled is closed. */
export function buildRoute(route: Route, builder: RouteBuilder): LiveRoute {
  const { owner, match, filters, backend } = route
  const counters = builder.recorder.countersFor(owner.namespace, owner.name, serviceOf(route))
  if (backend.kind === 'closed') return { route, counters, pipeline: undefined, backend: closed }
  const key = `${owner.kind}/${owner.namespace}/${owner.name} ${match.host} ${match.pathType} ${match.path}`
  const compiled = compileFilters(filters, builder.kinds, builder.context(key))
  if (!compiled.ok) return { route, counters, pipeline: undefined, backend: closed }
  const live = backend.kind === 'answer' ? backend : buildForward(backend, builder)
  return { route, counters, pipeline: compiled.pipeline, backend: live }
}

function buildForward(backend: ForwardBackend, builder: RouteBuilder): LiveForward {
  const { affinity, balance, limits = {} } = backend
  const key = backend.choices[0]?.upstream ?? ''
  return {
    kind: 'forward',
    upstream: builder.upstream(key),
    affinity: affinity === undefined ? undefined : compileAffinity(affinity, key),
    leastRequests: balance?.kind === 'least-requests',
    connectMs: limits.connectMs ?? builder.limits.connectTimeoutMs,
    readMs: limits.readMs ?? builder.limits.responseTimeoutMs,
    sendMs: limits.sendMs ?? builder.limits.sendTimeoutMs,
    maxBodyBytes: limits.maxBodyBytes || Number.POSITIVE_INFINITY,
    bufferBytes: limits.bufferBytes ?? 0,
  }
}

/** A backend for requests of Weir's own: one upstream, one limit for everything. */
export function plainForward(upstream: LiveUpstream, timeoutMs: number): LiveForward {
  return {
    kind: 'forward',
    upstream,
    affinity: undefined,
    leastRequests: false,
    connectMs: timeoutMs,
    readMs: timeoutMs,
    sendMs: timeoutMs,
    maxBodyBytes: Number.POSITIVE_INFINITY,
    bufferBytes: 0,
  }
}
