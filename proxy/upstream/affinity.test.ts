import t from 'tap'
import type { Affinity } from '../../shared/routing/backend.ts'
import { seededRandom } from '../../test/support/random-bytes.ts'
import { compileAffinity } from './affinity.ts'
import type { EndpointPool } from './endpoint-pool.ts'
import { LiveUpstream } from './live-upstream.ts'
import { testPools } from './testing/pools.ts'

const policy: Affinity = {
  cookie: 'sticky',
  path: '/',
  maxAgeSeconds: 0,
  secure: false,
  changeOnFailure: false,
}
const addresses = ['10.0.0.1', '10.0.0.2', '2001:db8::1']

/** An upstream with endpoints at these addresses, and how they change. */
function upstreamOf(key: string, ...at: string[]) {
  const { pools } = testPools()
  const upstream = new LiveUpstream(key, () => 0)
  const update = (...addresses: string[]) =>
    upstream.update(
      { key, endpoints: addresses.map((address) => ({ address, port: 8080 })) },
      pools,
    )
  update(...at)
  return { upstream, update, poolAt: (index: number) => upstream.pools[index] as EndpointPool }
}

type Choices = Parameters<typeof compileAffinity>[1]
const wallNow = () => Date.UTC(2026, 0, 1)
const plainRequest = { isSecure: false, userAgent: '' }

/** An affinity in the words of the tests: cookies of endpoints, and endpoints of cookies. */
function compile(policy: Affinity, choices: Choices, random: () => number = Math.random) {
  const compiled = compileAffinity(policy, choices, { random, wallNow })
  return {
    compiled,
    setCookie(at: number, pool: EndpointPool, request = plainRequest) {
      const newcomer = compiled.admit(at, [], () => pool)
      return compiled.setCookie(at, newcomer?.name ?? '', request)
    },
    find(header: string) {
      const known = compiled.find(header)
      if (known?.at === undefined) return undefined
      return { at: known.at, pool: compiled.poolOf(known.at, known.name) }
    },
  }
}

const web = upstreamOf('shop/web:80', ...addresses)
const first = web.poolAt(0)
const second = web.poolAt(1)
const affinity = compile(policy, [{ upstream: web.upstream, weight: 1 }])
const textOf = (cookie: string) => cookie.slice('sticky='.length).split(';')[0] ?? ''
const name = (pool: EndpointPool) => textOf(affinity.setCookie(0, pool))

t.test('each endpoint is found by the cookie that was set for it', async (t) => {
  for (const pool of web.upstream.pools) {
    t.same(affinity.find(`sticky=${name(pool)}`), { at: 0, pool })
  }
})

t.test('a name is the same in every proxy, and says nothing about the address', async (t) => {
  const { upstream, poolAt } = upstreamOf('shop/web:80', ...addresses)
  const other = compile(policy, [{ upstream, weight: 1 }])
  t.equal(other.setCookie(0, poolAt(0)), affinity.setCookie(0, first))
  t.match(name(first), /^[0-9a-f]{16}$/)
  t.notMatch(name(first), /10\.0\.0\.1|8080/)
})

t.test('a name of one upstream means nothing to another', async (t) => {
  const { upstream } = upstreamOf('shop/api:80', ...addresses)
  const other = compile(policy, [{ upstream, weight: 1 }])
  t.equal(other.find(`sticky=${name(first)}`), undefined)
})

t.test('an endpoint that is gone is not found, one that moved in the list is', async (t) => {
  const { upstream, update, poolAt } = upstreamOf('shop/web:80', ...addresses)
  const affinity = compile(policy, [{ upstream, weight: 1 }])
  const cookie = `sticky=${name(first)}`
  t.equal(affinity.find(cookie)?.pool, poolAt(0))
  update('10.0.0.2', '2001:db8::1')
  t.equal(affinity.find(cookie), undefined)
  update('2001:db8::1', '10.0.0.2', '10.0.0.1')
  t.equal(affinity.find(cookie)?.pool, poolAt(2))
  update()
  t.equal(affinity.find(cookie), undefined)
})

t.test('with several choices the cookie names the choice, too', async (t) => {
  const stable = upstreamOf('shop/web:80', '10.0.0.1', '10.0.0.2')
  const canary = upstreamOf('shop/canary:80', '10.0.0.3')
  const compileWith = (...weights: number[]) =>
    compile(
      policy,
      [stable, canary].map(({ upstream }, at) => ({ upstream, weight: weights[at] ?? 0 })),
    )
  const both = compileWith(90, 10)
  const pool = canary.poolAt(0)
  const cookie = `sticky=${textOf(both.setCookie(1, pool))}`
  t.match(cookie, /^sticky=[0-9a-f]{8}-[0-9a-f]{16}$/)
  t.same(both.find(cookie), { at: 1, pool })
  canary.update('10.0.0.4')
  t.same(both.find(cookie), { at: 1, pool: undefined }, 'its endpoint is gone: the same choice')
  t.equal(compileWith(90, 0).find(cookie), undefined, 'a choice of weight 0 is never taken')
  t.equal(both.find('sticky=00000000-0123456789abcdef'), undefined, 'no choice of this route')
})

