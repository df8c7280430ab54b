import t from 'tap'
import { readAnnotations } from './read.ts'
import { parseLimitKey, parseRate } from './weir-limits.ts'

const rates: { text: string; value: { limit: number; windowMs: number } | undefined }[] = [
  { text: '10/s', value: { limit: 10, windowMs: 1000 } },
  { text: '100/m', value: { limit: 100, windowMs: 60_000 } },
  { text: '50/10s', value: { limit: 50, windowMs: 10_000 } },
  { text: '1/d', value: { limit: 1, windowMs: 86_400_000 } },
  { text: '24/24h', value: { limit: 24, windowMs: 86_400_000 } },
  { text: '100', value: undefined },
  { text: '0/s', value: undefined },
  { text: '10/0s', value: undefined },
  { text: '2/2d', value: undefined },
  { text: '-1/s', value: undefined },
  { text: '1.5/s', value: undefined },
  { text: '10/ms', value: undefined },
  { text: '10 / s', value: undefined },
  { text: '99999999/s', value: undefined },
  { text: '', value: undefined },
]

for (const { text, value } of rates) {
  t.test(`rate ${JSON.stringify(text)}`, async (t) => {
    const parsed = parseRate(text)
    t.strictSame(parsed.ok ? parsed.value : undefined, value)
  })
}

const keys: { text: string; value: unknown }[] = [
  { text: 'address', value: { from: 'address' } },
  { text: 'Route', value: { from: 'route' } },
  { text: 'header:X-Tenant', value: { from: 'header', name: 'x-tenant' } },
  { text: 'cookie:Sid', value: { from: 'cookie', name: 'Sid' } },
  { text: 'query:a b', value: { from: 'query', name: 'a b' } },
  { text: 'address:x', value: undefined },
  { text: 'header', value: undefined },
  { text: 'header:', value: undefined },
  { text: 'header:x y', value: undefined },
  { text: 'client', value: undefined },
]

for (const { text, value } of keys) {
  t.test(`key ${JSON.stringify(text)}`, async (t) => {
    const parsed = parseLimitKey(text)
    t.strictSame(parsed.ok ? parsed.value : undefined, value)
  })
}

function read(annotations: Readonly<Record<string, string>>) {
  const prefixed = Object.entries(annotations).map(([key, value]) => [`weir.dev/${key}`, value])
  const reading = readAnnotations({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace: 'shop', name: 'web', annotations: Object.fromEntries(prefixed) },
  })
  return { terms: reading.termsFor('/', 'Prefix'), problems: reading.problems }
}

t.test('the keys of a rate limit make one filter', async (t) => {
  const { terms, problems } = read({
    'rate-limit': '100/m',
    'rate-limit-by': 'header:X-Tenant',
    'rate-limit-burst': '5',
    'rate-limit-scope': 'cluster',
    'rate-limit-on-failure': 'closed',
  })
  t.strictSame(problems, [])
  t.match(terms.filters, [
    {
      kind: 'rate-limit',
      limit: 100,
      windowMs: 60_000,
      key: { from: 'header', name: 'x-tenant' },
      burst: 5,
      scope: 'store',
      onStoreFailure: 'closed',
      status: 429,
    },
  ])
})

t.test('the keys of a concurrency limit make one filter, behind the rate limit', async (t) => {
  const { terms, problems } = read({
    concurrency: '20',
    'concurrency-queue': '50',
    'concurrency-order': 'lifo',
    'concurrency-max-wait': '2s',
    'rate-limit': '10/s',
  })
  t.strictSame(problems, [])
  t.match(terms.filters, [
    { kind: 'rate-limit', key: { from: 'address' }, scope: 'node' },
    {
      kind: 'concurrency',
      limit: 20,
      queue: 50,
      order: 'lifo',
      maxWaitMs: 2000,
      key: { from: 'route' },
    },
  ])
})

const bad: { given: Readonly<Record<string, string>>; why: string }[] = [
  { given: { 'rate-limit': 'many' }, why: 'no rate' },
  { given: { 'rate-limit': '10/s', 'rate-limit-by': 'client' }, why: 'no key' },
  { given: { 'rate-limit': '10/s', 'rate-limit-burst': '0' }, why: 'no burst' },
  { given: { 'rate-limit': '10/s', 'rate-limit-scope': 'world' }, why: 'no scope' },
  { given: { 'rate-limit': '10/s', 'rate-limit-on-failure': 'maybe' }, why: 'neither' },
  { given: { 'rate-limit-burst': '10' }, why: 'a burst of nothing' },
  { given: { concurrency: '0' }, why: 'nobody could come' },
  { given: { concurrency: '5', 'concurrency-max-wait': '11m' }, why: 'too long a wait' },
  { given: { 'concurrency-queue': '5' }, why: 'a queue for nothing' },
]

for (const { given, why } of bad) {
  t.test(`${JSON.stringify(given)} closes the route: ${why}`, async (t) => {
    const { terms, problems } = read(given)
    t.match(terms, { filters: [], backend: { kind: 'closed' } })
    t.equal(problems.length, 1)
    t.match(problems[0], { reason: 'invalid-annotation', message: /answer 503/ })
  })
}
