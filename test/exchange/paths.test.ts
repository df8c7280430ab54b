// One path: the same normalised string is matched and sent upstream, or the request is refused.
import t from 'tap'
import { startInProcess } from '../support/in-process.ts'
import { connectRaw } from '../support/raw-client.ts'
import { readEcho, startEcho } from '../support/upstream.ts'
import { head, startPair } from './pair.ts'

const web = await startEcho('web')
const dataPlane = await startInProcess({
  routes: [
    { path: '/', service: 'root' },
    { path: '/public', service: 'public' },
    { path: '/admin', service: 'admin' },
    { path: '/exact', service: 'exact', pathType: 'Exact' },
    { path: '/caf%C3%A9', service: 'cafe' },
    { path: '/@x+', service: 'at' },
    { path: '/plain', service: 'root' },
  ],
  endpoints: Object.fromEntries(
    ['root', 'public', 'admin', 'exact', 'cafe', 'at'].map((service) => [service, [web]]),
  ),
})
t.teardown(async () => {
  await dataPlane.close()
  await web.close()
})

interface Row {
  readonly target: string
  /** What goes upstream; a number is the status of a refusal. */
  readonly sent: string | number
  readonly service?: string
  readonly why: string
}

const rows: readonly Row[] = [
  { target: '/', sent: '/', service: 'root', why: 'as it is' },
  { target: '/public', sent: '/public', service: 'public', why: 'a prefix covers itself' },
  { target: '/public/', sent: '/public/', service: 'public', why: 'with its slash' },
  { target: '/publicity', sent: '/publicity', service: 'root', why: 'and whole segments only' },
  { target: '/Public', sent: '/Public', service: 'root', why: 'paths have case' },
  { target: '/exact', sent: '/exact', service: 'exact', why: 'exact is literal' },
  { target: '/exact/', sent: '/exact/', service: 'root', why: 'exact is literal' },
  { target: '/exact?x', sent: '/exact?x', service: 'exact', why: 'a query is no part of a path' },
  { target: '/public/./a', sent: '/public/a', service: 'public', why: 'a dot is nothing' },
  { target: '/public/../admin', sent: '/admin', service: 'admin', why: 'matched where it leads' },
  {
    target: '/public/%2e%2e/admin',
    sent: '/admin',
    service: 'admin',
    why: 'encoded dots are dots',
  },
  { target: '/public/%2E./admin/x', sent: '/admin/x', service: 'admin', why: 'half encoded, too' },
  { target: '/public/a/..', sent: '/public/', service: 'public', why: 'the last segment, too' },
  { target: '/..', sent: 400, why: 'above the root' },
  { target: '/public/../../etc', sent: 400, why: 'above the root' },
  { target: '/public/..%2fadmin', sent: 400, why: 'a slash for some upstreams' },
  { target: '/public/%2e%2e%2fadmin', sent: 400, why: 'a slash for some upstreams' },
  { target: '/public/..;/admin', sent: 400, why: 'dots for upstreams that cut parameters' },
  { target: '/public/..%5cadmin', sent: 400, why: 'a separator for some upstreams' },
  { target: '/public\\..\\admin', sent: 400, why: 'no byte of a path' },
  { target: '/public/%252e%252e/admin', sent: 400, why: 'dots for upstreams that decode twice' },
  { target: '/public/%', sent: 400, why: 'no escape' },
  { target: '/public/%zz', sent: 400, why: 'no escape' },
  { target: '/public#x', sent: 400, why: 'a fragment is for the client alone' },
  { target: 'public', sent: 400, why: 'no slash in front' },
  { target: '/a%2Fb', sent: '/a%2Fb', service: 'root', why: 'an encoded slash stays one segment' },
  { target: '/%70ublic', sent: '/public', service: 'public', why: 'a letter is a letter' },
  { target: '/~a/%7Eb', sent: '/~a/~b', service: 'root', why: 'so is an unreserved character' },
  { target: '/caf%c3%a9', sent: '/caf%C3%A9', service: 'cafe', why: 'hex digits have one case' },
  { target: '/caf\xc3\xa9', sent: '/caf%C3%A9', service: 'cafe', why: 'bytes become escapes' },
  { target: '/[a]|b', sent: '/%5Ba%5D%7Cb', service: 'root', why: 'so does what is no pchar' },
  { target: '/%40x%2B', sent: '/%40x%2B', service: 'at', why: 'matched as @x+, sent as it came' },
  { target: '//a//b', sent: '//a//b', service: 'root', why: 'slashes are not merged' },
  { target: '//public//a', sent: 400, why: 'some applications read it as /public/a' },
  { target: '/public%2Fa', sent: 400, why: 'some applications read it as /public/a' },
  { target: '/public;x/a', sent: 400, why: 'some applications read it as /public/a' },
  { target: '//plain/a', sent: '//plain/a', service: 'root', why: 'served alike, either way' },
  { target: '/public//a', sent: '/public//a', service: 'public', why: 'slashes are not merged' },
  { target: '/a;v=1/b', sent: '/a;v=1/b', service: 'root', why: 'parameters stay' },
  { target: '/...', sent: '/...', service: 'root', why: 'three dots are a name' },
  { target: '/.hidden', sent: '/.hidden', service: 'root', why: 'a name may begin with a dot' },
  {
    target: '/x?a=/../b&c=%2e%2e&d=?e',
    sent: '/x?a=/../b&c=%2e%2e&d=?e',
    service: 'root',
    why: 'a query is passed as it is',
  },
  {
    target: '/x?q=caf\xe9&r=%e9"',
    sent: '/x?q=caf%E9&r=%e9"',
    service: 'root',
    why: 'but for raw bytes, as in a path',
  },
  { target: '/x?', sent: '/x?', service: 'root', why: 'an empty query stays' },
  {
    target: 'http://a.test/public/x?y',
    sent: '/public/x?y',
    service: 'public',
    why: 'absolute form',
  },
  { target: 'http://a.test', sent: '/', service: 'root', why: 'absolute form without a path' },
  { target: 'http://b.test/', sent: 400, why: 'absolute form and Host must agree' },
  { target: 'https://a.test/', sent: 400, why: 'not what this port speaks' },
  { target: '*', sent: 400, why: 'only OPTIONS asks about everything' },
]