t.test('cookies hold when a route gets a second choice, and when it loses it', async (t) => {
  const stable = upstreamOf('shop/web:80', '10.0.0.1', '10.0.0.2')
  const canary = upstreamOf('shop/canary:80', '10.0.0.3')
  const one = compile(policy, [{ upstream: stable.upstream, weight: 1 }])
  const two = compile(policy, [
    { upstream: canary.upstream, weight: 10 },
    { upstream: stable.upstream, weight: 90 },
  ])
  const pool = stable.poolAt(1)
  t.same(two.find(`sticky=${textOf(one.setCookie(0, pool))}`), { at: 1, pool })
  t.same(one.find(`sticky=${textOf(two.setCookie(1, pool))}`), { at: 0, pool })
})

const headers = [
  { header: `a=b; sticky=${name(second)}; c=d`, found: true, why: 'among others' },
  { header: `a=b;sticky=${name(second)}`, found: true, why: 'without a space' },
  { header: `sticky=${name(second)} ; c=d`, found: true, why: 'a space behind it' },
  {
    header: `xsticky=${name(first)}; sticky=${name(second)}`,
    found: true,
    why: 'a longer name is another',
  },
  {
    header: `a=sticky=${name(first)}; sticky=${name(second)}`,
    found: true,
    why: 'a value is no name',
  },
  {
    header: `sticky=${name(second)}; sticky=${name(first)}`,
    found: true,
    why: 'the first one counts',
  },
  { header: `Sticky=${name(second)}`, found: false, why: 'names are case-sensitive' },
  { header: 'sticky=', found: false, why: 'empty' },
  { header: '', found: false, why: 'no cookie' },
  { header: `sticky=${name(second)}0`, found: false, why: 'longer than a name' },
  { header: `sticky=${name(second).slice(1)}`, found: false, why: 'shorter than a name' },
  { header: `sticky="${name(second)}"`, found: false, why: 'we never quote' },
  { header: 'sticky=10.0.0.2:8080....', found: false, why: 'an address is no name' },
  { header: `${'sticky=;'.repeat(2000)}`, found: false, why: 'a flood of empty ones' },
  { header: `${' sticky'.repeat(2000)}=x`, found: false, why: 'a flood of near misses' },
]

for (const { header, found, why } of headers) {
  t.test(`${header.slice(0, 60)} ${found ? 'picks' : 'picks nothing'}: ${why}`, async (t) => {
    t.equal(affinity.find(header)?.pool, found ? second : undefined)
  })
}

const safari =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/605 Version/13 Safari/605'
const none = { sameSite: 'None', sparesOldClients: true } as const

const attributes: {
  change: Partial<Affinity>
  request?: { isSecure?: boolean; userAgent?: string }
  expected: string
  why: string
}[] = [
  { change: {}, expected: '; Path=/; HttpOnly', why: 'a session cookie that scripts cannot read' },
  {
    change: { path: '/app', maxAgeSeconds: 60 },
    expected: '; Path=/app; Max-Age=60; HttpOnly',
    why: 'as configured',
  },
  {
    change: { secure: true, sameSite: 'Lax' },
    expected: '; Path=/; HttpOnly; Secure; SameSite=Lax',
    why: 'as configured',
  },
  {
    change: { sameSite: 'None' },
    expected: '; Path=/; HttpOnly; Secure; SameSite=None',
    why: 'None needs Secure',
  },
  {
    change: { domain: 'b.test', maxAgeSeconds: 60, expiresSeconds: 3600 },
    expected:
      '; Path=/; Domain=b.test; Max-Age=60; Expires=Thu, 01 Jan 2026 01:00:00 GMT; HttpOnly',
    why: 'each lifetime from its own setting',
  },
  {
    change: { secureOverHttps: true },
    expected: '; Path=/; HttpOnly',
    why: 'Secure would lose the cookie over http',
  },
  {
    change: { secureOverHttps: true },
    request: { isSecure: true },
    expected: '; Path=/; HttpOnly; Secure',
    why: 'the client came by https',
  },
  {
    change: none,
    expected: '; Path=/; HttpOnly; Secure; SameSite=None',
    why: 'who says nothing of itself is not old',
  },
  {
    change: none,
    request: { userAgent: 'X Chrome/55.0 Y' },
    expected: '; Path=/; HttpOnly; Secure',
    why: 'an old Chrome refuses None',
  },
  {
    change: none,
    request: { userAgent: safari },
    expected: '; Path=/; HttpOnly; Secure',
    why: 'so does an old Safari',
  },
  {
    change: none,
    request: { userAgent: `${safari} Chrome/120.0` },
    expected: '; Path=/; HttpOnly; Secure; SameSite=None',
    why: 'a Chrome says Safari, too',
  },
  {
    change: { sameSite: 'Lax', sparesOldClients: true },
    request: { userAgent: safari },
    expected: '; Path=/; HttpOnly; SameSite=Lax',
    why: 'they know the others',
  },
]

