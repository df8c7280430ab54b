// Where do the requests of one route go? All that its backend asks for, decided when the route is built.
//
//   choices ──by weight, cookie or key──► one Service ──unless the alternative takes it──► by the balance ──► one endpoint
//
// Invariant: a request stays with its choice: an attempt after the first goes to another endpoint of the same Service.
import type { Choice, ForwardBackend, Outlier } from '../../shared/routing/backend.ts'
import type { FieldLines, RequestView } from '../../shared/routing/filters/kind.ts'
import { compileHashKey } from '../../shared/routing/request-text.ts'
import { fieldValue } from '../http/fields.ts'
import type { RouteCounters } from '../observe/route-series.ts'
import { type CompiledAffinity, compileAffinity } from './affinity.ts'
import { type AlternativeContext, areServing, compileAlternative } from './alternative.ts'
import { createPolicy, type PolicyContext } from './balance/create-policy.ts'
import { drawOf } from './balance/hash.ts'
import type { PickEndpoint } from './balance/policy.ts'
import { pickInTurn } from './balance/round-robin.ts'
import { createChoicePicker } from './choices.ts'
import { chooseEndpoint } from './choose.ts'
import type { Breaker } from './circuit-breaker.ts'
import type { EndpointPool } from './endpoint-pool.ts'
import type { LiveUpstream } from './live-upstream.ts'

/** One Service that requests of a route may go to. */
export interface LiveChoice {
  readonly upstream: LiveUpstream
  /** 0: no cookie leads here, and none is set for it. */
  readonly weight: number
  /** Those of its Service; undefined: those of the route. */
  readonly counters: RouteCounters | undefined
  readonly breaker: Breaker | undefined
}

/** What a choice looks at. */
export interface Chooser {
  /** Field lines as the client sent them: a cookie of ours counts, whatever filters keep from the upstream. */
  readonly clientFields: FieldLines
  /** Undefined when the destination does not need it. */
  readonly view: RequestView | undefined
}

/** Where an attempt goes, and the Set-Cookie line that brings the client back; empty when there is none to set. */
export interface Chosen {
  readonly choice: LiveChoice
  /** Undefined: no endpoint of it is left. */
  readonly pool: EndpointPool | undefined
  readonly cookieLine: string
}

/** The backend of a route, ready to choose. */
export interface Destination {
  /** The one choice there is, when no cookie matters: nearly every route. */
  readonly only: LiveChoice | undefined
  /** An alternative comes last. */
  readonly choices: readonly LiveChoice[]
  readonly pick: PickEndpoint
  readonly affinity: CompiledAffinity | undefined
  readonly outlier: Outlier | undefined
  /** Finds the index of a choice; -1 when none may be taken. */
  readonly draw: (view: RequestView | undefined) => number
  /** Its choices depend on the request as filters see it. */
  readonly needsView: boolean
}

/** What a destination is made with. */
export interface DestinationContext extends PolicyContext, AlternativeContext {
  readonly choice: (choice: Choice, isOnly: boolean) => LiveChoice
}

// Any number that no other draw is salted with.
const choiceSalt = 0x63686f69

