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
import { faultOfName } from './header-edits.ts'
import type {
  CompileContext,
  Filter,
  FilterKind,
  RequestStep,
  RequestView,
  SharedStore,
  Verdict,
} from './kind.ts'
import { compileTemplate, type TemplateText } from './template.ts'

/** Refuses requests of a key that come too fast. */
export interface RateLimitFilter extends Filter {
  readonly kind: 'rate-limit'
  /** `route`: all requests of the route share one budget. Requests without the property share one, too. */
  readonly key: LimitKey
  /** Routes with the same text share their budgets; absent: each route has its own. */
  readonly account?: string
  /** Client addresses (CIDRs) that are not counted. */
  readonly except?: readonly string[]
  /** Requests per window, ≥ 1. */
  readonly limit: number
  readonly windowMs: number
  /** How many may come at once, ≥ 1; absent: `limit`. */
  readonly burst?: number
  /** What one request takes of the budget, 1 to `burst`; absent: 1. Routes that share a budget may differ in it. */
  readonly cost?: number
  /** Who counts together: the workers of a node, or all nodes, through the store. */
  readonly scope: 'node' | 'store'
  /** While the store does not answer: each node counts by itself, or 503, or requests are refused as if there were too many. */
  readonly onStoreFailure: 'open' | 'closed' | 'limited'
  /** Of refusals, 400 to 599. */
  readonly status: number
  /** Refusals say X-Rate-Limit, the requests per hour, as Skipper's do, instead of RateLimit and RateLimit-Policy. */
  readonly saysHourly?: true
}

/** What tells requests apart. Of several headers, and of a text, a request that has none of it is not counted. */
export type LimitKey =
  | RequestKey
  | { readonly from: 'route' }
  /** Names in lower case; their values together are the key. `x-forwarded-for` is the client's address. */
  | { readonly from: 'headers'; readonly names: readonly string[] }
  | { readonly from: 'template'; readonly text: TemplateText }

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
  fault({ key, limit, windowMs, burst, cost, status, except }) {
    if (limit === undefined) return 'there is no limit'
    if (!isCount(limit)) return `the limit must be a whole number from 1 to ${maxCount}`
    if (!(windowMs >= 1 && windowMs <= maxWindowMs)) return 'the time must be 1 ms to 1 day'
    if (burst !== undefined && !isCount(burst)) {
      return `the burst must be a whole number from 1 to ${maxCount}`
    }
    if (cost !== undefined && !(isCount(cost) && cost <= (burst ?? limit))) {
      return 'the cost must be a whole number from 1 to the burst'
    }
    if (!(status >= 400 && status <= 599)) return 'the status must be 400 to 599'
    return faultOfExceptions(except) ?? faultOfKey(key)
  },
  compile(filter, context) {
    const step = filter.scope === 'node' ? nodeStep(filter, context) : storeStep(filter, context)
    return { request: exceptFor(filter.except, step) }
  },
}

function faultOfKey(key: LimitKey): string | undefined {
  if (key.from === 'route' || key.from === 'template') return undefined
  if (key.from === 'headers') return key.names.map(faultOfName).find((fault) => fault !== undefined)
  return faultOfRequestKey(key)
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
  { shared, routeKey, place }: CompileContext,
): (request: RequestView) => Verdict {
  const prefix = nameOf(filter, routeKey)
  const keyOf = compileLimitKey(filter.key, place.path)
  const refuse = compileRefusal(filter)
  const { limit, windowMs, burst = limit, cost = 1 } = filter
  const intervalMs = (windowMs / limit) * cost
  return (request) => {
    const key = keyOf(request)
    if (key === undefined) return undefined
    const waitMs = shared.take(prefix + key, intervalMs, burst / cost)
    return waitMs === 0 ? undefined : refuse(request, waitMs)
  }
}

/** Counts in the store. */
function storeStep(filter: RateLimitFilter, context: CompileContext): RequestStep {
  const { store } = context
  const refuse = compileRefusal(filter)
  const withoutStore = withoutAnswer(filter, context, refuse)
  // A proxy without a store is one whose store never answers.
  if (store === undefined) return { kind: 'sync', decide: withoutStore }
  const ask = askStore(filter, context, store)
  return {
    kind: 'async',
    timeoutMs: stepTimeoutMs,
    onTimeout: lateVerdicts[filter.onStoreFailure],
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

const lateVerdicts: Readonly<Record<RateLimitFilter['onStoreFailure'], Verdict>> = {
  open: undefined,
  closed: 'store-unavailable',
  limited: 'rate-limited',
}

/** Makes the decision that counts while the store does not answer. */
function withoutAnswer(
  filter: RateLimitFilter,
  context: CompileContext,
  refuse: Refuse,
): (request: RequestView) => Verdict {
  switch (filter.onStoreFailure) {
    case 'open':
      return takeHere(filter, context)
    case 'closed':
      return () => 'store-unavailable'
    case 'limited':
      return (request) => refuse(request, filter.windowMs)
  }
}

/** Makes the question to the store: the ms to wait, 0 when one was taken. */
function askStore(
  filter: RateLimitFilter,
  { routeKey, place }: CompileContext,
  store: SharedStore,
): (request: RequestView) => Promise<number> {
  const prefix = nameOf(filter, routeKey)
  const keyOf = compileLimitKey(filter.key, place.path)
  const { limit, windowMs, burst = limit, cost = 1 } = filter
  const interval = Math.max(1, Math.round((windowMs * 1000 * cost) / limit))
  const args = [String(interval), String(burst / cost)]
  return async (request) => {
    const own = keyOf(request)
    if (own === undefined) return 0
    // Keys are cookies, tokens and addresses: a store is no place for them.
    const key = `weir:rate:${hash('sha256', prefix + own, 'base64url')}`
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

/** Makes what gives the key of a request; undefined: it is not counted. */
function compileLimitKey(
  key: LimitKey,
  routePath: string,
): (request: RequestView) => string | undefined {
  if (key.from === 'route') return () => ''
  if (key.from === 'template') return compileTemplate(key.text, routePath)
  if (key.from === 'headers') return compileHeaders(key.names)
  if (key.from === 'address') return ({ clientAddress }) => subscriberOf(clientAddress)
  return compileRequestKey(key)
}

function compileHeaders(names: readonly string[]): (request: RequestView) => string | undefined {
  const reads = names.map((name) =>
    name === 'x-forwarded-for'
      ? ({ clientAddress }: RequestView) => subscriberOf(clientAddress)
      : (request: RequestView) => request.field(name) ?? '',
  )
  return (request) => {
    const values = reads.map((read) => read(request))
    return values.every((value) => value === '') ? undefined : JSON.stringify(values)
  }
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
type Refuse = (request: RequestView, waitMs: number) => Exclude<Verdict, undefined>

/** `saysHourly`: as Skipper says it. */
function compileRefusal(filter: RateLimitFilter): Refuse {
  const { limit, windowMs, status, saysHourly } = filter
  const hourly = String(Math.floor((limit * 3_600_000) / windowMs))
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
    if (saysHourly === true) {
      request.setResponseField('x-rate-limit', hourly)
      return verdict
    }
    request.setResponseField('ratelimit-policy', policy)
    request.setResponseField('ratelimit', `"requests";r=0;t=${seconds}`)
    return verdict
  }
}
