import t from 'tap'
import { compileContext, type RequestSketch, requestView } from '../testing/filter-stage.ts'
import { compileFilters, type Pipeline } from './compile.ts'
import type { Filter, Verdict } from './kind.ts'
import { filterKinds } from './kinds.ts'
import type { RedirectFilter } from './redirect.ts'

const request: RequestSketch = {
  path: '/x/y',
  query: '?q=1',
  clientAddress: '203.0.113.9',
}

function compiled(filters: readonly Filter[]): Pipeline | undefined {
  const result = compileFilters(filters, filterKinds, compileContext())
  if (!result.ok) throw new Error(result.reason)
  return result.pipeline
}

/** The first verdict of the filters. */
function ask(filters: readonly Filter[], sketch: RequestSketch = {}): Verdict {
  const view = requestView({ ...request, ...sketch })
  for (const { step } of compiled(filters)?.request ?? []) {
    const verdict = step.kind === 'sync' ? step.decide(view) : undefined
    if (verdict !== undefined) return verdict
  }
  return undefined
}

function locationOf(filters: readonly Filter[], sketch: RequestSketch = {}): string | undefined {
  const verdict = ask(filters, sketch)
  if (typeof verdict === 'string') return verdict
  return verdict?.headers.find(([name]) => name === 'location')?.[1]
}

const redirect = (fields: Omit<RedirectFilter, 'kind'>): Filter => ({ kind: 'redirect', ...fields })
const access = (allow: string[], deny: string[]) => ({ kind: 'access', allow, deny })
const appRoot = { kind: 'app-root', path: '/app' }
const toB = redirect({ when: 'always', status: 302, host: 'b.test' })
const denyAll = access([], ['0.0.0.0/0', '::/0'])

t.test('filters that ask for nothing cost nothing', async (t) => {
  t.equal(compiled([]), undefined)
  t.equal(compiled([access([], [])]), undefined)
  t.equal(
    compiled([{ kind: 'request-headers', set: [], add: [], remove: [] } as Filter]),
    undefined,
  )
})

const order: { filters: Filter[]; verdict: unknown; why: string }[] = [
  { filters: [denyAll, toB], verdict: 'access-denied', why: 'who may come in is asked first' },
  { filters: [toB, denyAll], verdict: { status: 302 }, why: 'if the list says so' },
  { filters: [access([], ['192.0.2.1']), toB], verdict: { status: 302 }, why: 'who may goes on' },
]

for (const { filters, verdict, why } of order) {
  t.test(`filters act in their order: ${why}`, async (t) => {
    t.match(ask(filters, { path: '/' }), verdict)
  })
}

t.test('app root comes before a redirect, and for exactly `/` only', async (t) => {
  t.equal(locationOf([appRoot, toB], { path: '/', query: '' }), 'http://a.test/app')
  t.equal(locationOf([appRoot, toB]), 'http://b.test/x/y?q=1')
  t.equal(ask([appRoot]), undefined)
})

const faults: { filter: object & Filter; reason: RegExp; why: string }[] = [
  { filter: access(['nonsense'], []), reason: /nonsense/, why: 'an allow list lost an entry' },
  { filter: access([], ['10.0.0.0/99']), reason: /prefix/, why: 'a deny list lost an entry' },
  {
    filter: rewrite('/(?=a)'),
    reason: /rewrite/,
    why: 'no RE2',
  },
  { filter: edit('request', 'x', 'a\r\nhost: evil'), reason: /line/, why: 'a line end in a value' },
  { filter: edit('response', 'x: y\r\nz', 'a'), reason: /name/, why: 'a line end in a name' },
  {
    filter: edit('request', 'transfer-encoding', 'chunked'),
    reason: /belongs to the connection/,
    why: 'framing is not ours to edit',
  },
  { filter: { kind: 'nonsense' }, reason: /no filter nonsense/, why: 'a kind that is not there' },
]

function rewrite(pattern: string) {
  return { kind: 'rewrite', by: 'regex', pattern, replacement: '/' }
}

function edit(side: 'request' | 'response', name: string, value: string) {
  return { kind: `${side}-headers`, set: [[name, value]], add: [], remove: [] }
}

