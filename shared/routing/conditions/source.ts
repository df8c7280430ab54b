// Does the request come from one of these networks?
import { createCidrSet, parseCidr } from '../../cidr.ts'
import type { SourceCondition } from './condition.ts'
import type { ConditionKind } from './kind.ts'

/** `source`. */
export const source: ConditionKind<SourceCondition> = {
  fault({ networks }) {
    if (networks.length === 0) return 'names no network'
    for (const network of networks) {
      const result = parseCidr(network)
      if (!result.ok) return `cannot be used: ${result.reason}`
    }
    return undefined
  },
  compile({ networks, of }) {
    const set = createCidrSet(networks)
    return of === 'peer'
      ? (request) => set.has(request.peerAddress)
      : (request) => set.has(request.clientAddress)
  },
}
