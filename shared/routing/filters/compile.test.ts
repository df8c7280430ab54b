import t from 'tap'
import type { Policy } from '../policy.ts'
import type { Route } from '../table.ts'
import { compilePolicy } from './compile.ts'
import type { RequestFacts } from './compiled.ts'

const route: Route = {
  host: 'a.test',
  pathType: 'Prefix',
  path: '/',
  namespace: 'shop',
  ingress: 'web',
  service: 'web',
  upstream: 'shop/web:80',
}

const request: RequestFacts = {
  method: 'GET',
  host: 'a.test',
  path: '/x/y',
  query: '?q=1',
  scheme: 'http',
  clientAddress: '203.0.113.9',
}

function ask(policy: Policy, facts: Partial<RequestFacts> = {}) {
  return compilePolicy(policy, route).answer?.({ ...request, ...facts })
}

function locationOf(policy: Policy, facts: Partial<RequestFacts> = {}): string | undefined {
  return ask(policy, facts)?.headers.find(([name]) => name === 'location')?.[1]
}

t.test('a policy that asks for nothing costs nothing', async (t) => {
  t.same(compilePolicy({}, route), {
    answer: undefined,
    rewrite: undefined,
    requestEdits: undefined,
    responseEdits: undefined,
    maxBodyBytes: Number.POSITIVE_INFINITY,
    connectTimeoutMs: 0,
    readTimeoutMs: 0,
    sendTimeoutMs: 0,
    affinity: undefined,
    leastRequests: false,
  })
})

t.test('limits are numbers', async (t) => {
  const timeouts = { connectMs: 1, readMs: 2, sendMs: 3 }
  const compiled = compilePolicy({ timeouts, maxBodyBytes: 9, balance: 'least-requests' }, route)
  t.match(compiled, { connectTimeoutMs: 1, readTimeoutMs: 2, sendTimeoutMs: 3, maxBodyBytes: 9 })
  t.equal(compiled.leastRequests, true)
  t.equal(compilePolicy({ maxBodyBytes: 0 }, route).maxBodyBytes, Number.POSITIVE_INFINITY)
  t.equal(compilePolicy({ timeouts: {} }, route).readTimeoutMs, 0)
  t.equal(compilePolicy({ balance: 'round-robin' }, route).leastRequests, false)
})

const denyAll = { allow: [], deny: ['0.0.0.0/0', '::/0'] }
const toB = { when: 'always', status: 302, host: 'b.test' } as const

const order: { policy: Policy; status: number; why: string }[] = [
  {
    policy: { closed: 'x', access: denyAll, redirect: toB },
    status: 503,
    why: 'closed comes first',
  },
  { policy: { access: denyAll, redirect: toB }, status: 403, why: 'then access' },
  { policy: { appRoot: '/app', redirect: toB }, status: 302, why: 'then redirects' },
]

for (const { policy, status, why } of order) {
  t.test(`the answer is ${status}: ${why}`, async (t) => {
    t.equal(ask(policy, { path: '/' })?.status, status)
  })
}

t.test('app root comes before a redirect, and for exactly `/` only', async (t) => {
  const policy: Policy = { appRoot: '/app', redirect: toB }
  t.equal(locationOf(policy, { path: '/', query: '' }), 'http://a.test/app')
  t.equal(locationOf(policy), 'http://b.test/x/y?q=1')
  t.equal(ask({ appRoot: '/app' }), undefined)
})

t.test('a refusal is a short text/plain page with its code', async (t) => {
  t.same(ask({ closed: 'secret reason' }), {
    status: 503,
    code: 'policy-closed',
    headers: [['content-type', 'text/plain']],
    body: '503 policy-closed\nThis route is closed until its configuration is mended.\n',
  })
})

