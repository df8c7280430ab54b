// Weir's own annotations for limits: how fast requests may come, and how many may be in progress.
//
// Invariant: all of them are guards. A limit that is not understood closes the route.
import { faultOfRequestKey, type RequestKey } from '../../request-key.ts'
import { parseWhole } from './filter-values.ts'
import { guarded, type Row } from './row.ts'
import { partOf } from './settings.ts'
import { type Parsed, parseChoice, parseDuration } from './values.ts'

const maxCount = 10_000_000

interface Rate {
  readonly limit: number
  readonly windowMs: number
}

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Parses `100/m`: so many per second, minute, hour or day; a number may stand before the unit (`50/10s`). */
export function parseRate(text: string): Parsed<Rate> {
  const match = /^(\d{1,8})\/(\d{1,5})?([smhd])$/.exec(text)
  const limit = Number(match?.[1] ?? 0)
  const windowMs = Number(match?.[2] ?? 1) * (unitMs[match?.[3] ?? ''] ?? 0)
  return limit >= 1 && limit <= maxCount && windowMs > 0 && windowMs <= 86_400_000
    ? { ok: true, value: { limit, windowMs } }
    : { ok: false, reason: 'must be a rate such as 10/s, 100/m or 50/10s, over a day at most' }
}

type LimitKey = RequestKey | { readonly from: 'route' }

/** Parses `address`, `route`, `host`, `path`, `header:NAME`, `cookie:NAME` or `query:NAME`. */
export function parseLimitKey(text: string): Parsed<LimitKey> {
  const key = readLimitKey(text)
  if (key === undefined) {
    return {
      ok: false,
      reason: 'must be address, route, host, path, header:NAME, cookie:NAME or query:NAME',
    }
  }
  const fault = key.from === 'route' ? undefined : faultOfRequestKey(key)
  return fault === undefined
    ? { ok: true, value: key }
    : { ok: false, reason: `cannot be used: ${fault}` }
}

function readLimitKey(text: string): LimitKey | undefined {
  const colon = text.indexOf(':')
  const from = (colon === -1 ? text : text.slice(0, colon)).toLowerCase()
  const name = colon === -1 ? undefined : text.slice(colon + 1)
  switch (from) {
    case 'address':
    case 'route':
    case 'host':
    case 'path':
      return name === undefined ? { from } : undefined
    case 'header':
      return name === undefined ? undefined : { from, name: name.toLowerCase() }
    case 'cookie':
    case 'query':
      return name === undefined ? undefined : { from, name }
    default:
      return undefined
  }
}

const limitKeys = '`address`, `route`, `host`, `path`, `header:NAME`, `cookie:NAME`, `query:NAME`'

const rateLimit: readonly Row[] = [
  guarded(
    'rate-limit',
    '`10/s`, `100/m`, `50/10s`',
    'Requests above this rate get 429 with Retry-After. Counted by client for each rule, over all threads of a node; see the next keys.',
    parseRate,
    partOf('rate-limit', 'weir.dev/rate-limit', (rate: Rate) => ({ ...rate })),
  ),
  guarded(
    'rate-limit-by',
    limitKeys,
    'Who has a budget of its own: clients (of IPv6 each /64) when absent. Requests without the property share one. What clients choose themselves they can change.',
    parseLimitKey,
    partOf('rate-limit', 'weir.dev/rate-limit-by', (key) => ({ key })),
  ),
  guarded(
    'rate-limit-burst',
    '1 to 10000000',
    'How many may come at once; as many as the rate counts when absent. After them the rate is kept evenly.',
    parseWhole(1, maxCount),
    partOf('rate-limit', 'weir.dev/rate-limit-burst', (burst) => ({ burst })),
  ),
  guarded(
    'rate-limit-scope',
    '`node`, `cluster`',
    'Each node counts for itself, or all nodes together in the store that `--valkey` names, at 50 ms per request at most; `node` when absent.',
    parseChoice({ node: 'node', cluster: 'store' } as const),
    partOf('rate-limit', 'weir.dev/rate-limit-scope', (scope) => ({ scope })),
  ),
  guarded(
    'rate-limit-on-failure',
    '`open`, `closed`',
    'While the store does not answer, or there is none: `open` counts on each node, `closed` answers 503; `open` when absent.',
    parseChoice({ open: 'open', closed: 'closed' } as const),
    partOf('rate-limit', 'weir.dev/rate-limit-on-failure', (onStoreFailure) => ({
      onStoreFailure,
    })),
  ),
]

const concurrency: readonly Row[] = [
  guarded(
    'concurrency',
    '1 to 1000000',
    'So many requests of each rule are in progress at a time on a node; others wait in the queue, or get 503. Each thread has an equal share, rounded up.',
    parseWhole(1, 1_000_000),
    partOf('concurrency', 'weir.dev/concurrency', (limit) => ({ limit })),
  ),
  guarded(
    'concurrency-by',
    limitKeys,
    'Who has a limit of its own; all requests of the rule share one when absent.',
    parseLimitKey,
    partOf('concurrency', 'weir.dev/concurrency-by', (key) => ({ key })),
  ),
  guarded(
    'concurrency-queue',
    '0 to 1000000',
    'So many may wait; none when absent. A client that goes away leaves the queue.',
    parseWhole(0, 1_000_000),
    partOf('concurrency', 'weir.dev/concurrency-queue', (queue) => ({ queue })),
  ),
  guarded(
    'concurrency-order',
    '`fifo`, `lifo`',
    'Who is next: first in, first out; or last in, first out, where a full queue turns away who waits longest. `fifo` when absent.',
    parseChoice({ fifo: 'fifo', lifo: 'lifo' } as const),
    partOf('concurrency', 'weir.dev/concurrency-order', (order) => ({ order })),
  ),
  guarded(
    'concurrency-max-wait',
    '`500ms`, `10s`',
    'Who waits longer gets 503; 10s when absent.',
    parseDuration,
    partOf('concurrency', 'weir.dev/concurrency-max-wait', (maxWaitMs) => ({ maxWaitMs })),
  ),
]

/** The rows of limits. */
export const limitRows: readonly Row[] = [...rateLimit, ...concurrency]
