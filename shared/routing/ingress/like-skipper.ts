// What does an Ingress mean where `--like skipper` counts? One without a host is for every host, as for Skipper, which knows no
// other way; and its routes have a place among those in Skipper's words: by path, then by what their predicates weigh.
import type { Claim, Reading } from '../source.ts'
import { everyHost, type Match } from '../table.ts'

/** Gives the reading of an Ingress with its claims as Skipper means them. */
export function asSkipper(reading: Reading): Reading {
  if (reading.claims.length === 0) return reading
  return { ...reading, claims: reading.claims.map(claimAsSkipper) }
}

function claimAsSkipper(claim: Claim): Claim {
  const { match } = claim.route
  const { host, weight = 0 } = match
  const isRest = claim.role === 'default' || claim.role === 'rest'
  const as: Match = {
    ...match,
    host: host === '' ? everyHost : host,
    weight,
    // A default backend takes what no path takes.
    ...(isRest && host === '' ? { pathType: 'Any' } : {}),
  }
  return { ...claim, route: { ...claim.route, match: as } }
}
