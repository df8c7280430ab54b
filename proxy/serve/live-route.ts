// A route as a worker uses it: everything that a request would have to ask is decided when the route is built.

import type {
  Choice,
  CircuitBreaker,
  EndpointLimit,
  ForwardBackend,
  HealthCheck,
  RetryRules,
} from '../../shared/routing/backend.ts'
import { compileConditions } from '../../shared/routing/conditions/compile.ts'
import type { ConditionContext, Question } from '../../shared/routing/conditions/kind.ts'
import type { FailureCode } from '../../shared/routing/failure.ts'
import { isUnlogged } from '../../shared/routing/filters/access-log.ts'
import {
  type CompileFilter,
  compileFilters,
  emptyPipeline,
  type Pipeline,
  type Placed,
} from '../../shared/routing/filters/compile.ts'
import type {
  CompileContext,
  FilterKind,
  RequestStep,
  RoutePlace as RouteOrigin,
  SharedCounters,
  Verdict,
} from '../../shared/routing/filters/kind.ts'
import { matchKey } from '../../shared/routing/match-key.ts'
import { type Owner, type Route, serviceOf, upstreamOf } from '../../shared/routing/table.ts'
import type { Recorder } from '../observe/recorder.ts'
import type { RouteCounters } from '../observe/route-series.ts'
import type { RouteNames, RoutePlace } from '../observe/slots.ts'
import type { PolicyContext } from '../upstream/balance/create-policy.ts'
import type { Breaker } from '../upstream/circuit-breaker.ts'
import {
  createDestination,
  type Destination,
  endpointDestination,
  type LiveChoice,
  plainDestination,
} from '../upstream/destination.ts'
import type { EndpointPool } from '../upstream/endpoint-pool.ts'
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
  readonly destination: Destination
  /** Says why an endpoint gets no more requests now; undefined: nothing limits it. */
  readonly refusal: ((pool: EndpointPool) => FailureCode | undefined) | undefined
  /** Undefined: the proxy's own. */
  readonly retry: RetryRules | undefined
  /** A check of an endpoint's health: what becomes of it is nothing else's to judge. */
  readonly isProbe: boolean
  /** Each connection to an endpoint serves one request. */
  readonly closesConnections: boolean
  /** The Host of a request is the endpoint's address, where no filter names one. */
  readonly namesEndpoint: boolean
  readonly connectMs: number
  readonly readMs: number
  readonly sendMs: number
  /** Infinity: no limit. */
  readonly maxBodyBytes: number
  /** 0: bodies go upstream as they come; else they are gathered first, up to so many bytes. */
  readonly bufferBytes: number
  /** Larger bodies than `bufferBytes` go into a temporary file. */
  readonly spills: boolean
  /** Infinity: no other limit than the reader's. */
  readonly responseHeadBytes: number
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
  /** Compiles each filter of a route; absent: their kinds do. */
  readonly compile?: ((route: Route) => CompileFilter) | undefined
  readonly conditions: ConditionContext
  readonly context: (routeKey: string, place: RouteOrigin) => CompileContext
  readonly balancing: PolicyContext
  /** Finds the upstream of a key and counts the use. */
  readonly upstream: (key: string) => LiveUpstream
  /** Finds the breaker of an upstream and counts the use. */
  readonly breaker: (upstream: LiveUpstream, rules: CircuitBreaker) => Breaker
  /** Checks the endpoints of an upstream as long as the route is served. */
  readonly check: (upstream: LiveUpstream, check: HealthCheck) => void
}

/** Compiles a route; one whose filters cannot be compiled is closed. */
export function buildRoute(route: Route, builder: RouteBuilder): LiveRoute {
  const { owner, match, filters, backend } = route
  const service = serviceOf(route)
  const counters = builder.recorder.countersFor(namesOf(owner, service), placeOf(route))
  const conditions = compileConditions(match.conditions, builder.conditions)
  const fixed = { route, counters, conditions }
  const closed: LiveRoute = { ...fixed, pipeline: always('policy-closed'), backend: nowhere }
  if (backend.kind === 'closed') return closed
  const key = `${owner.kind}/${owner.namespace}/${owner.name}\n${matchKey(match)}`
  const place = { namespace: owner.namespace, name: owner.name, path: match.path }
  const context = builder.context(key, place)
  const compiled = compileFilters(filters, builder.kinds, context, builder.compile?.(route))
  if (!compiled.ok) return closed
  const { pipeline } = compiled
  return backend.kind === 'answer'
    ? { ...fixed, pipeline: withLast(pipeline, backend.answer), backend: nowhere }
    : { ...fixed, pipeline, backend: buildForward(backend, route, builder, context) }
}

