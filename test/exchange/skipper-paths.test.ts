// Routes in Skipper's words read a path as Skipper does: decoded once, slashes merged. What goes upstream is the path as it came,
// and no route that reads paths as they stand is walked past.
import t from 'tap'
import { startInProcess } from '../support/in-process.ts'
import { connectRaw } from '../support/raw-client.ts'
import { readEcho, startEcho } from '../support/upstream.ts'

const web = await startEcho('web')
const weight = 0
const dataPlane = await startInProcess({
  routes: [
    { path: '/a/b', pathType: 'Exact', service: 'exact', weight },
    { path: '/:one', pathType: 'Pattern', service: 'one', weight },
    { path: '/files/*rest', pathType: 'Pattern', service: 'files', weight },
    { path: '/@x', pathType: 'Exact', service: 'at', weight },
    { host: 'b.test', path: '/shop', service: 'shop', weight },
    { host: 'b.test', path: '/', service: 'root' },
    { host: '*', path: '/', pathType: 'Any', service: 'rest', weight },
  ],
  endpoints: Object.fromEntries(
    ['exact', 'one', 'files', 'at', 'shop', 'root', 'rest'].map((service) => [service, [web]]),
  ),
})
t.teardown(async () => {
  await dataPlane.close()
  await web.close()
})

const rows: readonly (readonly [
  host: string,
  target: string,
  service: string | 400,
  why: string,
])[] = [
  ['a.test', '/a/b', 'exact', 'as it is'],
  ['a.test', '/a//b', 'exact', 'slashes are merged'],
  ['a.test', '//a/b', 'exact', 'the first ones, too'],
  ['a.test', '/a%2Fb', 'exact', 'an encoded slash is one'],
  ['a.test', '/x', 'one', 'one segment'],
  ['a.test', '/x%20y', 'one', 'a space is no slash'],
  ['a.test', '/x%2Fy', 'rest', 'two segments, which no path takes'],
  ['a.test', '/x/', 'rest', 'a slash at the end is another path'],
  ['a.test', '/files/a//b', 'files', 'the rest'],
  ['a.test', '/%40x', 'at', 'escapes of what may stand plain'],
  ['a.test', '/a%252Fb', 400, 'decoded twice it belongs to another route'],
  ['b.test', '/shop/x', 'shop', 'a prefix'],
  ['b.test', '/shop//x', 'shop', 'either reading is below it'],
  ['b.test', '//shop', 400, 'as it stands it belongs to a route that reads paths so'],
  ['b.test', '/x//y', 'root', 'either reading belongs to it'],
  ['c.test', '/x//y', 'rest', 'a host that nobody names'],
]

for (const [host, target, service, why] of rows) {
  t.test(`${host}${target}: ${why}`, async (t) => {
    const client = await connectRaw(dataPlane.port)
    t.teardown(() => client.close())
    const before = web.requests.length
    const response = await client.request(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    if (service === 400) {
      t.equal(response.status, 400)
      t.equal(web.requests.length, before, 'nothing goes upstream')
      return
    }
    t.equal(response.status, 200)
    t.equal(dataPlane.log().at(-1)?.service, service)
    t.equal(readEcho(response.body).path, target)
  })
}
