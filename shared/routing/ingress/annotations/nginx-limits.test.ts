import t from 'tap'
import { readAnnotations } from './read.ts'

const shared = { key: { from: 'address' }, account: 'Ingress shop/web', status: 503 }
const rate = (limit: number, windowMs: number, burst: number, more = {}) => ({
  kind: 'rate-limit',
  scope: 'node',
  onStoreFailure: 'open',
  ...shared,
  ...more,
  limit,
  windowMs,
  burst,
})
const connections = (limit: number, more = {}) => ({
  kind: 'concurrency',
  queue: 0,
  order: 'fifo',
  maxWaitMs: 10_000,
  ...shared,
  ...more,
  limit,
})
const office = { except: ['192.0.2.0/24', '198.51.100.7'] }

const rows: {
  given: Record<string, string>
  filters?: readonly object[]
  problem?: RegExp
  isClosed?: true
  why: string
}[] = [
  { given: { 'limit-rps': '1' }, filters: [rate(1, 1000, 6)], why: 'five times as a burst' },
  { given: { 'limit-rpm': '+2' }, filters: [rate(2, 60_000, 11)], why: 'per minute' },
  {
    given: { 'limit-rps': '3', 'limit-burst-multiplier': '1' },
    filters: [rate(3, 1000, 4)],
    why: 'another burst, written behind it',
  },
  {
    given: { 'limit-rps': '3', 'limit-burst-multiplier': '0' },
    filters: [rate(3, 1000, 16)],
    why: 'no multiplier is the usual one',
  },
  {
    given: { 'limit-connections': '8', 'limit-rpm': '9', 'limit-rps': '7' },
    filters: [rate(7, 1000, 36), rate(9, 60_000, 46), connections(8)],
    why: 'all of them together',
  },
  {
    given: {
      'limit-rps': '1',
      'limit-connections': '1',
      'limit-allowlist': '192.0.2.0/24, 198.51.100.7',
      'limit-whitelist': '0.0.0.0/0',
    },
    filters: [rate(1, 1000, 6, office), connections(1, office)],
    why: 'the newer name of the list is stronger',
  },
  {
    given: { 'limit-whitelist': '192.0.2.0/24,198.51.100.7', 'limit-rps': '1' },
    filters: [rate(1, 1000, 6, office)],
    why: 'the older name',
  },
  { given: { 'limit-allowlist': '192.0.2.0/24' }, why: 'an exception of nothing' },
  { given: { 'limit-rps': '0', 'limit-rpm': '0', 'limit-connections': '-1' }, why: 'no limit' },
  { given: { 'limit-rps': '', 'limit-allowlist': '' }, why: 'an empty value is an absent one' },
  { given: { 'limit-rps': '10r/s' }, problem: /whole number/, isClosed: true, why: 'no number' },
  {
    given: { 'limit-rps': '9999999' },
    problem: /burst must be a whole number from 1 to/,
    isClosed: true,
    why: 'more than can be counted',
  },
  {
    given: { 'limit-rps': '1', 'limit-allowlist': '10.0.0.0/99' },
    problem: /addresses and CIDRs/,
    isClosed: true,
    why: 'nobody knows whom it excepts',
  },
  {
    given: { 'limit-rate': '10', 'limit-rate-after': '2' },
    filters: [{ kind: 'pace', bytesPerSecond: 10_240, afterBytes: 2048 }],
    why: 'a pace',
  },
  { given: { 'limit-rate-after': '2', 'limit-rate': '0' }, why: 'no pace' },
  { given: { 'limit-rate': 'slow' }, problem: /whole number/, why: 'it was an absent one' },
]

for (const { given, filters = [], problem, isClosed, why } of rows) {
  t.test(`${JSON.stringify(given)}: ${why}`, async (t) => {
    const annotations = Object.fromEntries(
      Object.entries(given).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
    )
    const reading = readAnnotations({ metadata: { namespace: 'shop', name: 'web', annotations } })
    const terms = reading.termsFor('/', 'Prefix')
    t.same(terms.filters, filters)
    t.equal('kind' in terms.backend, isClosed === true)
    t.match(
      reading.problems.map(({ message }) => message),
      problem === undefined ? [] : [problem],
    )
    t.equal(reading.problems.length, problem === undefined ? 0 : 1)
  })
}

t.test('limits act behind preflights and before everybody who asks who may come in', async (t) => {
  const annotations = {
    'nginx.ingress.kubernetes.io/enable-cors': 'true',
    'nginx.ingress.kubernetes.io/limit-rps': '1',
    'nginx.ingress.kubernetes.io/limit-connections': '1',
    'nginx.ingress.kubernetes.io/denylist-source-range': '10.0.0.0/8',
    'weir.dev/basic-auth-secret': 'users',
    'weir.dev/rate-limit': '5/s',
  }
  const { termsFor } = readAnnotations({ metadata: { annotations } })
  t.strictSame(
    termsFor('/', 'Prefix').filters.map(({ kind }) => kind),
    ['cors', 'rate-limit', 'concurrency', 'access', 'rate-limit', 'basic-auth'],
  )
})
