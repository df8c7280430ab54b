// How many requests may come within a time, by client, by a property of the request, or over the whole route?
//
// One budget per key (GCRA): up to `burst` requests at once, then one more each windowMs / limit. It is counted for the whole
// node (all workers), or in the store for all nodes.
//
// Invariant: who is refused pays nothing, and no client can spend another's budget: shared-counters.ts says why.
// Invariant: the store costs a request 50 ms at most. Without its answer the node counts by itself (`open`), or refuses (`closed`).
import { createHash, hash } from 'node:crypto'
import { parseIpv6 } from '../../ip-address.ts'
import { compileRequestKey, faultOfRequestKey, type RequestKey } from '../request-key.ts'
import { exceptFor, faultOfExceptions } from './exceptions.ts'
import type {
  CompileContext,
  Filter,
  FilterKind,
  RequestStep,
  RequestView,
  SharedStore,
  Verdict,
} from './kind.ts'

/** Refuses requests of a key that come too fast. */
export interface RateLimitFilter extends Filter {
  readonly kind: 'rate-limit'
  /** `route`: all requests of the route share one budget. Requests without the property share one, too. */
  readonly key: RequestKey | { readonly from: 'route' }
  /** Routes with the same text share their budgets; absent: each route has its own. */
  readonly account?: string
  /** Client addresses (CIDRs) that are not counted. */
  readonly except?: readonly string[]
  /** Requests per window, ≥ 1. */
  readonly limit: number
  readonly windowMs: number
  /** How many may come at once, ≥ 1; absent: `limit`. */
  readonly burst?: number
  /** Who counts together: the workers of a node, or all nodes, through the store. */
  readonly scope: 'node' | 'store'
  /** While the store does not answer: each node counts by itself, or 503. */
  readonly onStoreFailure: 'open' | 'closed'
  /** Of refusals, 400 to 599. */
  readonly status: number
}

const maxWindowMs = 86_400_000
const maxCount = 10_000_000
// The store gives up before the step does, so that `open` still has time to count by itself.
const storeTimeoutMs = 40
const stepTimeoutMs = 50

export const rateLimitKind: FilterKind<RateLimitFilter> = {
  kind: 'rate-limit',
  isGuard: true,
  defaults: {
    key: { from: 'address' },
    scope: 'node',
    onStoreFailure: 'open',
    status: 429,
  },
  fault({ key, limit, windowMs, burst, status, except }) {
    if (limit === undefined) return 'there is no limit'
    if (!isCount(limit)) return `the limit must be a whole number from 1 to ${maxCount}`
    if (!(windowMs >= 1 && windowMs <= maxWindowMs)) return 'the time must be 1 ms to 1 day'
    if (burst !== undefined && !isCount(burst)) {
      return `the burst must be a whole number from 1 to ${maxCount}`
    }
    if (!(status >= 400 && status <= 599)) return 'the status must be 400 to 599'
    return faultOfExceptions(except) ?? (key.from === 'route' ? undefined : faultOfRequestKey(key))
  },
  compile(filter, context) {
    const step = filter.scope === 'node' ? nodeStep(filter, context) : storeStep(filter, context)
    return { request: exceptFor(filter.except, step) }
  },
}

function isCount(count: number): boolean {
  return Number.isSafeInteger(count) && count >= 1 && count <= maxCount
}

/** Counts in the memory of the node. */
function nodeStep(filter: RateLimitFilter, context: CompileContext): RequestStep {
  const decide = takeHere(filter, context)
  return { kind: 'sync', decide: (request) => decide(request) }
}

/** Makes the decision by the memory of the node. */
function takeHere(
  filter: RateLimitFilter,
  { shared, routeKey }: CompileContext,
): (request: RequestView) => Verdict {
  const prefix = nameOf(filter, routeKey)
  const keyOf = compileLimitKey(filter.key)
  const refuse = compileRefusal(filter)
  const { limit, windowMs, burst = limit } = filter
  const intervalMs = windowMs / limit
  return (request) => {
    const waitMs = shared.take(prefix + keyOf(request), intervalMs, burst)
    return waitMs === 0 ? undefined : refuse(request, waitMs)
  }
}

