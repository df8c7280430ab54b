import t from 'tap'
import {
  compileContext,
  type RequestSketch,
  requestView,
  runStep,
  type StagedContext,
  type StagedRequest,
} from '../testing/filter-stage.ts'
import type { SharedStore, Verdict } from './kind.ts'
import { type RateLimitFilter, rateLimitKind } from './rate-limit.ts'

const plain: RateLimitFilter = {
  kind: 'rate-limit',
  key: { from: 'address' },
  limit: 60,
  windowMs: 60_000,
  burst: 1,
  scope: 'node',
  onStoreFailure: 'open',
  status: 429,
}

/** The filter at work: each call is one request, and gives its verdict. */
function limiter(parts: Partial<RateLimitFilter> = {}, context: StagedContext = compileContext()) {
  const { request } = rateLimitKind.compile({ ...plain, ...parts }, context)
  return (sketch: RequestSketch = {}): { verdict: Verdict; view: StagedRequest } => {
    const view = requestView(sketch)
    return { verdict: runStep(request, view).verdicts[0], view }
  }
}

const pairs: {
  key: RateLimitFilter['key']
  first: RequestSketch
  second: RequestSketch
  isShared: boolean
  why: string
}[] = [
  {
    key: { from: 'address' },
    first: { clientAddress: '192.0.2.1' },
    second: { clientAddress: '192.0.2.2' },
    isShared: false,
    why: 'each client has its own',
  },
  {
    key: { from: 'address' },
    first: { clientAddress: '2001:db8:1:2::1' },
    second: { clientAddress: '2001:db8:1:2:ffff::9' },
    isShared: true,
    why: 'a subscriber has a whole /64',
  },
  {
    key: { from: 'address' },
    first: { clientAddress: '2001:db8:1:2::1' },
    second: { clientAddress: '2001:db8:1:3::1' },
    isShared: false,
    why: 'the next /64 is another subscriber',
  },
  {
    key: { from: 'route' },
    first: { clientAddress: '192.0.2.1' },
    second: { clientAddress: '192.0.2.2' },
    isShared: true,
    why: 'all clients of the route together',
  },
  {
    key: { from: 'header', name: 'x-tenant' },
    first: { fields: { 'X-Tenant': 'a' } },
    second: { fields: { 'X-Tenant': 'b' } },
    isShared: false,
    why: 'each value of a header has its own',
  },
  {
    key: { from: 'header', name: 'x-tenant' },
    first: { clientAddress: '192.0.2.1' },
    second: { clientAddress: '192.0.2.2' },
    isShared: true,
    why: 'requests without the header share one',
  },
  {
    key: { from: 'cookie', name: 'session' },
    first: { fields: { Cookie: 'a=1; session=x' } },
    second: { fields: { Cookie: 'a=2; session=x' } },
    isShared: true,
    why: 'the same value of a cookie',
  },
]

for (const { key, first, second, isShared, why } of pairs) {
  t.test(`by ${key.from}: ${why}`, async (t) => {
    const ask = limiter({ key })
    t.equal(ask(first).verdict, undefined)
    t.equal(ask(first).verdict, 'rate-limited')
    t.equal(ask(second).verdict, isShared ? 'rate-limited' : undefined)
  })
}

t.test('a refusal says when to come again', async (t) => {
  const ask = limiter({ limit: 2, windowMs: 60_000, burst: 1 })
  const served = ask()
  t.equal(served.verdict, undefined)
  t.equal(served.view.responseFields.size, 0, 'who is served gets no field')
  const { verdict, view } = ask()
  t.equal(verdict, 'rate-limited')
  t.strictSame(Object.fromEntries(view.responseFields), {
    'retry-after': ['30'],
    'ratelimit-policy': ['"requests";q=2;w=60'],
    ratelimit: ['"requests";r=0;t=30'],
  })
})

t.test('Retry-After is a whole second at least', async (t) => {
  const ask = limiter({ limit: 100, windowMs: 1000, burst: 1 })
  ask()
  t.strictSame(ask().view.responseFields.get('retry-after'), ['1'])
})

t.test('the budget refills in time, up to the burst', async (t) => {
  const context = compileContext()
  const ask = limiter({ limit: 60, windowMs: 60_000, burst: 2 }, context)
  const verdicts = () => [ask(), ask(), ask()].map(({ verdict }) => verdict)
  t.strictSame(verdicts(), [undefined, undefined, 'rate-limited'])
  context.clock.advance(1000)
  t.strictSame(verdicts(), [undefined, 'rate-limited', 'rate-limited'])
  context.clock.advance(60_000)
  t.strictSame(verdicts(), [undefined, undefined, 'rate-limited'])
})

