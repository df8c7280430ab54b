// May this client address use the route? Deny beats allow; an empty allow list allows whom deny does not name.
//
// Invariant: as soon as there is a list, an address that is not known is denied: no list can be passed by hiding.
import { isIP } from 'node:net'
import { createCidrSet } from '../../cidr.ts'
import type { AccessPolicy } from '../policy.ts'

/** Compiles the lists into one question; undefined when both are empty. Throws a RangeError on text that is no CIDR. */
export function compileAccess(access: AccessPolicy): ((address: string) => boolean) | undefined {
  const allow = createCidrSet(access.allow)
  const deny = createCidrSet(access.deny)
  if (allow.size === 0 && deny.size === 0) return undefined
  return (address) => {
    if (isIP(address) === 0 || deny.has(address)) return false
    return allow.size === 0 || allow.has(address)
  }
}
