// The keys that say how requests are spread over endpoints, which ones serve, and when to try again: ours, and those of
// other controllers.
import t from 'tap'
import type { ForwardBackend } from '../../backend.ts'
import { readAnnotations } from './read.ts'

const prefixes: Readonly<Record<string, string>> = {
  w: 'weir.dev/',
  n: 'nginx.ingress.kubernetes.io/',
  z: 'zalando.org/',
}

/** `w/x` is short for weir, `n/x` for nginx, `z/x` for Skipper. */
function read(given: Readonly<Record<string, string>>) {
  const annotations = Object.fromEntries(
    Object.entries(given).map(([key, value]) => [
      (prefixes[key.slice(0, 1)] ?? '') + key.slice(2),
      value,
    ]),
  )
  const reading = readAnnotations({ metadata: { namespace: 'shop', name: 'web', annotations } })
  return { backend: reading.termsFor('/', 'Prefix').backend, problems: reading.problems }
}

const byHeader = { kind: 'hash', key: { from: 'header', name: 'x-user' } } as const
const retry = { on: ['connect-failure', 'refused'], statuses: [], allMethods: false } as const
const checked = {
  path: '/ready',
  intervalMs: 10_000,
  timeoutMs: 2000,
  healthy: 2,
  unhealthy: 3,
  statuses: [{ from: 200, to: 399 }],
}

