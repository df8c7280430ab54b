// What do the claims of one host mean for each other? ingress-nginx decides some things for a host as a whole: one pattern among
// its paths makes all of them patterns, and one object with TLS makes all of them redirect to https.
//
// Invariant: a namespace cannot make patterns of the paths of others, unless it was on the host before everybody else: a pattern
// takes more requests than a path, and is asked in another order.
// Invariant: pure, and the same claim for the same question, so that what did not change stays the same object.
import type { Claim, HostTraits } from './source.ts'

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
  const roots = claims.filter(({ route }) => route.match.path === '/').length
  return claims.flatMap((claim) => {
    if (claim.traits?.isLiteralOnly && (isPattern(claim) || prefixes.has(claim.route.match.path))) {
      return []
    }
    const pattern = isPattern(claim) ? claim.traits?.pattern : undefined
    return withTraits(claim, hasTls, pattern && patternBeside(claim, pattern, exact, roots > 1))
  })
}

function actsOnOthers({ makesPatterns, hasTls, isLiteralOnly }: HostTraits): boolean {
  return (makesPatterns ?? hasTls ?? isLiteralOnly) !== undefined
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

function withTraits(claim: Claim, hasTls: boolean, pattern: string | undefined): Claim {
  const filters = hasTls ? claim.traits?.withTls?.filters : undefined
  if ((pattern ?? filters) === undefined) return claim
  return remembered(claim, `${filters === undefined ? '' : 'tls'} ${pattern ?? ''}`, () => {
    const { match } = claim.route
    return {
      ...claim,
      route: {
        ...claim.route,
        match: pattern === undefined ? match : { ...match, pathType: 'Regex', path: pattern },
        ...(filters === undefined ? {} : { filters }),
      },
    }
  })
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
