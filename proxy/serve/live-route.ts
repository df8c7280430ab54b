// A route as a worker uses it: everything that a request would have to ask is decided when the route is built.

import { type CompiledAffinity, compileAffinity } from '../../shared/routing/affinity.ts'
import type { ForwardBackend } from '../../shared/routing/backend.ts'
import { compileConditions } from '../../shared/routing/conditions/compile.ts'
import type { ConditionContext, Question } from '../../shared/routing/conditions/kind.ts'
import {
  compileFilters,
  emptyPipeline,
  type Pipeline,
} from '../../shared/routing/filters/compile.ts'
import type {
  CompileContext,
  FilterKind,
  RequestStep,
  Verdict,
} from '../../shared/routing/filters/kind.ts'
import { type Route, serviceOf } from '../../shared/routing/table.ts'
import type { Recorder } from '../observe/recorder.ts'
import type { RouteCounters } from '../observe/slots.ts'
import { LiveUpstream } from '../upstream/live-upstream.ts'

/** One route, compiled. */
export interface LiveRoute {
  readonly route: Route
  readonly counters: RouteCounters
  /** All must hold; undefined for nearly every route. */
  readonly conditions: readonly Question[] | undefined
  /** Undefined when no filter acts on requests and responses. */
  readonly pipeline: Pipeline | undefined
  /** Of a route that forwards nothing (closed, or an answer of its own) it is never asked: the last request step answers. */
  readonly backend: LiveForward
}

/** A forwarding backend with its limits settled. Times in ms. */
export interface LiveForward {
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
  readonly conditions: ConditionContext
  readonly context: (routeKey: string) => CompileContext
  /** Finds the upstream of a key and counts the use. */
  readonly upstream: (key: string) => LiveUpstream
}

/** Compiles a route; one whose filters cannot be compiled is closed. */
export function buildRoute(route: Route, builder: RouteBuilder): LiveRoute {
  const { owner, match, filters, backend } = route
  const counters = builder.recorder.countersFor(owner.namespace, owner.name, serviceOf(route))
  const conditions = compileConditions(match.conditions, builder.conditions)
  const fixed = { route, counters, conditions }
  const closed: LiveRoute = { ...fixed, pipeline: always('policy-closed'), backend: nowhere }
  if (backend.kind === 'closed') return closed
  const key = `${owner.kind}/${owner.namespace}/${owner.name} ${match.host} ${match.pathType} ${match.path}`
  const compiled = compileFilters(filters, builder.kinds, builder.context(key))
  if (!compiled.ok) return closed
  const { pipeline } = compiled
  return backend.kind === 'answer'
    ? { ...fixed, pipeline: withLast(pipeline, backend.answer), backend: nowhere }
    : { ...fixed, pipeline, backend: buildForward(backend, builder) }
}

/** A pipeline that comes to one verdict, and nothing else. */
function always(verdict: Verdict): Pipeline {
  return withLast(undefined, verdict)
}

function withLast(pipeline: Pipeline | undefined, verdict: Verdict): Pipeline {
  const last: RequestStep = { kind: 'sync', decide: () => verdict }
  return { ...(pipeline ?? emptyPipeline), request: [...(pipeline?.request ?? []), last] }
}

function buildForward(backend: ForwardBackend, builder: RouteBuilder): LiveForward {
  const { affinity, balance, limits = {} } = backend
  const key = backend.choices[0]?.upstream ?? ''
  return {
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

const nowhere = plainForward(new LiveUpstream('', () => 0), 0)