const understood: {
  given: Readonly<Record<string, string>>
  is: Partial<ForwardBackend>
  why: string
}[] = [
  { given: { 'w/balance': 'peak-ewma' }, is: { balance: { kind: 'peak-ewma' } }, why: 'by name' },
  {
    given: { 'w/balance': 'hash' },
    is: { balance: { kind: 'hash', key: { from: 'address' } } },
    why: 'by the client',
  },
  {
    given: { 'w/hash-by': 'header:X-User' },
    is: { balance: byHeader },
    why: 'names are lower case',
  },
  {
    given: { 'w/hash-by': 'cookie:Sid', 'w/balance': 'round-robin' },
    is: { balance: { kind: 'hash', key: { from: 'cookie', name: 'Sid' } } },
    why: 'hash-by says hash',
  },
  {
    given: { 'w/hash-load-factor': '1.25', 'w/hash-by': 'header:x-user' },
    is: { balance: { ...byHeader, loadFactor: 1.25 } },
    why: 'whatever the order of the keys',
  },
  { given: { 'w/slow-start': '30s' }, is: { slowStart: { windowMs: 30_000 } }, why: 'a time' },
  { given: { 'w/outlier-5xx': '5' }, is: { outlier: { consecutive5xx: 5 } }, why: 'a number' },
  {
    given: { 'w/outlier-5xx': '5', 'w/outlier-time': '1m', 'w/outlier-max-percent': '20%' },
    is: { outlier: { consecutive5xx: 5, ejectMs: 60_000, maxEjectedPercent: 20 } },
    why: 'with all that refines it',
  },
  { given: { 'w/health-check': '/ready' }, is: { healthCheck: checked }, why: 'our defaults' },
  {
    given: {
      'w/health-check': '/ready?deep=1',
      'w/health-check-interval': '5s',
      'w/health-check-timeout': '500ms',
      'w/health-check-statuses': '200, 204-206',
      'w/health-check-host': 'shop.test',
      'w/health-check-unhealthy': '2',
      'w/health-check-healthy': '1',
    },
    is: {
      healthCheck: {
        path: '/ready?deep=1',
        intervalMs: 5000,
        timeoutMs: 500,
        healthy: 1,
        unhealthy: 2,
        statuses: [
          { from: 200, to: 200 },
          { from: 204, to: 206 },
        ],
        host: 'shop.test',
      },
    },
    why: 'with all that refines it',
  },
  {
    given: { 'w/circuit-breaker': 'failures=5 open=30s requests=1000 pending=100' },
    is: {
      breaker: { consecutiveFailures: 5, openMs: 30_000, maxRequests: 1000, maxPending: 100 },
    },
    why: 'all of it',
  },
  {
    given: { 'w/circuit-breaker': 'requests=10' },
    is: { breaker: { maxRequests: 10 } },
    why: 'a part of it',
  },
  {
    given: { 'w/retry-on': 'connect-failure, timeout, 5xx, 429' },
    is: {
      retry: {
        on: ['connect-failure', 'timeout'],
        statuses: [
          { from: 500, to: 599 },
          { from: 429, to: 429 },
        ],
        allMethods: false,
      },
    },
    why: 'conditions and statuses',
  },
  { given: { 'w/retries': '0' }, is: { retry: { ...retry, maxRetries: 0 } }, why: 'none' },
  {
    given: { 'w/retries': '1', 'w/retry-on': '503', 'w/retry-non-idempotent': 'true' },
    is: {
      retry: { on: [], statuses: [{ from: 503, to: 503 }], allMethods: true, maxRetries: 1 },
    },
    why: 'all together',
  },

  { given: { 'n/load-balance': 'ewma' }, is: { balance: { kind: 'peak-ewma' } }, why: 'nginx’s' },
  {
    given: { 'n/upstream-hash-by': '$binary_remote_addr' },
    is: { balance: { kind: 'hash', key: { from: 'address' } } },
    why: 'nginx’s variable',
  },
  {
    given: { 'n/upstream-hash-by': '$http_x_user' },
    is: { balance: byHeader },
    why: 'nginx writes - as _',
  },
  {
    given: { 'n/upstream-hash-by': '${arg_user}' },
    is: { balance: { kind: 'hash', key: { from: 'query', name: 'user' } } },
    why: 'in braces',
  },
  {
    given: { 'n/proxy-next-upstream': 'error timeout http_502 http_503 non_idempotent' },
    is: {
      retry: {
        on: ['connect-failure', 'refused', 'reset', 'timeout'],
        statuses: [
          { from: 502, to: 502 },
          { from: 503, to: 503 },
        ],
        allMethods: true,
      },
    },
    why: 'nginx’s conditions',
  },
  {
    given: { 'n/proxy-next-upstream': 'off' },
    is: { retry: { on: [], statuses: [], allMethods: false, maxRetries: 0 } },
    why: 'nothing is tried again',
  },
  {
    given: { 'n/proxy-next-upstream-tries': '3' },
    is: { retry: { ...retry, maxRetries: 2 } },
    why: 'nginx counts the first one',
  },
  {
    given: { 'n/proxy-next-upstream-tries': '0' },
    is: { retry: { ...retry, maxRetries: 1_000_000_000 } },
    why: 'each endpoint once',
  },
  {
    given: { 'n/proxy-next-upstream-tries': '888888', 'n/proxy-next-upstream-timeout': '999999' },
    is: { retry: { ...retry, maxRetries: 888_887, withinMs: 999_999_000 } },
    why: 'large numbers are none of its problems',
  },
  {
    given: { 'n/proxy-next-upstream': 'error invalid_header' },
    is: {
      retry: {
        on: ['connect-failure', 'refused', 'reset', 'malformed'],
        statuses: [],
        allMethods: false,
      },
    },
    why: 'a head that is none',
  },
  {
    given: { 'n/upstream-hash-by': '$request_uri$host' },
    is: {
      balance: {
        kind: 'hash',
        key: { from: 'text', parts: [{ from: 'uri' }, { from: 'host' }] },
      },
    },
    why: 'two variables',
  },
  {
    given: {
      'n/upstream-hash-by': 'a-${request_uri}-text$$args',
      'n/upstream-hash-by-subset': '1',
    },
    is: {
      balance: {
        kind: 'hash',
        key: {
          from: 'text',
          parts: ['a-', { from: 'uri' }, '-text', '$', { from: 'query-string' }],
        },
        subset: 3,
      },
    },
    why: 'texts around, and a lone $; subsets of 3',
  },
  {
    given: {
      'n/upstream-hash-by': '$scheme',
      'n/upstream-hash-by-subset': 'true',
      'n/upstream-hash-by-subset-size': '5',
    },
    is: {
      balance: { kind: 'hash', key: { from: 'text', parts: [{ from: 'scheme' }] }, subset: 5 },
    },
    why: 'subsets of another size',
  },
  {
    given: { 'n/upstream-hash-by': '$request_method', 'n/upstream-hash-by-subset-size': '5' },
    is: { balance: { kind: 'hash', key: { from: 'text', parts: [{ from: 'method' }] } } },
    why: 'a size alone makes no subsets',
  },
  { given: { 'n/upstream-hash-by-subset': 'true' }, is: {}, why: 'nothing to go by' },
  {
    given: { 'z/skipper-loadbalancer': 'consistentHash' },
    is: { balance: { kind: 'hash', key: { from: 'address' } } },
    why: 'Skipper’s',
  },
  {
    given: { 'z/skipper-loadbalancer': 'leastRequests', 'w/balance': 'round-robin' },
    is: { balance: { kind: 'round-robin' } },
    why: 'ours has the last word',
  },
]