/** Compiles where a route's requests go. */
export function createDestination(
  backend: ForwardBackend,
  context: DestinationContext,
): Destination {
  const { affinity, alternative, balance, slowStart, outlier, breaker } = backend
  const isOnly = backend.choices.length === 1 && alternative === undefined
  const isPlain = !(affinity ?? balance ?? slowStart ?? outlier ?? breaker)
  const mains = backend.choices.map((choice) => context.choice(choice, isOnly))
  const other =
    alternative && context.choice({ ...alternative, weight: alternative.isSticky ? 1 : 0 }, false)
  const choices = other === undefined ? mains : [...mains, other]
  const [first] = choices
  const mayBeOnly = isOnly && affinity === undefined && first !== undefined && first.weight > 0
  if (mayBeOnly && isPlain) return plainDestination(first.upstream)
  const at = createChoicePicker(mains.map(({ weight }) => weight))
  const takes = alternative && compileAlternative(alternative, context)
  const keyOf = balance?.kind === 'hash' ? compileHashKey(balance.key) : undefined
  const namable = choices.map((choice) =>
    choice === other
      ? { ...choice, mayServe: () => areServing(first?.upstream, choice.upstream) }
      : choice,
  )
  return {
    only: mayBeOnly ? first : undefined,
    choices,
    pick: createPolicy(balance, slowStart, context),
    affinity:
      affinity === undefined
        ? undefined
        : compileAffinity(affinity, namable, {
            random: context.random,
            wallNow: context.conditions.wallNow,
          }),
    outlier,
    draw: (view) => {
      // A key keeps its Service, as it keeps its endpoint.
      const key = view === undefined ? '' : (keyOf?.(view) ?? '')
      const main = at(key === '' ? context.random() : drawOf(key, choiceSalt))
      if (takes === undefined || !areServing(mains[main]?.upstream, other?.upstream)) return main
      return takes(view) ? mains.length : main
    },
    needsView:
      keyOf !== undefined ||
      affinity?.secureOverHttps === true ||
      (alternative?.rules.length ?? 0) > 0,
  }
}

// Nearly all routes ask for nothing: those of one upstream share what they have in common.
const plainOnes = new WeakMap<LiveUpstream, Destination>()

/** The destination of whoever asks for nothing but one upstream: in turn. */
export function plainDestination(upstream: LiveUpstream): Destination {
  let plain = plainOnes.get(upstream)
  if (plain === undefined) {
    plain = destinationOf(upstream, pickInTurn)
    plainOnes.set(upstream, plain)
  }
  return plain
}

/** A destination of one endpoint, in whatever state it is: for checks of its health. */
export function endpointDestination(upstream: LiveUpstream, pool: EndpointPool): Destination {
  return destinationOf(upstream, (_, tried) => (tried.includes(pool) ? undefined : pool))
}

function destinationOf(upstream: LiveUpstream, pick: PickEndpoint): Destination {
  const only = { upstream, weight: 1, counters: undefined, breaker: undefined }
  return {
    ...{ only, choices: [only], pick, affinity: undefined, outlier: undefined },
    ...{ draw: () => 0, needsView: false },
  }
}

/**
 * Chooses a Service and an endpoint that is not in `tried`, for a destination with several choices or cookies. `before` is
 * the choice of the attempt before. Undefined when no Service may be chosen.
 */
export function chooseAmong(
  { affinity, choices, draw, pick }: Destination,
  before: LiveChoice | undefined,
  tried: readonly EndpointPool[],
  { clientFields, view }: Chooser,
): Chosen | undefined {
  const cookie = affinity === undefined ? undefined : fieldValue(clientFields, 'cookie', '; ')
  const known = cookie === undefined ? undefined : affinity?.find(cookie)
  const at = before === undefined ? (known?.at ?? draw(view)) : choices.indexOf(before)
  const choice = choices[at]
  if (choice === undefined) return undefined
  const { upstream } = choice
  if (affinity === undefined || choice.weight === 0) {
    return { choice, pool: chooseEndpoint(upstream, pick, tried, view), cookieLine: '' }
  }
  const bound = known === undefined ? undefined : affinity.poolOf(at, known.name)
  const mayServe = bound !== undefined && !tried.includes(bound) && !bound.health.isUnhealthy
  if (mayServe) return { choice, pool: bound, cookieLine: '' }
  const pickOne = () => chooseEndpoint(upstream, pick, tried, view)
  const isRebound = bound === undefined || affinity.changeOnFailure
  const newcomer = isRebound ? affinity.admit(at, tried, pickOne) : undefined
  if (newcomer === undefined) return { choice, pool: pickOne(), cookieLine: '' }
  const request = {
    isSecure: view?.scheme === 'https',
    userAgent: fieldValue(clientFields, 'user-agent', ', ') ?? '',
  }
  const value = affinity.setCookie(at, newcomer.name, request)
  return { choice, pool: newcomer.pool, cookieLine: `Set-Cookie: ${value}\r\n` }
}
