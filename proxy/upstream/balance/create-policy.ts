// Which policy does a route's balance stand for? Asked when the route is built, never per request.
import type { Balance, SlowStart } from '../../../shared/routing/backend.ts'
import { compileHashKey } from '../../../shared/routing/request-text.ts'
import type { CoarseTime } from '../../net/coarse-time.ts'
import { byHash, bySubset, drawOf } from './hash.ts'
import { PeakLatency } from './peak-latency.ts'
import type { PickEndpoint } from './policy.ts'
import { pickInTurn } from './round-robin.ts'
import { withSlowStart } from './slow-start.ts'
import { cheaperOfTwo } from './two-choices.ts'

// Any number that no other draw is salted with.
const slowStartSalt = 0x736c6f77

/** What policies draw and time by. */
export interface PolicyContext {
  /** In [0, 1). */
  readonly random: () => number
  readonly time: CoarseTime
}

/** Makes the policy of a route. */
export function createPolicy(
  balance: Balance | undefined,
  slowStart: SlowStart | undefined,
  context: PolicyContext,
): PickEndpoint {
  const pick = createBalance(balance, context)
  if (slowStart === undefined) return pick
  if (balance?.kind !== 'hash') return withSlowStart(pick, slowStart.windowMs, context.random)
  const keyOf = compileHashKey(balance.key)
  return withSlowStart(pick, slowStart.windowMs, (request) => {
    const key = request === undefined ? '' : keyOf(request)
    return key === '' ? context.random() : drawOf(key, slowStartSalt)
  })
}

function createBalance(
  balance: Balance | undefined,
  { random, time }: PolicyContext,
): PickEndpoint {
  switch (balance?.kind) {
    case undefined:
    case 'round-robin':
      return pickInTurn
    case 'least-requests':
      return cheaperOfTwo(random, (pool) => pool.active)
    case 'peak-ewma':
      return cheaperOfTwo(random, (pool) => {
        pool.latency ??= new PeakLatency()
        return pool.latency.cost(pool.active, time.now)
      })
    case 'hash':
      return balance.subset === undefined
        ? byHash(compileHashKey(balance.key), balance.loadFactor)
        : bySubset(compileHashKey(balance.key), balance.subset, random)
  }
}
