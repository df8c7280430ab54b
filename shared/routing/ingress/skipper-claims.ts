// What does an Ingress ask for in Skipper's words beside its rules? Routes of its own at each of their paths, and shares of the
// Services that several rules of one path name.
import type { Choice } from '../backend.ts'
import { faultOf } from '../conditions/compile.ts'
import type { Condition } from '../conditions/condition.ts'
import { type CompiledRoute, compileRoute, type EskipContext } from '../eskip/compile.ts'
import type { EskipRoute } from '../eskip/language.ts'
import { isFault, readTarget } from '../eskip/targets.ts'
import { matchKey } from '../match-key.ts'
import { isAbsent } from '../shapes.ts'
import type { Claim } from '../source.ts'
import type { EskipDraft } from './annotations/eskip-draft.ts'
import type { RulePath } from './paths.ts'

/** What is told of the routes of an Ingress. */
type Tell = (message: string, remedy: string) => void

const finders: ReadonlySet<string> = new Set(['Path', 'PathSubtree'])

/** Makes the routes of `zalando.org/skipper-routes` at one path of a host. */
export function routesAt(
  routes: readonly EskipRoute[],
  host: string,
  { path, pathType }: RulePath,
  context: EskipContext,
  ingress: string,
  tell: Tell,
): readonly CompiledRoute[] {
  return routes.flatMap((route, index) => {
    const name = route.id === '' ? 'The route' : `The route ${route.id}`
    if (route.predicates.some((call) => finders.has(call.name))) {
      const message = `${name} has a path of its own where its rule has one: it is left out.`
      tell(message, 'Remove Path and PathSubtree from it, or write an Ingress for it.')
      return []
    }
    const target = readTarget(route.backend, context.namespace)
    // The host is that of the rule.
    const predicates = route.predicates.filter(
      (call) => call.name !== 'Host' && call.name !== 'HostAny',
    )
    const wish = { hosts: [host], seed: `${ingress} ${index}`, predicates, filters: route.filters }
    const { routes: compiled, findings } = compileRoute(
      { ...wish, targets: [{ target: isFault(target) ? { kind: 'shunt' } : target, weight: 1 }] },
      context,
    )
    for (const { message, remedy, isNote } of findings) {
      tell(isNote === true ? message : `${name} answers 503: ${message}`, remedy)
    }
    if (isFault(target)) tell(`${name} answers 503: ${target.message}`, target.remedy)
    return compiled.map((each) => ({
      ...each,
      ...(isFault(target)
        ? { filters: [], backend: { kind: 'closed', reason: target.message } as const }
        : {}),
      matches: each.matches.map((match) => ({ ...match, path, pathType })),
    }))
  })
}

/** Joins the rules of one path: their Services share its requests by weight. Nobody has a weight: equal shares. */
export function shareEqualPaths(
  claims: readonly Claim[],
  weights: ReadonlyMap<string, number>,
): readonly Claim[] {
  const byKey = Map.groupBy(claims, (claim) => `${claim.role} ${matchKey(claim.route.match)}`)
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
