// Weir's own annotations for what stands behind a rule: how an endpoint is chosen, and when to try again at another one.
import type { Balance, RetryCondition, RetryRules, StatusRange } from '../../backend.ts'
import type { RequestKey } from '../../request-key.ts'
import type { WeightedService } from '../weighted-choices.ts'
import { parseRequestKeys, parseService, parseStatusRanges, parseWhole } from './filter-values.ts'
import { type Row, supported } from './row.ts'
import { ask, retryWith } from './settings.ts'
import {
  accept,
  type Parsed,
  parseBool,
  parseChoice,
  parseDuration,
  refuse,
  splitList,
} from './values.ts'

const duration = '`500ms`, `30s`, `5m`'

/** Parses one property of a request; `header:NAME` and the like name theirs. */
function parseHashKey(text: string): Parsed<RequestKey> {
  const keys = parseRequestKeys(text)
  if (!keys.ok) return keys
  const [key] = keys.value
  return key === undefined || keys.value.length > 1
    ? refuse('must name one property of the request')
    : accept(key)
}

/** Parses a factor above 1, up to 10, with up to three digits behind the point. */
function parseFactor(text: string): Parsed<number> {
  const value = /^\d{1,2}(\.\d{1,3})?$/.test(text) ? Number(text) : 0
  return value > 1 && value <= 10 ? accept(value) : refuse('must be above 1 and at most 10')
}

const balances: Readonly<Record<string, Balance>> = {
  'round-robin': { kind: 'round-robin' },
  'least-requests': { kind: 'least-requests' },
  'peak-ewma': { kind: 'peak-ewma' },
  hash: { kind: 'hash', key: { from: 'address' } },
}

// As Gateway API has it for the backends of a rule.
const maxServices = 16
const maxWeight = 1_000_000

/** Parses `web:80=90, canary:80=10`: Services of the Ingress's own namespace and their shares. */
function parseWeights(text: string): Parsed<readonly WeightedService[]> {
  const weights: WeightedService[] = []
  for (const item of splitList(text)) {
    const [, name = '', digits = ''] = /^([^=]*)=(.*)$/.exec(item) ?? []
    const service = parseService(name)
    const weight = parseWhole(0, maxWeight)(digits)
    if (!service.ok || !weight.ok) return refuse('must be such as web:80=90, canary:80=10')
    if (weights.some((one) => one.service === service.value.service)) {
      return refuse(`names ${service.value.service} twice`)
    }
    weights.push({ ...service.value, weight: weight.value })
  }
  return weights.length === 0 || weights.length > maxServices
    ? refuse(`must name 1 to ${maxServices} Services`)
    : accept(weights)
}

const balance: readonly Row[] = [
  supported(
    'weights',
    '`web:80=90, canary:80=10`',
    'Rules whose Service, by its port, is one of these share their requests among all of them. 0: none; only 0: 503. With `affinity` a client stays with its Service, with `hash-by` a value does.',
    parseWeights,
    (weights) => ({ weights }),
  ),
  supported(
    'balance',
    '`round-robin`, `least-requests`, `peak-ewma`, `hash`',
    'How an endpoint is chosen: in turn; of two the one with fewer requests in flight, or with less latency; or always the same one for a client (see `hash-by`).',
    parseChoice(balances),
    ask('balance', (value: Balance) => value),
  ),
  supported(
    'hash-by',
    '`address`, `path`, `uri`, `host`, `header:NAME`, `cookie:NAME`, `query:NAME`',
    'Requests with the same value go to the same endpoint, and few values move when endpoints come or go; those without any go in turn. Says `balance: hash`, whatever else `balance` says.',
    parseHashKey,
    ask('balance', (key: RequestKey): Balance => ({ kind: 'hash', key })),
  ),
  supported(
    'hash-load-factor',
    'above 1, such as 1.25',
    'No endpoint gets more than this many times the average of requests in flight; those above go to the next one of their value.',
    parseFactor,
    (loadFactor, { backend }) =>
      backend.balance?.kind === 'hash'
        ? { backend: { ...backend, balance: { ...backend.balance, loadFactor } } }
        : 'has no effect without weir.dev/hash-by',
  ),
  supported(
    'slow-start',
    duration,
    'A new endpoint, or one that serves again, gets a share that grows to its full one in this time.',
    parseDuration,
    ask('slowStart', (windowMs: number) => ({ windowMs })),
  ),
]

const conditions: readonly RetryCondition[] = [
  'connect-failure',
  'refused',
  'reset',
  'timeout',
  'malformed',
]

/** Parses conditions, statuses and ranges of them: `connect-failure, timeout, 5xx, 429`. */
function parseRetryOn(text: string): Parsed<Pick<RetryRules, 'on' | 'statuses'>> {
  const on: RetryCondition[] = []
  const statuses: StatusRange[] = []
  for (const item of splitList(text.toLowerCase())) {
    const condition = conditions.find((one) => one === item)
    const ranges = parseStatusRanges(item === '5xx' ? '500-599' : item)
    if (condition !== undefined) on.push(condition)
    else if (ranges.ok) statuses.push(...ranges.value)
    else
      return refuse(
        'must be of: connect-failure, refused, reset, timeout, malformed, 5xx, statuses',
      )
  }
  const isNone = on.length + statuses.length === 0
  return isNone ? refuse('must name at least one condition') : accept({ on, statuses })
}

const retry: readonly Row[] = [
  supported(
    'retry-on',
    '`connect-failure`, `refused`, `reset`, `timeout`, `malformed`, `5xx`, statuses and ranges',
    'When a request is made again at another endpoint, within the retry budget and while its body can be sent again; `connect-failure, refused` when absent. All but these two only for methods that may be repeated (GET, HEAD, OPTIONS, PUT, DELETE).',
    parseRetryOn,
    retryWith((value) => value),
  ),
  supported(
    'retries',
    '0 to 10',
    'How often it is made again at most; `--retries` when absent.',
    parseWhole(0, 10),
    retryWith((maxRetries) => ({ maxRetries })),
  ),
  supported(
    'retry-non-idempotent',
    'bool',
    'Also POST and PATCH are made again: the application may see them twice.',
    parseBool,
    retryWith((allMethods) => ({ allMethods })),
  ),
]

/** The rows of balance and retries. */
export const balanceRows: readonly Row[] = [...balance, ...retry]
