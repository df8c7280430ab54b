// What does an Ingress ask for in Skipper's words beside its rules? Routes of its own at each of their paths, and shares of the
// Services that several rules of one path name.
import type { Choice } from '../backend.ts'
import { faultOf } from '../conditions/compile.ts'
import type { Condition } from '../conditions/condition.ts'
import { namesPath } from '../eskip/closed-matches.ts'
import {
  type CompiledRoute,
  closedRoute,
  compileRoute,
  type EskipContext,
} from '../eskip/compile.ts'
import type { EskipRoute } from '../eskip/language.ts'
import { isFault, readTarget } from '../eskip/targets.ts'
import { matchKey } from '../match-key.ts'
import { isAbsent } from '../shapes.ts'
import type { Claim } from '../source.ts'
import type { Match } from '../table.ts'
import type { EskipDraft } from './annotations/eskip-draft.ts'
import type { AnnotationReading } from './annotations/read.ts'
import type { RulePath } from './paths.ts'

/** What is told of the routes of an Ingress. */
type Tell = (message: string, remedy: string) => void

/** Makes the routes of `zalando.org/skipper-routes` at one path of a host. */
export function routesAt(
  routes: readonly EskipRoute[],
  host: string,
  rulePath: RulePath,
  context: EskipContext,
  ingress: string,
  tell: Tell,
): readonly CompiledRoute[] {
  return routes.flatMap((route, index) => {
    const name = route.id === '' ? 'The route' : `The route ${route.id}`
    const ownPath = route.predicates.some(namesPath)
    const target = readTarget(route.backend, context.namespace)
    // The host is that of the rule.
    const predicates = route.predicates.filter((call) => call.name !== 'Host')
    const wish = { hosts: [host], seed: `${ingress} ${index}`, predicates, filters: route.filters }
    const { routes: compiled, findings } = compileRoute(
      { ...wish, targets: [{ target: isFault(target) ? { kind: 'shunt' } : target, weight: 1 }] },
      context,
    )
    if (ownPath) return closeOwnPath(route, name, compiled, rulePath, tell)
    for (const { message, remedy, isNote } of findings) {
      tell(isNote === true ? message : `${name} answers 503: ${message}`, remedy)
    }
    if (isFault(target)) tell(`${name} answers 503: ${target.message}`, target.remedy)
    return compiled.map((each) => ({
      ...each,
      ...(isFault(target)
        ? { filters: [], backend: { kind: 'closed', reason: target.message } as const }
        : {}),
      matches: each.matches.map((match) => atRule(match, rulePath)),
    }))
  })
}

/** The same at the path of a rule, which may be a pattern. */
function atRule(match: Match, { path, pathType, condition }: RulePath): Match {
  if (condition === undefined) return { ...match, path, pathType }
  const { conditions, weight = 0 } = match
  return { ...match, path, pathType, conditions: [condition, ...conditions], weight: weight + 1 }
}

/** Skipper leaves a route out that has a path of its own where its rule has one. What it may have kept from the rule stays closed. */
function closeOwnPath(
  { filters, backend }: EskipRoute,
  name: string,
  compiled: readonly CompiledRoute[],
  rulePath: RulePath,
  tell: Tell,
): readonly CompiledRoute[] {
  const message = `${name} has a path of its own where its rule has one`
  const remedy = 'Remove Path and PathSubtree from it, or write an Ingress for it.'
  const isPlain = filters.length === 0 && (backend.kind === 'network' || backend.kind === 'lb')
  const closed = isPlain ? [] : compiled.flatMap((each) => closedWithin(each, rulePath, message))
  tell(`${message}: ${closed.length === 0 ? 'it is left out' : 'its path answers 503'}.`, remedy)
  return closed
}

function closedWithin(
  { matches, isMatchUnknown }: CompiledRoute,
  rulePath: RulePath,
  reason: string,
): readonly CompiledRoute[] {
  const within = matches.filter(({ path }) => covers(rulePath, path))
  return within.length === 0 ? [] : [closedRoute(within, reason, isMatchUnknown !== true)]
}

function covers({ path, pathType }: RulePath, own: string): boolean {
  if (pathType === 'Any') return true
  const base = path.replace(/\/$/, '')
  return own === path || (pathType === 'Prefix' && (own === base || own.startsWith(`${base}/`)))
}

/** The most routes of an Ingress, counted at each path of its rules. */
const mostRoutes = 20_000

/** Closes an Ingress whose routes at all of its paths are too many; told is what is wrong. */
export function withinBounds(
  annotations: AnnotationReading,
  pathCount: number,
  tell: Tell,
): AnnotationReading {
  const { skipper, ...others } = annotations
  const count = (skipper?.routes?.length ?? 0) * pathCount
  if (count <= mostRoutes) return annotations
  const reason = `zalando.org/skipper-routes has ${count} routes at all paths of the rules, and ${mostRoutes} are allowed`
  tell(`${reason}: the Ingress answers 503.`, 'Divide it into several Ingresses.')
  const { routes: _, ...rest } = skipper ?? { context: { namespace: '' } }
  const backend = { kind: 'closed', reason } as const
  return {
    ...others,
    skipper: rest,
    termsFor: () => ({ conditions: [], filters: [], backend }),
  }
}

/** Joins the rules of one path: their Services share its requests by weight. Nobody has a weight: equal shares. */
export function shareEqualPaths(
  claims: readonly Claim[],
  weights: ReadonlyMap<string, number>,
): readonly Claim[] {
  // Who has other filters may be kept by them: routes of the annotation are not rules.
  const byKey = Map.groupBy(
    claims,
    ({ role, route }) => `${role} ${matchKey(route.match)}\n${JSON.stringify(route.filters)}`,
  )
  return [...byKey.values()].flatMap((group) => {
    const [first] = group
    const choices = group.flatMap(({ route: { backend } }) =>
      backend.kind === 'forward' ? backend.choices : [],
    )
    if (first === undefined || group.length === 1 || first.route.backend.kind !== 'forward')
      return group
    const byUpstream = new Map(choices.map((choice) => [choice.upstream, choice]))
    const backend = { ...first.route.backend, choices: weighed([...byUpstream.values()], weights) }
    const refs = new Map(group.flatMap(({ backends }) => backends).map((ref) => [ref.key, ref]))
    return [{ ...first, route: { ...first.route, backend }, backends: [...refs.values()] }]
  })
}

function weighed(
  choices: readonly Choice[],
  weights: ReadonlyMap<string, number>,
): readonly Choice[] {
  const given = choices.map(({ service }) => weights.get(service) ?? 0)
  const isEqual = given.every((weight) => weight === 0)
  // Choices have whole weights: shares of a hundredth of one are kept.
  const scale = given.every(Number.isInteger) ? 1 : 100
  return choices.map((choice, at) => ({
    ...choice,
    weight: isEqual ? 1 : Math.round((given[at] ?? 0) * scale),
  }))
}

/** Reads a path that is an expression; undefined: it is none, or it cannot be used as one. */
export function expressionOf(
  path: unknown,
  pathType: unknown,
  mode: EskipDraft['pathMode'],
): { readonly condition: Condition; readonly fault: string | undefined } | undefined {
  const isOpen = isAbsent(pathType) || pathType === '' || pathType === 'ImplementationSpecific'
  if (mode === undefined || !isOpen || typeof path !== 'string' || path === '') return undefined
  const pattern = mode === 'path-regexp' ? path : `^(${path})`
  const condition: Condition = { kind: 'path', pattern }
  return { condition, fault: faultOf(condition) }
}