for (const { target, sent, service, why } of rows) {
  t.test(`${target}: ${why}`, async (t) => {
    const client = await connectRaw(dataPlane.port)
    t.teardown(() => client.close())
    const before = web.requests.length
    const response = await client.request(`GET ${target} HTTP/1.1\r\nHost: a.test\r\n\r\n`)
    if (typeof sent === 'number') {
      t.equal(response.status, sent)
      t.equal(web.requests.length, before, 'nothing goes upstream')
      return
    }
    t.equal(response.status, 200)
    t.equal(readEcho(response.body).path, sent)
    const line = dataPlane.log().at(-1)
    t.equal(line?.service, service, 'the rule that it matched')
    t.equal(line?.path, sent.split('?')[0], 'and the log has the same path')
  })
}

t.test('an allow list holds for every spelling of its path', async (t) => {
  const { upstream, connect, dataPlane } = await startPair(t, {
    routes: [
      { path: '/' },
      { path: '/admin', filters: [{ kind: 'access', allow: ['192.0.2.0/24'], deny: [] }] },
    ],
  })
  const client = await connect()
  for (const [target, status] of [
    ['/admin/x', 403],
    ['/%61dmin/x', 403],
    ['/./admin/x', 403],
    ['//admin/x', 400],
    ['/admin%2Fx', 400],
    ['/admin%5Cx', 400],
    ['/admin;a=b/x', 400],
    ['/x//y', 200],
  ] as const) {
    const response = await client.request(head(`GET ${target} HTTP/1.1`))
    t.equal(response.status, status, target)
    const isAmbiguous = status === 400
    t.equal(dataPlane.log().at(-1)?.error === 'ambiguous-path', isAmbiguous, target)
    t.equal(response.body.includes('400 ambiguous-path'), isAmbiguous, target)
  }
  t.same(
    upstream.requests.map(({ target }) => target),
    ['/x//y'],
  )
})

t.test('a rewrite works on the path as it was matched', async (t) => {
  const { upstream, connect } = await startPair(t, {
    routes: [
      {
        path: '/u/(.+@.+)',
        pathType: 'Regex',
        filters: [
          { kind: 'rewrite', by: 'regex', pattern: '/u/(.+@.+)', replacement: '/users/$1' },
        ],
      },
    ],
  })
  const client = await connect()
  t.equal((await client.request(head('GET /u/a%40b.test?c HTTP/1.1'))).status, 200)
  t.equal(upstream.requests[0]?.target, '/users/a@b.test?c')
})

t.test('OPTIONS * asks about the proxy itself', async (t) => {
  const client = await connectRaw(dataPlane.port)
  t.teardown(() => client.close())
  const before = web.requests.length
  t.equal((await client.request('OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n')).status, 200)
  t.equal(web.requests.length, before)
})