for (const { filter, reason, why } of faults) {
  t.test(`filters that cannot be compiled give the reason: ${why}`, async (t) => {
    const result = compileFilters([toB, filter], filterKinds, compileContext())
    t.match(result, { ok: false, reason })
  })
}

const redirects: {
  filter: Omit<RedirectFilter, 'kind'>
  facts?: RequestSketch
  location: string | undefined
  why: string
}[] = [
  {
    filter: { when: 'always', status: 302, host: 'b.test' },
    location: 'http://b.test/x/y?q=1',
    why: 'path, query and scheme are kept',
  },
  {
    filter: { when: 'always', status: 302, host: 'b.test', path: '/z' },
    location: 'http://b.test/z',
    why: 'an own path drops both',
  },
  {
    filter: { when: 'always', status: 302, host: 'b.test', path: '' },
    location: 'http://b.test',
    why: 'an empty path is literal',
  },
  {
    filter: { when: 'always', status: 302, path: '/z' },
    facts: { scheme: 'https' },
    location: 'https://a.test/z',
    why: 'the scheme the client used',
  },
  {
    filter: { when: 'always', status: 302, scheme: 'https', port: 8443 },
    location: 'https://a.test:8443/x/y?q=1',
    why: 'a port of its own',
  },
  {
    filter: { when: 'always', status: 302, scheme: 'https', port: 443 },
    location: 'https://a.test/x/y?q=1',
    why: '443 is what https means',
  },
  {
    filter: { when: 'always', status: 302, scheme: 'http', port: 80 },
    location: 'http://a.test/x/y?q=1',
    why: '80 is what http means',
  },
  {
    filter: { when: 'always', status: 302, scheme: 'http', port: 443 },
    location: 'http://a.test:443/x/y?q=1',
    why: 'but 443 is not what http means',
  },
  {
    filter: { when: 'insecure', status: 308, scheme: 'https' },
    location: 'https://a.test/x/y?q=1',
    why: 'http is sent to https',
  },
  {
    filter: { when: 'insecure', status: 308, scheme: 'https' },
    facts: { scheme: 'https' },
    location: undefined,
    why: 'https is served: no loop',
  },
  {
    filter: { when: 'insecure', status: 308, scheme: 'https' },
    facts: { host: '[2001:db8::1]' },
    location: 'https://[2001:db8::1]/x/y?q=1',
    why: 'an IPv6 host keeps its brackets',
  },
  {
    filter: { when: 'insecure', status: 308, scheme: 'https' },
    facts: { path: '*', query: '' },
    location: 'https://a.test/',
    why: '`OPTIONS *` has no path',
  },
  {
    filter: { when: 'insecure', status: 308, scheme: 'https' },
    facts: { believedHost: 'b.test:80' },
    location: 'https://b.test/x/y?q=1',
    why: 'a believed peer names the host',
  },
  {
    filter: { when: 'insecure', status: 308, scheme: 'https' },
    facts: { believedHost: 'b.test/evil?' },
    location: 'malformed-request',
    why: 'what it names must look like one',
  },
  {
    filter: { when: 'insecure', status: 308, scheme: 'https', cutsSlash: true },
    facts: { path: '/a/', query: '' },
    location: 'https://a.test/a',
    why: 'the slash at the end is left out',
  },
  {
    filter: { when: 'insecure', status: 308, scheme: 'https', namesPort: true },
    facts: { path: '/a/', query: '' },
    location: 'https://a.test:443/a/',
    why: 'the port is named',
  },
  {
    filter: { when: 'always', status: 301, path: '/z', isRelative: true },
    location: '/z',
    why: 'a path alone',
  },
  {
    filter: { when: 'always', status: 302, host: 'b.test', path: '/$2', pattern: '/(x)/(.*)' },
    location: 'http://b.test/y?q=1',
    why: 'groups of the path, and the query',
  },
  {
    filter: { when: 'insecure', status: 308, scheme: 'https' },
    facts: { path: '//evil.test' },
    location: 'https://a.test//evil.test?q=1',
    why: 'two slashes stay a path',
  },
  {
    filter: { when: 'insecure', status: 308, scheme: 'https' },
    facts: { path: '/a\r\nset-cookie: x', query: '' },
    location: 'https://a.test/a%0D%0Aset-cookie:%20x',
    why: 'no response splitting by path',
  },
  {
    filter: { when: 'insecure', status: 308, scheme: 'https' },
    facts: { query: '?a\r\nb' },
    location: 'https://a.test/x/y?a%0D%0Ab',
    why: 'nor by query',
  },
  {
    filter: { when: 'insecure', status: 308, scheme: 'https' },
    facts: { path: '/\xc3\xa9', query: '' },
    location: 'https://a.test/%C3%A9',
    why: 'bytes above ASCII are encoded',
  },
]