for (const { change, request: changed, expected, why } of attributes) {
  t.test(`the cookie ends with ${expected}: ${why}`, async (t) => {
    const choices = [{ upstream: web.upstream, weight: 1 }]
    const request = { ...plainRequest, ...changed }
    const cookie = compile({ ...policy, ...change }, choices).setCookie(0, first, request)
    t.equal(cookie, `sticky=${name(first)}${expected}`)
  })
}

t.test('change on failure is passed on', async (t) => {
  t.equal(compile({ ...policy, changeOnFailure: true }, []).compiled.changeOnFailure, true)
  t.equal(affinity.compiled.changeOnFailure, false)
})

t.test('a key is hashed to an endpoint, and few keys move when one comes', async (t) => {
  const { upstream, update } = upstreamOf('shop/web:80', ...addresses)
  const byKey: Affinity = { ...policy, by: 'key' }
  const one = compile(byKey, [{ upstream, weight: 1 }], seededRandom(7))
  const two = compile(byKey, [{ upstream, weight: 1 }], seededRandom(8))
  const served = new Set<EndpointPool>()
  const cookies: string[] = []
  for (let count = 0; count < 300; count += 1) {
    const newcomer = one.compiled.admit(0, [], () => undefined)
    if (newcomer === undefined) throw new Error('there are endpoints')
    served.add(newcomer.pool)
    const cookie = one.compiled.setCookie(0, newcomer.name, plainRequest).split(';')[0] ?? ''
    t.equal(two.find(cookie)?.pool, newcomer.pool, 'every proxy finds the same')
    cookies.push(cookie)
  }
  t.equal(served.size, 3, 'all endpoints get their share')
  t.same(one.compiled.find('sticky=nonsense'), { at: undefined, name: 'nonsense' })
  t.ok(one.compiled.poolOf(0, 'nonsense'), 'so is whatever a client sends')
  t.equal(one.compiled.find('sticky='), undefined)
  const before = cookies.map((cookie) => one.find(cookie)?.pool?.name)
  update(...addresses, '10.0.0.9')
  const moved = cookies.filter((cookie, at) => one.find(cookie)?.pool?.name !== before[at])
  t.ok(moved.length > 30 && moved.length < 120, `${moved.length} of 300 moved`)
  t.ok(moved.every((cookie) => one.find(cookie)?.pool?.name === '10.0.0.9:8080'))
  update()
  t.equal(
    one.compiled.admit(0, [], () => undefined),
    undefined,
  )
})

t.test('a key names its choice; one without a choice counts in any', async (t) => {
  const stable = upstreamOf('shop/web:80', '10.0.0.1', '10.0.0.2')
  const canary = upstreamOf('shop/canary:80', '10.0.0.3')
  const choices = [stable, canary].map(({ upstream }) => ({ upstream, weight: 1 }))
  const { compiled } = compile({ ...policy, by: 'key' }, choices, seededRandom(9))
  const newcomer = compiled.admit(1, [], () => undefined)
  t.equal(newcomer?.pool, canary.poolAt(0))
  const cookie = compiled.setCookie(1, newcomer?.name ?? '', plainRequest).split(';')[0] ?? ''
  t.same(compiled.find(cookie), { at: 1, name: newcomer?.name })
  t.same(compiled.find('sticky=nonsense'), { at: undefined, name: 'nonsense' })
  t.ok(compiled.poolOf(0, 'nonsense'))
})

t.test('a new key leads to an endpoint that was not tried and serves', async (t) => {
  const { upstream, poolAt } = upstreamOf('shop/web:80', '10.0.0.1', '10.0.0.2')
  const { compiled } = compile({ ...policy, by: 'key' }, [{ upstream, weight: 1 }], seededRandom(1))
  for (let count = 0; count < 20; count += 1) {
    t.equal(compiled.admit(0, [poolAt(0)], () => undefined)?.pool, poolAt(1))
  }
  t.equal(
    compiled.admit(0, [poolAt(0), poolAt(1)], () => undefined),
    undefined,
  )
})
