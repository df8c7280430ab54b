// What serves a route that names addresses itself, as a network backend or a list of Skipper's does?
//
// Invariant: whoever writes such an object cannot choose any host that the proxy can reach: only addresses of `--backend-urls`
// pass. Its `any` lets no address of this machine or of a link pass.
import { isIP } from 'node:net'
import { formatOrigin, judgeOrigin, type Origin } from '../../auth-origin.ts'
import type { Endpoint, Upstream } from '../table.ts'
import type { BackendRef } from './backend-ref.ts'
import { type Resolved, without } from './endpoints.ts'

/** Finds the endpoints behind addresses; a name is looked up, and then there is one address only. */
export function resolveAddresses(
  ref: BackendRef,
  origins: readonly Origin[],
  allowed: ReadonlySet<string>,
): Resolved {
  const refusedOne = origins.find((origin) => judgeOrigin(origin, allowed) === 'refused')
  if (refusedOne !== undefined) {
    const url = formatOrigin(refusedOne)
    return without(ref, {
      reason: 'backend-url-refused',
      message: `The address ${url} is not allowed: nothing is sent there, and the route answers 503.`,
      remedy: `Name a Service of the namespace, or have the operator add ${url} to --backend-urls.`,
    })
  }
  const named = origins.find(({ host }) => isIP(host) === 0)
  if (named === undefined) {
    return {
      hasService: true,
      upstream: { key: ref.key, endpoints: origins.map(endpointOf) },
      findings: [],
    }
  }
  if (origins.length > 1) {
    return without(ref, {
      reason: 'unsupported-backend',
      message: `${named.host} is a name, and a list of several endpoints can hold addresses only: the route answers 503.`,
      remedy: 'Write addresses, or one name alone: all of its addresses are used.',
    })
  }
  const isUnlisted = judgeOrigin(named, allowed) === 'any'
  const externalName = { ...named, ...(isUnlisted ? { isUnlisted: true as const } : {}) }
  const upstream: Upstream = { key: ref.key, endpoints: [], externalName }
  return { hasService: true, upstream, findings: [] }
}

function endpointOf({ scheme, host, port }: Origin): Endpoint {
  return { address: host, port, ...(scheme === 'https' ? { serverName: host } : {}) }
}