const faults: { policy: Policy; why: string }[] = [
  { policy: { access: { allow: ['nonsense'], deny: [] } }, why: 'an allow list lost an entry' },
  { policy: { access: { allow: [], deny: ['10.0.0.0/99'] } }, why: 'a deny list lost an entry' },
  { policy: { rewrite: { kind: 'regex', pattern: '/(?=a)', replacement: '/' } }, why: 'no RE2' },
  { policy: { requestHeaders: edit('x', 'a\r\nhost: evil') }, why: 'a line end in a value' },
  { policy: { responseHeaders: edit('x: y\r\nz', 'a') }, why: 'a line end in a name' },
  {
    policy: { requestHeaders: edit('transfer-encoding', 'chunked') },
    why: 'framing is not ours to edit',
  },
]

function edit(name: string, value: string) {
  return { set: [[name, value] as const], add: [], remove: [] }
}

for (const { policy, why } of faults) {
  t.test(`a policy that cannot be compiled closes its route: ${why}`, async (t) => {
    const compiled = compilePolicy(policy, route)
    t.equal(compiled.answer?.(request)?.status, 503)
    t.equal(compiled.requestEdits, undefined)
  })
}

const redirects: {
  policy: Policy
  facts?: Partial<RequestFacts>
  location: string | undefined
  why: string
}[] = [
  {
    policy: { redirect: { when: 'always', status: 302, host: 'b.test' } },
    location: 'http://b.test/x/y?q=1',
    why: 'path, query and scheme are kept',
  },
  {
    policy: { redirect: { when: 'always', status: 302, host: 'b.test', path: '/z' } },
    location: 'http://b.test/z',
    why: 'an own path drops both',
  },
  {
    policy: { redirect: { when: 'always', status: 302, host: 'b.test', path: '' } },
    location: 'http://b.test',
    why: 'an empty path is literal',
  },
  {
    policy: { redirect: { when: 'always', status: 302, path: '/z' } },
    facts: { scheme: 'https' },
    location: 'https://a.test/z',
    why: 'the scheme the client used',
  },
  {
    policy: { redirect: { when: 'always', status: 302, scheme: 'https', port: 8443 } },
    location: 'https://a.test:8443/x/y?q=1',
    why: 'a port of its own',
  },
  {
    policy: { redirect: { when: 'always', status: 302, scheme: 'https', port: 443 } },
    location: 'https://a.test/x/y?q=1',
    why: '443 is what https means',
  },
  {
    policy: { redirect: { when: 'always', status: 302, scheme: 'http', port: 80 } },
    location: 'http://a.test/x/y?q=1',
    why: '80 is what http means',
  },
  {
    policy: { redirect: { when: 'always', status: 302, scheme: 'http', port: 443 } },
    location: 'http://a.test:443/x/y?q=1',
    why: 'but 443 is not what http means',
  },
  {
    policy: { redirect: { when: 'insecure', status: 308, scheme: 'https' } },
    location: 'https://a.test/x/y?q=1',
    why: 'http is sent to https',
  },
  {
    policy: { redirect: { when: 'insecure', status: 308, scheme: 'https' } },
    facts: { scheme: 'https' },
    location: undefined,
    why: 'https is served: no loop',
  },
  {
    policy: { redirect: { when: 'insecure', status: 308, scheme: 'https' } },
    facts: { host: '[2001:db8::1]' },
    location: 'https://[2001:db8::1]/x/y?q=1',
    why: 'an IPv6 host keeps its brackets',
  },
  {
    policy: { redirect: { when: 'insecure', status: 308, scheme: 'https' } },
    facts: { path: '*', query: '' },
    location: 'https://a.test/',
    why: '`OPTIONS *` has no path',
  },
  {
    policy: { redirect: { when: 'insecure', status: 308, scheme: 'https' } },
    facts: { path: '//evil.test' },
    location: 'https://a.test//evil.test?q=1',
    why: 'two slashes stay a path',
  },
  {
    policy: { redirect: { when: 'insecure', status: 308, scheme: 'https' } },
    facts: { path: '/a\r\nset-cookie: x', query: '' },
    location: 'https://a.test/a%0D%0Aset-cookie:%20x',
    why: 'no response splitting by path',
  },
  {
    policy: { redirect: { when: 'insecure', status: 308, scheme: 'https' } },
    facts: { query: '?a\r\nb' },
    location: 'https://a.test/x/y?a%0D%0Ab',
    why: 'nor by query',
  },
  {
    policy: { redirect: { when: 'insecure', status: 308, scheme: 'https' } },
    facts: { path: '/\xc3\xa9', query: '' },
    location: 'https://a.test/%C3%A9',
    why: 'bytes above ASCII are encoded',
  },
]

