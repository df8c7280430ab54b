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
  ],
  endpoints: Object.fromEntries(
    ['root', 'public', 'admin', 'exact'].map((service) => [service, [web]]),
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
  { target: '/%70ublic', sent: '/%70ublic', service: 'root', why: 'nothing is decoded to match' },
  { target: '/~a/%7Eb', sent: '/~a/%7Eb', service: 'root', why: 'escapes stay as they are' },
  { target: '//public//a', sent: '//public//a', service: 'root', why: 'slashes are not merged' },
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

t.test('bytes above 0x7F of a path stay', async (t) => {
  const { upstream, connect } = await startPair(t)
  const client = await connect()
  const sent = '/caf\xe9/\xc3\xa9'
  t.equal((await client.request(head(`GET ${sent} HTTP/1.1`))).status, 200)
  t.equal(upstream.requests[0]?.target, sent)
})

t.test('OPTIONS * asks about the proxy itself', async (t) => {
  const client = await connectRaw(dataPlane.port)
  t.teardown(() => client.close())
  const before = web.requests.length
  t.equal((await client.request('OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n')).status, 200)
  t.equal(web.requests.length, before)
})
