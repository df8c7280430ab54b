// May this client address use the route, by a list of rules of which the first that names it counts (nginx's allow and deny)?
//
// Invariant: an address that is not known is denied, and one that no rule names is allowed, as in nginx.
import { isIP } from 'node:net'
import { type CidrSet, createCidrSet, parseCidr } from '../../cidr.ts'
import type { Filter, FilterKind } from './kind.ts'

/** Allows or denies a network, an address, or `all`. */
export interface AccessRule {
  readonly allows: boolean
  readonly from: string
}

/** Others get 403. */
export interface AccessRulesFilter extends Filter {
  readonly kind: 'access-rules'
  readonly rules: readonly AccessRule[]
}

export const accessRulesKind: FilterKind<AccessRulesFilter> = {
  kind: 'access-rules',
  isGuard: true,
  fault: ({ rules }) => rules.map(faultOfAccessRule).find((fault) => fault !== undefined),
  compile({ rules }) {
    const isAllowed = compileAccess(rules)
    return {
      request: {
        kind: 'sync',
        decide: ({ clientAddress }) => (isAllowed(clientAddress) ? undefined : 'access-denied'),
      },
    }
  },
}

/** Says what is wrong with a rule, as the end of a sentence. */
export function faultOfAccessRule({ from }: AccessRule): string | undefined {
  if (from === 'all') return undefined
  const result = parseCidr(from)
  return result.ok ? undefined : result.reason
}

/** Compiles rules that have no fault. */
export function compileAccess(rules: readonly AccessRule[]): (address: string) => boolean {
  const groups: { readonly allows: boolean; readonly addresses: CidrSet | 'all' }[] = []
  let list: string[] = []
  for (const [index, { allows, from }] of rules.entries()) {
    if (from === 'all') groups.push({ allows, addresses: 'all' })
    else {
      list.push(from)
      const next = rules[index + 1]
      if (next?.allows === allows && next.from !== 'all') continue
      groups.push({ allows, addresses: createCidrSet(list) })
      list = []
    }
  }
  return (address) => {
    if (isIP(address) === 0) return false
    const first = groups.find(({ addresses }) => addresses === 'all' || addresses.has(address))
    return first === undefined || first.allows
  }
}