for (const { policy, facts, location, why } of redirects) {
  t.test(`the Location is ${location}: ${why}`, async (t) => {
    t.equal(locationOf(policy, facts), location)
  })
}

for (const host of [
  '',
  'a.test\r\nx: y',
  'a b',
  'a.test/evil',
  'user@evil.test',
  'a.test#',
  '..',
]) {
  t.test(`no redirect is built from the host ${JSON.stringify(host)}`, async (t) => {
    const redirect = { when: 'insecure', status: 308, scheme: 'https' } as const
    const answer = ask({ redirect }, { host })
    t.equal(answer?.status, 400)
    t.notOk(answer?.headers.some(([name]) => name === 'location'))
  })
}

const accesses = [
  { allow: ['203.0.113.0/24'], deny: [], from: '203.0.113.9', may: true, why: 'on the list' },
  { allow: ['203.0.113.0/24'], deny: [], from: '198.51.100.1', may: false, why: 'not on the list' },
  {
    allow: ['203.0.113.0/24'],
    deny: ['203.0.113.9'],
    from: '203.0.113.9',
    may: false,
    why: 'deny beats allow',
  },
  {
    allow: ['203.0.113.0/24'],
    deny: ['203.0.113.9'],
    from: '203.0.113.8',
    may: true,
    why: 'deny names one only',
  },
  {
    allow: [],
    deny: ['10.0.0.0/8'],
    from: '203.0.113.9',
    may: true,
    why: 'without allow everybody else may',
  },
  {
    allow: [],
    deny: ['10.0.0.0/8'],
    from: '::ffff:10.1.1.1',
    may: false,
    why: 'mapping is no disguise',
  },
  { allow: ['2001:db8::/32'], deny: [], from: '2001:DB8::1', may: true, why: 'IPv6 in capitals' },
  {
    allow: ['0.0.0.0/0'],
    deny: [],
    from: '2001:db8::1',
    may: false,
    why: 'all of IPv4 is not IPv6',
  },
  {
    allow: [],
    deny: ['10.0.0.0/8'],
    from: '',
    may: false,
    why: 'an unknown address is denied by any list',
  },
  { allow: [], deny: ['10.0.0.0/8'], from: 'unknown', may: false, why: 'a word is no address' },
  { allow: [], deny: [], from: '', may: true, why: 'no list, no question' },
]

for (const { allow, deny, from, may, why } of accesses) {
  t.test(
    `allow [${allow}] deny [${deny}]: '${from}' ${may ? 'may' : 'may not'}: ${why}`,
    async (t) => {
      const answer = ask({ access: { allow, deny } }, { clientAddress: from })
      t.equal(answer?.status, may ? undefined : 403)
    },
  )
}

t.test('edits become one set of names and one text', async (t) => {
  const edits = {
    set: [['x-a', '1'] as const],
    add: [['x-b', '2'] as const, ['x-b', ''] as const],
    remove: ['server'],
  }
  const compiled = compilePolicy({ requestHeaders: edits, responseHeaders: edits }, route)
  for (const side of [compiled.requestEdits, compiled.responseEdits]) {
    t.same([...(side?.dropped ?? [])].sort(), ['server', 'x-a'])
    t.equal(side?.appended, 'x-a: 1\r\nx-b: 2\r\nx-b: \r\n')
  }
  const none = compilePolicy({ requestHeaders: { set: [], add: [], remove: [] } }, route)
  t.equal(none.requestEdits, undefined)
})
