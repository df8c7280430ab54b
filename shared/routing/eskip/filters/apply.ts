// What a route's filters ask of its backend, said in the backend's own words.
import type { Balance, ForwardBackend } from '../../backend.ts'
import type { BackendWish } from './row.ts'

/** Gives a backend what filters ask of it; what they do not mention stays. `<dynamic>` is the affair of who makes the choices. */
export function applyWish(backend: ForwardBackend, wish: BackendWish): ForwardBackend {
  const { limits, retry, breaker, slowStart, preservesHost } = wish
  const balance = balanceBy(backend.balance, wish)
  return {
    ...backend,
    ...(limits && { limits: { ...backend.limits, ...limits } }),
    ...(retry && { retry }),
    ...(breaker && { breaker: { ...backend.breaker, ...breaker } }),
    ...(slowStart && { slowStart }),
    ...(balance && { balance }),
    ...(preservesHost === false && { namesEndpoint: true as const }),
  }
}

/** Words about hashing count where the balance is by hash, as in Skipper. */
function balanceBy(
  balance: Balance | undefined,
  { hashKey, loadFactor }: BackendWish,
): Balance | undefined {
  if (balance?.kind !== 'hash') return undefined
  return {
    ...balance,
    ...(hashKey && { key: hashKey }),
    ...(loadFactor !== undefined && { loadFactor }),
  }
}
