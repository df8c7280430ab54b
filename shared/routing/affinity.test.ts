import t from 'tap'
import { compileAffinity } from './affinity.ts'
import type { Affinity } from './backend.ts'
import type { Endpoint } from './table.ts'

const policy: Affinity = {
  cookie: 'sticky',
  path: '/',
  maxAgeSeconds: 0,
  secure: false,
  changeOnFailure: false,
}
const endpoints: readonly Endpoint[] = [
  { address: '10.0.0.1', port: 8080 },
  { address: '10.0.0.2', port: 8080 },
  { address: '2001:db8::1', port: 8080 },
]
const [first, second] = endpoints
if (first === undefined || second === undefined) throw new Error('the test needs endpoints')

const affinity = compileAffinity(policy, 'shop/web:80')
const name = (endpoint: Endpoint) =>
  affinity.setCookie(endpoint).slice('sticky='.length).split(';')[0] ?? ''

t.test('each endpoint is found by the cookie that was set for it', async (t) => {
  for (const endpoint of endpoints) {
    t.equal(affinity.pick(`sticky=${name(endpoint)}`, endpoints), endpoint)
  }
})

t.test('a name is the same in every proxy, and says nothing about the address', async (t) => {
  const other = compileAffinity(policy, 'shop/web:80')
  t.equal(other.setCookie({ ...first }), affinity.setCookie(first))
  t.match(name(first), /^[0-9a-f]{16}$/)
  t.notMatch(name(first), /10\.0\.0\.1|8080/)
})

t.test('a name of one upstream means nothing to another', async (t) => {
  const other = compileAffinity(policy, 'shop/api:80')
  t.equal(other.pick(`sticky=${name(first)}`, endpoints), undefined)
})

t.test('an endpoint that is gone is not picked, one that moved in the list is', async (t) => {
  t.equal(affinity.pick(`sticky=${name(first)}`, endpoints.slice(1)), undefined)
  t.equal(affinity.pick(`sticky=${name(first)}`, [...endpoints].reverse()), first)
  t.equal(affinity.pick(`sticky=${name(first)}`, []), undefined)
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
    t.equal(affinity.pick(header, endpoints), found ? second : undefined)
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
    const cookie = compileAffinity({ ...policy, ...change }, 'shop/web:80').setCookie(first)
    t.equal(cookie, `sticky=${name(first)}${expected}`)
  })
}

t.test('change on failure is passed on', async (t) => {
  t.equal(compileAffinity({ ...policy, changeOnFailure: true }, 'u').changeOnFailure, true)
  t.equal(affinity.changeOnFailure, false)
})
