// What do the claims of one host mean for each other? ingress-nginx decides some things for a host as a whole: one pattern among
// its paths makes all of them patterns, one object with TLS makes all of them redirect to https, and what a server's snippet
// refuses is refused at all paths.
//
// Invariant: a namespace cannot make patterns of the paths of others, nor guard them, unless it was on the host before everybody
// else: a pattern takes more requests than a path, and is asked in another order.
// Invariant: pure, and the same claim for the same question, so that what did not change stays the same object.
import { clientCheckOf, withClientCheck } from './client-check.ts'
import type { Filter } from './filters/kind.ts'
import type { Claim, HostTraits } from './source.ts'
import { serviceOf } from './table.ts'

/** Makes of the claims of one host what they are beside each other; the same list when they are as they came. */
export function besideEachOther(claims: readonly Claim[]): readonly Claim[] {
  if (!claims.some(({ traits }) => traits !== undefined && actsOnOthers(traits))) return claims
  const hasTls = claims.some(({ traits }) => traits?.hasTls)
  const makers = new Set(
    claims.flatMap(({ traits, route }) => (traits?.makesPatterns ? [route.owner.namespace] : [])),
  )
  const first = claims[0]?.route.owner.namespace
  const all = first !== undefined && makers.has(first)
  const isPattern = ({ route }: Claim) => all || makers.has(route.owner.namespace)
  const exact = new Set(
    claims.flatMap((claim) =>
      isPattern(claim) && claim.route.match.pathType === 'Exact' ? [claim.traits?.pattern] : [],
    ),
  )
  // A prefix that is written with a slash at its end leaves the path without it to others.
  const prefixes = new Set(
    claims.flatMap(({ traits, route: { match } }) =>
      match.pathType === 'Prefix' && traits?.pattern === match.path ? [match.path] : [],
    ),
  )
  const guard = claims.find(({ traits }) => traits?.guards !== undefined)
  const checker = claims.find(({ traits }) => traits?.clientCheck !== undefined)
  const closer = claims.find(({ traits }) => traits?.closes !== undefined)
  const roots = claims.filter(({ route }) => route.match.path === '/').length
  return claims.flatMap((claim) => {
    if (claim.traits?.isLiteralOnly && (isPattern(claim) || prefixes.has(claim.route.match.path))) {
      return []
    }
    const pattern = isPattern(claim) ? claim.traits?.pattern : undefined
    if (closer !== undefined && actsOn(closer, claim, first)) return closedBy(claim, closer)
    const guards = guard && guardsBeside(claim, guard, first)
    return withTraits(claim, hasTls, {
      clientCheck: checker && clientCheckBeside(claim, checker, first),
      pattern: pattern && patternBeside(claim, pattern, exact, roots > 1),
      guards,
    })
  })
}

function actsOnOthers(traits: HostTraits): boolean {
  const { makesPatterns, hasTls, isLiteralOnly, guards, clientCheck, closes } = traits
  return (makesPatterns ?? hasTls ?? isLiteralOnly ?? guards ?? clientCheck ?? closes) !== undefined
}

/** Says whether what guards one object's routes guards those of another object on its host. */
function actsOn({ route }: Claim, other: Claim, first: string | undefined): boolean {
  const { namespace, name } = route.owner
  const { owner } = other.route
  const isOwn = owner.namespace === namespace && owner.name === name
  return !isOwn && (owner.namespace === namespace || namespace === first)
}

/** What guards its host cannot be read: nobody knows whom it would let in. */
function closedBy(claim: Claim, { route: { owner }, traits }: Claim): Claim {
  const reason = `Ingress ${owner.namespace}/${owner.name} of the same host: ${traits?.closes}`
  return remembered(claim, `closed ${reason}`, () => {
    const service = serviceOf(claim.route)
    return {
      ...claim,
      route: { ...claim.route, filters: [], backend: { kind: 'closed', reason, service } },
    }
  })
}

/** The guards of another object on the host; rules of a path's own take the place of its server's, as in nginx. */
function guardsBeside(
  claim: Claim,
  guard: Claim,
  first: string | undefined,
): readonly Filter[] | undefined {
  if (!actsOn(guard, claim, first)) return undefined
  const hasRules = claim.route.filters.some(({ kind }) => kind === 'access-rules')
  return guard.traits?.guards?.filter(({ kind }) => kind !== 'access-rules' || !hasRules)
}

/**
 * What another object of the host asks of clients' certificates, where a route has no question of its own. Who answers
 * challenges for certificates is left alone: authorities have none to show (RFC 8555 §8.3).
 */
function clientCheckBeside(
  claim: Claim,
  checker: Claim,
  first: string | undefined,
): Filter | undefined {
  const { match, filters } = claim.route
  const isOfChallenges = match.path.startsWith('/.well-known/acme-challenge')
  if (isOfChallenges || clientCheckOf(filters) !== undefined) return undefined
  return actsOn(checker, claim, first) ? checker.traits?.clientCheck : undefined
}

/** Of an exact path and the paths below it, which are one pattern, the one must leave something to the other. */
function patternBeside(
  { route }: Claim,
  pattern: string,
  exact: ReadonlySet<string | undefined>,
  isRootShared: boolean,
): string {
  const isExact = route.match.pathType === 'Exact'
  if (pattern === '/') return isExact && isRootShared ? '/$' : pattern
  return !isExact && exact.has(pattern) ? `${pattern}/` : pattern
}

const known = new WeakMap<Claim, Map<string, Claim>>()
const origins = new WeakMap<Claim, Claim>()

/** The claim as its object asked for it: a path that became a pattern beside others is a path there. */
export function originOf(claim: Claim): Claim {
  return origins.get(claim) ?? claim
}

/** What others make of a claim. */
interface Change {
  readonly pattern: string | undefined
  readonly guards: readonly Filter[] | undefined
  readonly clientCheck: Filter | undefined
}

function withTraits(
  claim: Claim,
  hasTls: boolean,
  { pattern, guards, clientCheck }: Change,
): Claim {
  const ofTls = hasTls ? claim.traits?.withTls?.filters : undefined
  if ((pattern ?? ofTls ?? guards ?? clientCheck) === undefined) return claim
  const own = ofTls ?? claim.route.filters
  const guarded = guards === undefined ? own : [...guards, ...own]
  const all = clientCheck === undefined ? guarded : withClientCheck(guarded, clientCheck)
  const filters = all === claim.route.filters ? undefined : all
  const guardsText = guards === undefined ? '' : JSON.stringify(guards)
  const checkText = clientCheck === undefined ? '' : JSON.stringify(clientCheck)
  return remembered(
    claim,
    `${ofTls === undefined ? '' : 'tls'} ${pattern ?? ''} ${guardsText}${checkText}`,
    () => {
      const { match } = claim.route
      return {
        ...claim,
        route: {
          ...claim.route,
          match: pattern === undefined ? match : { ...match, pathType: 'Regex', path: pattern },
          ...(filters === undefined ? {} : { filters }),
        },
      }
    },
  )
}

/** The claim for another host. */
export function atHost(claim: Claim, host: string): Claim {
  return remembered(claim, `at ${host}`, () => ({
    ...claim,
    route: { ...claim.route, match: { ...claim.route.match, host } },
  }))
}

function remembered(claim: Claim, key: string, make: () => Claim): Claim {
  const byKey = known.get(claim) ?? new Map<string, Claim>()
  known.set(claim, byKey)
  const found = byKey.get(key) ?? make()
  byKey.set(key, found)
  origins.set(found, originOf(claim))
  return found
}