t.test('the whole window may come at once when nothing is said about bursts', async (t) => {
  const { burst: _, ...withoutBurst } = plain
  const { request } = rateLimitKind.compile({ ...withoutBurst, limit: 5 }, compileContext())
  const verdicts = Array.from({ length: 6 }, () => runStep(request, requestView()).verdicts[0])
  t.equal(verdicts.filter((verdict) => verdict === undefined).length, 5)
})

t.test('another status is an answer of its own', async (t) => {
  const ask = limiter({ status: 503 })
  ask()
  t.match(ask().verdict, { status: 503, code: 'rate-limited', body: /^503 rate-limited\n/ })
})

t.test('a rebuilt route goes on where it was; another limit or route has its own', async (t) => {
  const context = compileContext({ routeKey: 'one' })
  t.equal(limiter({}, context)().verdict, undefined)
  t.equal(limiter({}, context)().verdict, 'rate-limited')
  t.equal(limiter({ limit: 61 }, context)().verdict, undefined)
  const other: StagedContext = { ...context, routeKey: 'two' }
  t.equal(limiter({}, other)().verdict, undefined)
})

t.test('routes of one account share its budgets, and no text of a route is one', async (t) => {
  const context = compileContext({ routeKey: 'one' })
  const other: StagedContext = { ...context, routeKey: 'two' }
  t.equal(limiter({ account: 'a' }, context)().verdict, undefined)
  t.equal(limiter({ account: 'a' }, other)().verdict, 'rate-limited')
  t.equal(limiter({ account: 'b' }, other)().verdict, undefined, 'another account')
  t.equal(limiter({ account: 'two' }, context)().verdict, undefined)
  t.equal(limiter({}, other)().verdict, undefined, 'a route that is called as an account')
})

t.test('excepted networks are not counted', async (t) => {
  const ask = limiter({ except: ['192.0.2.0/24', '2001:db8::/32'] })
  const from = (clientAddress: string) => [
    ask({ clientAddress }).verdict,
    ask({ clientAddress }).verdict,
  ]
  t.strictSame(from('192.0.2.9'), [undefined, undefined])
  t.strictSame(from('2001:db8::9'), [undefined, undefined])
  t.strictSame(from('198.51.100.1'), [undefined, 'rate-limited'])
  t.match(rateLimitKind.fault({ ...plain, except: ['10.0.0.0/99'] }), /10\.0\.0\.0\/99/)
})

// ── in the store ────────────────────────────────────────────────────────────────────────────────

interface Asked {
  readonly keys: readonly string[]
  readonly args: readonly string[]
  readonly timeoutMs: number
}

function storeOf(answer: () => Promise<unknown>) {
  const asked: Asked[] = []
  const store: SharedStore = {
    run(_script, keys, args, timeoutMs) {
      asked.push({ keys, args, timeoutMs })
      return answer()
    },
  }
  return { store, asked }
}

/** One request to a limit that the store counts. */
async function askOnce(parts: Partial<RateLimitFilter>, answer: () => Promise<unknown>) {
  const { store, asked } = storeOf(answer)
  const { request } = rateLimitKind.compile(
    { ...plain, scope: 'store', ...parts },
    compileContext({ store }),
  )
  const view = requestView()
  const run = runStep(request, view)
  await new Promise(setImmediate)
  return { verdicts: run.verdicts, view, asked, request }
}

t.test('the store is not asked about excepted networks', async (t) => {
  const { verdicts, asked } = await askOnce({ except: ['192.0.2.0/24'] }, async () => 5_000_000)
  t.strictSame(verdicts, [undefined])
  t.strictSame(asked, [])
})

t.test('the store is asked for the budget, in µs', async (t) => {
  const { verdicts, asked } = await askOnce({ burst: 7 }, async () => 0)
  t.strictSame(verdicts, [undefined])
  t.match(asked, [{ args: ['1000000', '7'] }])
  t.ok((asked[0]?.timeoutMs ?? 100) < 50, 'and has less time than the request')
})

t.test('the store never sees an address, a cookie or a token', async (t) => {
  const { asked } = await askOnce({}, async () => 0)
  t.match(asked[0]?.keys, [/^weir:rate:[\w-]{43}$/])
})

t.test('what the store refuses is refused with its time', async (t) => {
  const { verdicts, view } = await askOnce({}, async () => 2_500_000)
  t.strictSame(verdicts, ['rate-limited'])
  t.strictSame(view.responseFields.get('retry-after'), ['3'])
})

