// What do Skipper's filters become that are words of the backend, or filters of kinds that Weir had before?
import { test } from 'tap'
import { filterKinds } from '../../filters/kinds.ts'
import { termsOfWish } from '../backend-terms.ts'
import type { Arg } from '../language.ts'
import { readFilters } from './read.ts'
import type { BackendWish } from './row.ts'

type Sketch = readonly [name: string, ...args: readonly Arg[]]

function read(calls: readonly Sketch[]) {
  const at = { line: 1, column: 1 }
  const context = {
    namespace: 'shop',
    owner: 'Ingress/shop/web',
    tokeninfoUrl: 'http://t.test/info',
  }
  return readFilters(
    calls.map(([name, ...args]) => ({ name, args, at })),
    context,
  )
}

/** The filters of a sequence, or those around it. */
function filtersOf(calls: readonly Sketch[]): readonly object[] {
  const reading = read(calls)
  if (!reading.ok) throw new Error(reading.faults.map(({ message }) => message).join('; '))
  return reading.filters.flatMap((filter) =>
    'filters' in filter ? filter.filters : filter,
  ) as object[]
}

const made: readonly {
  readonly why: string
  readonly calls: readonly Sketch[]
  readonly is: object
}[] = [
  {
    why: 'routes of one object share equal limits, and nobody else does',
    calls: [['ratelimit', 3, '1m']],
    is: { kind: 'rate-limit', limit: 3, windowMs: 60_000, account: 'Ingress/shop/web 3 60000' },
  },
  {
    why: 'a number is seconds',
    calls: [['ratelimit', 3, 60, 503]],
    is: { windowMs: 60_000, status: 503 },
  },
  {
    why: 'several headers together',
    calls: [['clientRatelimit', 1, '1m', 'X-A,X-B']],
    is: { key: { from: 'headers', names: ['x-a', 'x-b'] } },
  },
  {
    why: 'the first address that a client writes is not its address',
    calls: [['clientRatelimit', 1, '1m', 'X-Forwarded-For']],
    is: { key: { from: 'address' } },
  },
  {
    why: 'a group is that of its namespace',
    calls: [['clusterRatelimit', 'g', 2, '1m']],
    is: { scope: 'store', account: 'shop/g', onStoreFailure: 'open' },
  },
  {
    why: 'ratelimitFailClosed counts for limits before it, too',
    calls: [['clusterRatelimit', 'g', 2, '1m'], ['ratelimitFailClosed']],
    is: { onStoreFailure: 'limited' },
  },
  {
    why: 'a bucket',
    calls: [['clusterLeakyBucketRatelimit', 'b', 1, '1m', 3, 2]],
    is: { limit: 1, windowMs: 60_000, burst: 3, cost: 2 },
  },
  {
    why: 'a route without a log',
    calls: [['disableAccessLog']],
    is: { kind: 'access-log', isOn: false },
  },
]

test('filters become filters', async (t) => {
  for (const { why, calls, is } of made) {
    const [first] = filtersOf(calls)
    t.match(first, is, why)
    for (const filter of filtersOf(calls)) {
      const kind = 'kind' in filter ? filterKinds.get(String(filter.kind)) : undefined
      t.equal(kind?.fault(filter as { kind: string }), undefined, why)
    }
  }
})

const asked: readonly {
  readonly why: string
  readonly calls: readonly Sketch[]
  readonly wish: BackendWish
}[] = [
  {
    why: 'a time for the backend',
    calls: [['backendTimeout', '1.5s']],
    wish: { limits: { connectMs: 1500, readMs: 1500, sendMs: 1500 } },
  },
  {
    why: 'a breaker by failures in a row',
    calls: [['consecutiveBreaker', 3, '30s']],
    wish: { breaker: { consecutiveFailures: 3, openMs: 30_000 } },
  },
  {
    why: 'a breaker by the rate of failures, with the usual time',
    calls: [['rateBreaker', 30, 100]],
    wish: { breaker: { failureRate: { failures: 30, window: 100 }, openMs: 60_000 } },
  },
  {
    why: 'no breaker',
    calls: [['consecutiveBreaker', 3], ['disableBreaker']],
    wish: { breaker: undefined },
  },
  {
    why: 'new endpoints warm up',
    calls: [['fadeIn', '3m']],
    wish: { slowStart: { windowMs: 180_000 } },
  },
  {
    why: 'host and scheme of a dynamic backend',
    calls: [
      ['setDynamicBackendHost', '10.0.0.1:80'],
      ['setDynamicBackendScheme', 'https'],
    ],
    wish: { dynamic: { host: '10.0.0.1:80', scheme: 'https' } },
  },
  {
    why: 'the address of the endpoint',
    calls: [['preserveHost', 'false']],
    wish: { preservesHost: false },
  },
]

test('filters become words of the backend', async (t) => {
  for (const { why, calls, wish } of asked) {
    const reading = read(calls)
    t.strictSame(reading.ok ? reading.backend : reading.faults, wish, why)
  }
})

test('words about hashing count where the balance is by hash', async (t) => {
  const wish: BackendWish = { hashKey: { from: 'header', name: 'x-user' }, loadFactor: 1.25 }
  t.strictSame(termsOfWish(wish, undefined), {})
  t.strictSame(termsOfWish(wish, { kind: 'hash', key: { from: 'address' } }), {
    balance: { kind: 'hash', key: wish.hashKey, loadFactor: 1.25 },
  })
})

test('whose name is asked for', async (t) => {
  t.match(termsOfWish({ preservesHost: false }, undefined), { namesEndpoint: true })
  t.match(termsOfWish({ dynamic: { host: 'a.test' } }, undefined), { namesEndpoint: true })
  t.strictSame(termsOfWish({ preservesHost: true, dynamic: { host: 'a.test' } }, undefined), {})
})

const wrong: readonly { readonly why: string; readonly call: Sketch }[] = [
  { why: 'a time that is none', call: ['ratelimit', 3, 'soon'] },
  { why: 'a time that is none', call: ['backendTimeout', 'never'] },
  { why: 'no time at all', call: ['backendTimeout', '0s'] },
  { why: 'a negative time', call: ['backendTimeout', '-1s'] },
  { why: 'a limit of nothing', call: ['ratelimit', 0, '1m'] },
  {
    why: 'an increment above the capacity',
    call: ['clusterLeakyBucketRatelimit', 'b', 1, '1m', 1, 2],
  },
  { why: 'more failures than requests', call: ['rateBreaker', 11, 10] },
]

test('arguments that close the route', async (t) => {
  for (const { why, call } of wrong) t.equal(read([call]).ok, false, why)
})
