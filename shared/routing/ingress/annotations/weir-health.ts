// Weir's own annotations for endpoints and Services that do not serve as they should: outliers, health checks, circuit breakers.
//
// Keys that refine another one come behind it, and are refused without it: they would ask for nothing.
import type { CircuitBreaker, HealthCheck, Outlier } from '../../backend.ts'
import { parseHostField, parsePercent, parseStatusRanges, parseWhole } from './filter-values.ts'
import { guarded, type Row, supported } from './row.ts'
import { ask, refine } from './settings.ts'
import { accept, type Parsed, parseDuration, parseLocation, refuse, splitList } from './values.ts'

const duration = '`500ms`, `30s`, `5m`'

const outlier: readonly Row[] = [
  supported(
    'outlier-5xx',
    '1 to 1000',
    'An endpoint that answers so many 5xx in a row is passed over for a while, as one that refuses connections is.',
    parseWhole(1, 1000),
    ask('outlier', (consecutive5xx: number): Outlier => ({ consecutive5xx })),
  ),
  supported(
    'outlier-time',
    duration,
    'For how long the first time, twice as long the second time, and so on up to 5 minutes; 10s when absent.',
    parseDuration,
    refine('outlier', 'outlier-5xx', (before, ejectMs: number) => ({ ...before, ejectMs })),
  ),
  supported(
    'outlier-max-percent',
    '0 to 100',
    'At most this share of the endpoints is passed over for their 5xx, though one of several always may be; 50 when absent.',
    parsePercent,
    refine('outlier', 'outlier-5xx', (before, maxEjectedPercent: number) => ({
      ...before,
      maxEjectedPercent,
    })),
  ),
]

const defaultCheck: Omit<HealthCheck, 'path'> = {
  intervalMs: 10_000,
  timeoutMs: 2000,
  healthy: 2,
  unhealthy: 3,
  statuses: [{ from: 200, to: 399 }],
}

function checkWith<K extends keyof HealthCheck>(name: K) {
  return refine('healthCheck', 'health-check', (before, value: HealthCheck[K]) => ({
    ...before,
    [name]: value,
  }))
}

const healthCheck: readonly Row[] = [
  supported(
    'health-check',
    'path, perhaps with a query',
    'Each thread of each proxy asks every endpoint for this path (GET); endpoints that do not answer well are passed over. Readiness probes of pods do the same at no cost for the pods: this is for what they cannot see.',
    parseLocation,
    ask('healthCheck', (path: string): HealthCheck => ({ path, ...defaultCheck })),
  ),
  supported(
    'health-check-interval',
    duration,
    'Time between two checks of an endpoint; 10s when absent.',
    parseDuration,
    checkWith('intervalMs'),
  ),
  supported(
    'health-check-timeout',
    duration,
    'Time for an answer; 2s when absent.',
    parseDuration,
    checkWith('timeoutMs'),
  ),
  supported(
    'health-check-statuses',
    'statuses and ranges, such as `200-299, 401`',
    'What is a good answer; 200-399 when absent.',
    parseStatusRanges,
    checkWith('statuses'),
  ),
  supported(
    'health-check-host',
    'host',
    'Host header of the check; the address and port of the endpoint when absent.',
    parseHostField,
    checkWith('host'),
  ),
  supported(
    'health-check-unhealthy',
    '1 to 100',
    'So many bad answers in a row and the endpoint is passed over; 3 when absent.',
    parseWhole(1, 100),
    checkWith('unhealthy'),
  ),
  supported(
    'health-check-healthy',
    '1 to 100',
    'So many good answers in a row and it serves again; 2 when absent.',
    parseWhole(1, 100),
    checkWith('healthy'),
  ),
]

/** Parses `failures=5 open=30s requests=1000 pending=100`: any of them, at least one that opens or limits. */
function parseBreaker(text: string): Parsed<CircuitBreaker> {
  const breaker: { -readonly [K in BreakerNumber]?: number } = {}
  for (const item of splitList(text)) {
    const [name = '', value = ''] = item.split('=', 2)
    const number = name === 'open' ? parseDuration(value) : parseWhole(1, 1_000_000)(value)
    const field = breakerFields.get(name)
    if (field === undefined) return refuse('must have failures=, open=, requests= and pending=')
    if (!number.ok) return refuse(`has in ${name}= what ${number.reason}`)
    breaker[field] = number.value
  }
  const { consecutiveFailures, maxRequests, maxPending } = breaker
  const isIdle = (consecutiveFailures ?? maxRequests ?? maxPending) === undefined
  return isIdle ? refuse('must have failures=, requests= or pending=') : accept(breaker)
}

type BreakerNumber = Exclude<keyof CircuitBreaker, 'failureRate'>

const breakerFields = new Map<string, BreakerNumber>([
  ['failures', 'consecutiveFailures'],
  ['open', 'openMs'],
  ['requests', 'maxRequests'],
  ['pending', 'maxPending'],
])

/** The rows of health. */
export const healthRows: readonly Row[] = [
  ...outlier,
  ...healthCheck,
  guarded(
    'circuit-breaker',
    '`failures=5 open=30s requests=1000 pending=100`',
    'After so many failures in a row (no answer, or 5xx) requests get 503 at once for the time after `open` (10s when absent); then single ones try. More than `requests` in flight over all threads of a proxy, or `pending` that wait for a connection, get 503 too.',
    parseBreaker,
    ask('breaker', (breaker: CircuitBreaker) => breaker),
  ),
]