const failures: { name: string; answer: () => Promise<unknown> }[] = [
  { name: 'does not answer', answer: () => Promise.reject(new Error('down')) },
  { name: 'answers with something else', answer: async () => 'OK' },
  { name: 'answers with nothing', answer: async () => undefined },
]

for (const { name, answer } of failures) {
  t.test(`a store that ${name}: closed refuses, open counts here`, async (t) => {
    const closed = await askOnce({ onStoreFailure: 'closed' }, answer)
    t.strictSame(closed.verdicts, ['store-unavailable'])
    const open = await askOnce({ onStoreFailure: 'open' }, answer)
    t.strictSame(open.verdicts, [undefined])
    const again = runStep(open.request, requestView())
    await new Promise(setImmediate)
    t.strictSame(again.verdicts, ['rate-limited'], 'the node counts by itself')
  })
}

for (const { onStoreFailure, verdicts } of [
  { onStoreFailure: 'open', verdicts: [undefined, 'rate-limited'] },
  { onStoreFailure: 'closed', verdicts: ['store-unavailable', 'store-unavailable'] },
] as const) {
  t.test(
    `a proxy without a store is one whose store never answers: ${onStoreFailure}`,
    async (t) => {
      const ask = limiter({ scope: 'store', onStoreFailure })
      t.strictSame([ask().verdict, ask().verdict], verdicts)
    },
  )
}

t.test('a request that is over hears nothing of the store', async (t) => {
  let fail: (error: Error) => void = () => {}
  const { store } = storeOf(
    () =>
      new Promise((_, reject) => {
        fail = reject
      }),
  )
  const { request } = rateLimitKind.compile({ ...plain, scope: 'store' }, compileContext({ store }))
  const run = runStep(request, requestView())
  run.cancel()
  fail(new Error('late'))
  await new Promise(setImmediate)
  t.strictSame(run.verdicts, [])
})

t.test('the step has 50 ms', async (t) => {
  const { store } = storeOf(async () => 0)
  for (const [onStoreFailure, onTimeout] of [
    ['open', undefined],
    ['closed', 'store-unavailable'],
  ] as const) {
    const { request } = rateLimitKind.compile(
      { ...plain, scope: 'store', onStoreFailure },
      compileContext({ store }),
    )
    t.match(request, { kind: 'async', timeoutMs: 50 })
    t.equal(request?.kind === 'async' ? request.onTimeout : '', onTimeout)
  }
})

// ── what is no limit ────────────────────────────────────────────────────────────────────────────

const faults: { parts: Partial<RateLimitFilter>; fault: RegExp | undefined }[] = [
  { parts: {}, fault: undefined },
  { parts: { limit: 0 }, fault: /limit/ },
  { parts: { limit: 1.5 }, fault: /limit/ },
  { parts: { limit: Number.NaN }, fault: /limit/ },
  { parts: { limit: 1e9 }, fault: /limit/ },
  { parts: { windowMs: 0 }, fault: /time/ },
  { parts: { windowMs: 86_400_001 }, fault: /time/ },
  { parts: { burst: 0 }, fault: /burst/ },
  { parts: { status: 200 }, fault: /status/ },
  { parts: { status: 503 }, fault: undefined },
  { parts: { key: { from: 'route' } }, fault: undefined },
  { parts: { key: { from: 'header', name: 'x y' } }, fault: /no name of a header/ },
  { parts: { key: { from: 'header', name: 'X-Y' } }, fault: /lower case/ },
  { parts: { key: { from: 'header', name: 'host' } }, fault: /named by 'host'/ },
  { parts: { key: { from: 'header', name: 'connection' } }, fault: /belongs to the connection/ },
  { parts: { key: { from: 'cookie', name: '' } }, fault: /no name of a cookie/ },
  { parts: { key: { from: 'cookie', name: 'Sid' } }, fault: undefined },
  { parts: { key: { from: 'query', name: '' } }, fault: /parameter/ },
]

for (const { parts, fault } of faults) {
  t.test(
    `${JSON.stringify(parts)} ${fault === undefined ? 'is served' : 'is refused'}`,
    async (t) => {
      const found = rateLimitKind.fault({ ...plain, ...parts })
      if (fault === undefined) t.equal(found, undefined)
      else t.match(found, fault)
    },
  )
}

t.test('keys without a limit are refused', async (t) => {
  t.match(
    rateLimitKind.fault({ ...rateLimitKind.defaults, kind: 'rate-limit' } as RateLimitFilter),
    /no limit/,
  )
})