for (const { filter, facts, location, why } of redirects) {
  t.test(`the Location is ${location}: ${why}`, async (t) => {
    t.equal(locationOf([{ kind: 'redirect', ...filter }], facts), location)
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
    const filter = redirect({ when: 'insecure', status: 308, scheme: 'https' })
    t.equal(ask([filter], { host }), 'malformed-request')
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
      const verdict = ask([{ kind: 'access', allow, deny } as Filter], { clientAddress: from })
      t.equal(verdict, may ? undefined : 'access-denied')
    },
  )
}

const ports: {
  filter: Partial<RedirectFilter>
  facts: RequestSketch
  location: string
  why: string
}[] = [
  {
    filter: { path: '/z' },
    facts: { authority: 'a.test:8080' },
    location: 'http://a.test:8080/z',
    why: 'the port that the client used stays',
  },
  {
    filter: { path: '/z' },
    facts: { authority: 'a.test:80' },
    location: 'http://a.test/z',
    why: 'unless it is the scheme’s own',
  },
  {
    filter: { scheme: 'https' },
    facts: { authority: 'a.test:8080' },
    location: 'https://a.test/x/y?q=1',
    why: 'https is served by another port',
  },
  {
    filter: { scheme: 'https', keepsPort: true },
    facts: { authority: 'a.test:8080' },
    location: 'https://a.test:8080/x/y?q=1',
    why: '$http_host is the Host field as it came',
  },
  {
    filter: { keepsPort: false },
    facts: { authority: 'a.test:8080' },
    location: 'http://a.test/x/y?q=1',
    why: '$host has no port',
  },
  {
    filter: { host: 'b.test' },
    facts: { authority: 'a.test:8080' },
    location: 'http://b.test/x/y?q=1',
    why: 'another host has its own port',
  },
  {
    filter: { port: 8443 },
    facts: { authority: 'a.test:8080' },
    location: 'http://a.test:8443/x/y?q=1',
    why: 'a port that is given counts',
  },
  {
    filter: { path: '/z' },
    facts: { host: '[2001:db8::1]', authority: '[2001:db8::1]:8080' },
    location: 'http://[2001:db8::1]:8080/z',
    why: 'an IPv6 address has colons of its own',
  },
]

for (const { filter, facts, location, why } of ports) {
  t.test(`the Location is ${location}: ${why}`, async (t) => {
    t.equal(locationOf([redirect({ when: 'always', status: 302, ...filter })], facts), location)
  })
}

t.test('an app root keeps the port of the client', async (t) => {
  const facts = { path: '/', authority: 'a.test:8080' }
  t.equal(locationOf([appRoot], facts), 'http://a.test:8080/app')
})

t.test('edits become one set of names and one text', async (t) => {
  const edits = {
    set: [['x-a', '1']],
    add: [
      ['x-b', '2'],
      ['x-b', ''],
    ],
    remove: ['server'],
  }
  const both = ['request-headers', 'response-headers'].map((kind): Filter => ({ kind, ...edits }))
  const pipeline = compiled(both)
  for (const side of [pipeline?.requestEdits, pipeline?.responseEdits]) {
    t.same([...(side?.dropped ?? [])].sort(), ['server', 'x-a'])
    t.equal(side?.appended, 'x-a: 1\r\nx-b: 2\r\nx-b: \r\n')
  }
})

t.test('later edits have the last word on earlier ones', async (t) => {
  const first = edit('request', 'x-a', '1')
  const second = edit('request', 'x-a', '2')
  t.equal(compiled([first, second])?.requestEdits?.appended, 'x-a: 2\r\n')
})
