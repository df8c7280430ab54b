// Which endpoint serves this attempt? The route's balance, and the cookie of a client that is to come back to its endpoint.
import type { CompiledAffinity } from '../../shared/routing/affinity.ts'
import { fieldValue } from '../http/fields.ts'
import type { EndpointPool } from '../upstream/endpoint-pool.ts'
import type { LiveForward } from './live-route.ts'

/** An endpoint for a client with affinity, and the Set-Cookie line that brings it back; empty when its cookie holds. */
export interface StickyChoice {
  readonly pool: EndpointPool
  readonly cookieLine: string
}

/** Chooses by the route's balance among the endpoints that are not in `tried`. */
export function chooseEndpoint(
  { upstream, leastRequests }: LiveForward,
  tried: readonly EndpointPool[],
): EndpointPool | undefined {
  return leastRequests ? upstream.leastRequests(tried) : upstream.roundRobin(tried)
}

/** Chooses the endpoint that the client's cookie names, else one by the route's balance. `lines` are the request's fields. */
export function chooseSticky(
  backend: LiveForward,
  affinity: CompiledAffinity,
  lines: string,
  tried: readonly EndpointPool[],
): StickyChoice | undefined {
  const { upstream } = backend
  const cookie = fieldValue(lines, 'cookie', '; ')
  const known = cookie === undefined ? undefined : affinity.pick(cookie, upstream.endpoints)
  const bound = known === undefined ? undefined : upstream.poolOf(known)
  if (bound !== undefined && !tried.includes(bound)) return { pool: bound, cookieLine: '' }
  const pool = chooseEndpoint(backend, tried)
  if (pool === undefined) return undefined
  const isRebound = bound === undefined || affinity.changeOnFailure
  const cookieLine = isRebound ? `Set-Cookie: ${affinity.setCookie(pool.endpoint)}\r\n` : ''
  return { pool, cookieLine }
}