for (const { given, is, why } of understood) {
  t.test(`${JSON.stringify(given)}: ${why}`, async (t) => {
    const { backend, problems } = read(given)
    t.strictSame(backend, is)
    t.strictSame(problems, [])
  })
}

const refused: { given: Readonly<Record<string, string>>; says: RegExp; closed?: true }[] = [
  { given: { 'w/balance': 'fastest' }, says: /round-robin/ },
  { given: { 'w/hash-by': 'header' }, says: /needs a name/ },
  { given: { 'w/hash-by': 'header:Host' }, says: /named by 'host'/ },
  { given: { 'w/hash-by': 'header:Upgrade' }, says: /belongs to the connection/ },
  { given: { 'n/upstream-hash-by': '$http_connection' }, says: /belongs to the connection/ },
  { given: { 'w/hash-by': 'header:x, path' }, says: /one property/ },
  { given: { 'w/hash-by': '$remote_addr' }, says: /header:NAME/ },
  { given: { 'w/hash-load-factor': '1.25' }, says: /without weir\.dev\/hash-by/ },
  { given: { 'w/hash-by': 'path', 'w/hash-load-factor': '1' }, says: /above 1/ },
  { given: { 'w/hash-by': 'path', 'w/hash-load-factor': '1e3' }, says: /above 1/ },
  { given: { 'w/slow-start': '0s' }, says: /a time above 0/ },
  { given: { 'w/outlier-5xx': '0' }, says: /from 1 to 1000/ },
  { given: { 'w/outlier-time': '10s' }, says: /without weir\.dev\/outlier-5xx/ },
  { given: { 'w/health-check': 'ready' }, says: /begins with one \// },
  { given: { 'w/health-check-interval': '5s' }, says: /without weir\.dev\/health-check/ },
  {
    given: { 'w/health-check': '/', 'w/health-check-statuses': '2xx' },
    says: /statuses such as/,
  },
  { given: { 'w/health-check': '/', 'w/health-check-host': 'a b' }, says: /must be a host/ },
  { given: { 'w/circuit-breaker': '5' }, says: /failures=/, closed: true },
  { given: { 'w/circuit-breaker': 'open=5s' }, says: /requests= or pending=/, closed: true },
  { given: { 'w/circuit-breaker': 'failures=many' }, says: /has in failures=/, closed: true },
  { given: { 'w/retry-on': '5xx, sometimes' }, says: /must be of: connect-failure/ },
  { given: { 'w/retry-on': '' }, says: /at least one/ },
  { given: { 'w/retries': '11' }, says: /from 0 to 10/ },
  { given: { 'n/load-balance': 'chash' }, says: /round_robin/ },
  { given: { 'n/upstream-hash-by': '$uri$geoip_country' }, says: /variable \$geoip_country/ },
  { given: { 'n/upstream-hash-by': '$uri;x' }, says: /must be made of letters/ },
  { given: { 'n/upstream-hash-by-subset-size': 'few' }, says: /whole number/ },
  { given: { 'n/proxy-next-upstream': 'error sometimes' }, says: /off, or of/ },
  { given: { 'n/proxy-next-upstream-tries': '-1' }, says: /whole number/ },
  { given: { 'n/proxy-next-upstream-timeout': '5s' }, says: /whole number/ },
  { given: { 'n/service-upstream': 'yes' }, says: /"true" or "false"/ },
  { given: { 'z/skipper-loadbalancer': 'sometimes' }, says: /roundRobin/ },
]

for (const { given, says, closed } of refused) {
  t.test(`${JSON.stringify(given)} is reported, ${closed ? 'closed' : 'without it'}`, async (t) => {
    const { backend, problems } = read(given)
    t.equal(problems.length, 1)
    t.match(problems[0]?.message, says)
    t.equal('kind' in backend && backend.kind === 'closed', closed === true)
    if (closed === undefined) {
      const kept = Object.entries(given).filter(
        ([key]) => !problems[0]?.field.endsWith(`/${key.slice(2)}"]`),
      )
      t.strictSame(backend, read(Object.fromEntries(kept)).backend, 'the rest is served')
    }
  })
}