/** Counts in the store. */
function storeStep(filter: RateLimitFilter, context: CompileContext): RequestStep {
  const { store } = context
  const withoutStore = filter.onStoreFailure === 'open' ? takeHere(filter, context) : refuseAll
  // A proxy without a store is one whose store never answers.
  if (store === undefined) return { kind: 'sync', decide: withoutStore }
  const ask = askStore(filter, context.routeKey, store)
  const refuse = compileRefusal(filter)
  return {
    kind: 'async',
    timeoutMs: stepTimeoutMs,
    onTimeout: filter.onStoreFailure === 'open' ? undefined : 'store-unavailable',
    start(request, settle) {
      let isCancelled = false
      ask(request).then(
        (waitMs) => {
          if (!isCancelled) settle(waitMs === 0 ? undefined : refuse(request, waitMs))
        },
        () => {
          if (!isCancelled) settle(withoutStore(request))
        },
      )
      return () => {
        isCancelled = true
      }
    },
  }
}

function refuseAll(): Verdict {
  return 'store-unavailable'
}

/** Makes the question to the store: the ms to wait, 0 when one was taken. */
function askStore(
  filter: RateLimitFilter,
  routeKey: string,
  store: SharedStore,
): (request: RequestView) => Promise<number> {
  const prefix = nameOf(filter, routeKey)
  const keyOf = compileLimitKey(filter.key)
  const { limit, windowMs, burst = limit } = filter
  const args = [String(Math.max(1, Math.round((windowMs * 1000) / limit))), String(burst)]
  return async (request) => {
    // Keys are cookies, tokens and addresses: a store is no place for them.
    const key = `weir:rate:${hash('sha256', prefix + keyOf(request), 'base64url')}`
    const answer = await store.run('take', [key], args, storeTimeoutMs)
    const waitMicros = Number(answer)
    if (!(waitMicros >= 0)) throw new Error('the store did not answer with a number')
    return waitMicros / 1000
  }
}

/** A short name for the budgets of one limit of one route: the same in every worker, on every node, after each rebuild. */
function nameOf(filter: RateLimitFilter, routeKey: string): string {
  const { account, key, limit, windowMs } = filter
  const owner = account === undefined ? routeKey : { account }
  const text = JSON.stringify([owner, key, limit, windowMs])
  return `${createHash('sha256').update(text).digest('base64url').slice(0, 16)}:`
}

function compileLimitKey(key: RateLimitFilter['key']): (request: RequestView) => string {
  if (key.from === 'route') return () => ''
  if (key.from === 'address') return ({ clientAddress }) => subscriberOf(clientAddress)
  return compileRequestKey(key)
}

/** A subscriber has a whole /64 of IPv6 (RFC 6177, RFC 7934 §4): by single addresses every limit could be walked around. */
function subscriberOf(address: string): string {
  if (!address.includes(':')) return address
  const groups = parseIpv6(address)
  return groups === undefined ? address : groups.slice(0, 4).join(':')
}

/**
 * Makes the refusal: Retry-After (RFC 9110 §10.2.3), and RateLimit-Policy and RateLimit as of
 * draft-ietf-httpapi-ratelimit-headers-10: quota `q` per `w` seconds, `r` left, the next one in `t` seconds.
 */
function compileRefusal(
  filter: RateLimitFilter,
): (request: RequestView, waitMs: number) => Exclude<Verdict, undefined> {
  const { limit, windowMs, status } = filter
  const policy = `"requests";q=${limit};w=${Math.max(1, Math.ceil(windowMs / 1000))}`
  const verdict =
    status === 429
      ? 'rate-limited'
      : {
          status,
          code: 'rate-limited',
          headers: [['content-type', 'text/plain']] as const,
          body: `${status} rate-limited\nToo many requests.\n`,
        }
  return (request, waitMs) => {
    const seconds = String(Math.max(1, Math.ceil(waitMs / 1000)))
    request.setResponseField('retry-after', seconds)
    request.setResponseField('ratelimit-policy', policy)
    request.setResponseField('ratelimit', `"requests";r=0;t=${seconds}`)
    return verdict
  }
}