/** A pipeline that comes to one verdict, and nothing else. */
function always(verdict: Verdict): Pipeline {
  return withLast(undefined, verdict)
}

function withLast(pipeline: Pipeline | undefined, verdict: Verdict): Pipeline {
  const last: Placed<RequestStep> = {
    filter: '',
    phase: 'request',
    step: { kind: 'sync', decide: () => verdict },
  }
  return { ...(pipeline ?? emptyPipeline), request: [...(pipeline?.request ?? []), last] }
}

function buildForward(
  backend: ForwardBackend,
  route: Route,
  builder: RouteBuilder,
  { shared }: CompileContext,
): LiveForward {
  const { retry, limits = {}, endpointLimit } = backend
  return {
    refusal: endpointLimit && limitEndpoints(endpointLimit, shared),
    destination: createDestination(backend, {
      ...builder.balancing,
      conditions: builder.conditions,
      choice: (choice, isOnly) => buildChoice(choice, isOnly, backend, route, builder),
    }),
    retry,
    isProbe: false,
    closesConnections: backend.closesConnections === true,
    namesEndpoint: backend.namesEndpoint === true,
    connectMs: limits.connectMs ?? builder.limits.connectTimeoutMs,
    readMs: limits.readMs ?? builder.limits.responseTimeoutMs,
    sendMs: limits.sendMs ?? builder.limits.sendTimeoutMs,
    maxBodyBytes: limits.maxBodyBytes || Number.POSITIVE_INFINITY,
    bufferBytes: limits.bufferBytes ?? 0,
    spills: limits.spills ?? false,
    responseHeadBytes: limits.responseHeadBytes || Number.POSITIVE_INFINITY,
  }
}

function limitEndpoints(
  { account, limit, windowMs }: EndpointLimit,
  shared: SharedCounters,
): LiveForward['refusal'] {
  return ({ name }) =>
    shared.take(`endpoint ${account} ${name}`, windowMs / limit, limit) > 0
      ? 'circuit-full'
      : undefined
}

function buildChoice(
  choice: Choice,
  isOnly: boolean,
  { breaker, healthCheck, choices }: ForwardBackend,
  route: Route,
  builder: RouteBuilder,
): LiveChoice {
  const { upstream: key, service, weight } = choice
  const isMain = choices.includes(choice)
  const upstream = builder.upstream(key)
  if (healthCheck !== undefined) builder.check(upstream, healthCheck)
  return {
    upstream,
    weight,
    counters: isOnly
      ? undefined
      : builder.recorder.countersFor(
          namesOf(route.owner, service),
          isMain
            ? { ...placeOf(route), main: service, upstream: key }
            : { ...placeOf(route), canary: key },
        ),
    breaker: breaker && builder.breaker(upstream, breaker),
  }
}

function namesOf({ namespace, name }: Owner, service: string): RouteNames {
  return { namespace, ingress: name, service }
}

function placeOf(route: Route): RoutePlace {
  const { host, path } = route.match
  return {
    host,
    path,
    main: serviceOf(route),
    canary: '',
    upstream: upstreamOf(route),
    isUnlogged: isUnlogged(route.filters),
  }
}

/** A backend for requests of Weir's own: one upstream, one limit for everything. */
export function plainForward(upstream: LiveUpstream, timeoutMs: number): LiveForward {
  return { ...ownForward(timeoutMs), destination: plainDestination(upstream) }
}

/** A backend for checks of one endpoint: nothing but a connection that proves stale is tried again. */
export function probeForward(pool: EndpointPool, timeoutMs: number): LiveForward {
  const destination = endpointDestination(noUpstream, pool)
  const retry = { on: [], statuses: [], maxRetries: 1, allMethods: false }
  return { ...ownForward(timeoutMs), destination, retry, isProbe: true }
}

function ownForward(timeoutMs: number): Omit<LiveForward, 'destination'> {
  return {
    refusal: undefined,
    retry: undefined,
    isProbe: false,
    closesConnections: false,
    namesEndpoint: false,
    connectMs: timeoutMs,
    readMs: timeoutMs,
    sendMs: timeoutMs,
    maxBodyBytes: Number.POSITIVE_INFINITY,
    bufferBytes: 0,
    spills: false,
    responseHeadBytes: Number.POSITIVE_INFINITY,
  }
}

const noUpstream = new LiveUpstream('', () => 0)
const nowhere = plainForward(noUpstream, 0)
