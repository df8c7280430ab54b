import t from 'tap'
import type { Affinity } from '../../shared/routing/backend.ts'
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

const web = upstreamOf('shop/web:80', ...addresses)
const first = web.poolAt(0)
const second = web.poolAt(1)
const affinity = compileAffinity(policy, [{ upstream: web.upstream, weight: 1 }])
const textOf = (cookie: string) => cookie.slice('sticky='.length).split(';')[0] ?? ''
const name = (pool: EndpointPool) => textOf(affinity.setCookie(0, pool))

t.test('each endpoint is found by the cookie that was set for it', async (t) => {
  for (const pool of web.upstream.pools) {
    t.same(affinity.find(`sticky=${name(pool)}`), { at: 0, pool })
  }
})

t.test('a name is the same in every proxy, and says nothing about the address', async (t) => {
  const { upstream, poolAt } = upstreamOf('shop/web:80', ...addresses)
  const other = compileAffinity(policy, [{ upstream, weight: 1 }])
  t.equal(other.setCookie(0, poolAt(0)), affinity.setCookie(0, first))
  t.match(name(first), /^[0-9a-f]{16}$/)
  t.notMatch(name(first), /10\.0\.0\.1|8080/)
})

t.test('a name of one upstream means nothing to another', async (t) => {
  const { upstream } = upstreamOf('shop/api:80', ...addresses)
  const other = compileAffinity(policy, [{ upstream, weight: 1 }])
  t.equal(other.find(`sticky=${name(first)}`), undefined)
})

t.test('an endpoint that is gone is not found, one that moved in the list is', async (t) => {
  const { upstream, update, poolAt } = upstreamOf('shop/web:80', ...addresses)
  const affinity = compileAffinity(policy, [{ upstream, weight: 1 }])
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
  const compile = (...weights: number[]) =>
    compileAffinity(
      policy,
      [stable, canary].map(({ upstream }, at) => ({ upstream, weight: weights[at] ?? 0 })),
    )
  const both = compile(90, 10)
  const pool = canary.poolAt(0)
  const cookie = `sticky=${textOf(both.setCookie(1, pool))}`
  t.match(cookie, /^sticky=[0-9a-f]{8}-[0-9a-f]{16}$/)
  t.same(both.find(cookie), { at: 1, pool })
  canary.update('10.0.0.4')
  t.same(both.find(cookie), { at: 1, pool: undefined }, 'its endpoint is gone: the same choice')
  t.equal(compile(90, 0).find(cookie), undefined, 'a choice of weight 0 is never taken')
  t.equal(both.find('sticky=00000000-0123456789abcdef'), undefined, 'no choice of this route')
})

t.test('cookies hold when a route gets a second choice, and when it loses it', async (t) => {
  const stable = upstreamOf('shop/web:80', '10.0.0.1', '10.0.0.2')
  const canary = upstreamOf('shop/canary:80', '10.0.0.3')
  const one = compileAffinity(policy, [{ upstream: stable.upstream, weight: 1 }])
  const two = compileAffinity(policy, [
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

const attributes: { change: Partial<Affinity>; expected: string; why: string }[] = [
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
]

for (const { change, expected, why } of attributes) {
  t.test(`the cookie ends with ${expected}: ${why}`, async (t) => {
    const choices = [{ upstream: web.upstream, weight: 1 }]
    const cookie = compileAffinity({ ...policy, ...change }, choices).setCookie(0, first)
    t.equal(cookie, `sticky=${name(first)}${expected}`)
  })
}

t.test('change on failure is passed on', async (t) => {
  t.equal(compileAffinity({ ...policy, changeOnFailure: true }, []).changeOnFailure, true)
  t.equal(affinity.changeOnFailure, false)
})
