// Does chance mean this request? For parts of the requests that are taken by one route after the other, as Skipper's Traffic does.
//
// Invariant: all chances of a request come from its one draw, so that a route that is asked twice answers alike; a seed spreads
// the draw anew, so that two conditions do not hold for the same requests.
import { unquoted } from '../../cookies.ts'
import type { ChanceCondition } from './condition.ts'
import { type ConditionKind, isToken } from './kind.ts'

// Prime, and large enough that neighbours among draws are strangers afterwards.
const step = 1_000_003

/** `chance`. */
export const chance: ConditionKind<ChanceCondition> = {
  fault({ chance, sticky }) {
    if (!(chance >= 0 && chance <= 1)) return 'needs a chance from 0 to 1'
    if (sticky !== undefined && !isToken(sticky.cookie)) {
      return `names '${sticky.cookie}', which is not a cookie name`
    }
    return undefined
  },
  compile({ chance, seed, sticky }) {
    const spread = step + (seed % step)
    const holds = (draw: number) => (draw * spread) % 1 < chance
    if (sticky === undefined) return (request) => holds(request.draw)
    const { cookie, group } = sticky
    return (request) => {
      const value = request.cookie(cookie)
      return value === undefined ? holds(request.draw) : unquoted(value) === group
    }
  },
}
