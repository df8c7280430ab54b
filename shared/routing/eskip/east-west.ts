// Which hosts are for requests within the cluster alone? Those below domains that the operator names: all routes there have
// predicates of the operator's.
import type { Match } from '../table.ts'
import type { MatchParts } from './predicates/read.ts'

/** `--east-west-range-domains`, and what `--east-west-range-predicates` come to. */
export interface EastWest {
  readonly domains: readonly string[]
  readonly match: MatchParts
}

/** Narrows the match of a route whose host is below one of the domains. */
export function narrowEastWest(match: Match, eastWest: EastWest | undefined): Match {
  if (eastWest === undefined || !isWithin(match.host, eastWest.domains)) return match
  const { conditions, weight = 0 } = eastWest.match
  return {
    ...match,
    conditions: [...match.conditions, ...conditions],
    weight: (match.weight ?? 0) + weight,
  }
}

function isWithin(host: string, domains: readonly string[]): boolean {
  return domains.some((domain) => host === domain || host.endsWith(`.${domain}`))
}
