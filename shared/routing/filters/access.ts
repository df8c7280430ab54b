// May this client address use the route? Deny beats allow; an empty allow list allows whom deny does not name.
//
// Invariant: as soon as there is a list, an address that is not known is denied: no list can be passed by hiding.
import { isIP } from 'node:net'
import { createCidrSet, parseCidr } from '../../cidr.ts'
import type { Filter, FilterKind } from './kind.ts'

/** Who may use the route, by client address (the rules of X-Forwarded-For apply). Lists are CIDRs; deny beats allow. */
export interface AccessFilter extends Filter {
  readonly kind: 'access'
  /** Empty allows everybody that `deny` does not name. */
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}

/** Others get 403. */
export const accessKind: FilterKind<AccessFilter> = {
  kind: 'access',
  isGuard: true,
  fault({ allow, deny }) {
    for (const text of [...allow, ...deny]) {
      const result = parseCidr(text)
      if (!result.ok) return result.reason
    }
    return undefined
  },
  compile(filter) {
    const allow = createCidrSet(filter.allow)
    const deny = createCidrSet(filter.deny)
    if (allow.size === 0 && deny.size === 0) return {}
    return {
      request: {
        kind: 'sync',
        decide({ clientAddress }) {
          const isDenied = isIP(clientAddress) === 0 || deny.has(clientAddress)
          const isAllowed = !isDenied && (allow.size === 0 || allow.has(clientAddress))
          return isAllowed ? undefined : 'access-denied'
        },
      },
    }
  },
}
