// Which terms of a backend do filters of eskip ask for? Times, tries, breakers and what is hashed.
import type { Balance, ForwardBackend } from '../backend.ts'
import type { BackendWish } from './filters/row.ts'

type BackendTerms = Pick<
  ForwardBackend,
  'balance' | 'retry' | 'breaker' | 'slowStart' | 'endpointLimit' | 'namesEndpoint'
>

/** Makes the terms of a backend whose endpoints are chosen by `balance`, but for its limits. */
export function termsOfWish(wish: BackendWish, balance: Balance | undefined): BackendTerms {
  const { retry, breaker, slowStart, endpointLimit, preservesHost, dynamic } = wish
  // A dynamic backend is asked by its own name, as in Skipper.
  const namesEndpoint = preservesHost === false || (dynamic !== undefined && preservesHost !== true)
  const chosen = balanceOf(balance, wish)
  return {
    ...(chosen && { balance: chosen }),
    ...(retry && { retry }),
    ...(breaker && { breaker }),
    ...(slowStart && { slowStart }),
    ...(endpointLimit && { endpointLimit }),
    ...(namesEndpoint && { namesEndpoint }),
  }
}

/** What a filter says of hashing counts where the algorithm is by hash, as in Skipper. */
function balanceOf(
  balance: Balance | undefined,
  { hashKey, loadFactor }: BackendWish,
): Balance | undefined {
  if (balance?.kind !== 'hash') return balance
  return {
    ...balance,
    ...(hashKey === undefined ? {} : { key: hashKey }),
    ...(loadFactor === undefined ? {} : { loadFactor }),
  }
}
