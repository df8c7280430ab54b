// Does a request that comes around end after a few rounds, and does nothing else look like one? RFC 8586 over real sockets.
import t from 'tap'
import { maxPasses } from '../proxy/http/loop.ts'
import { refOf } from '../shared/routing/upstreams/backend-ref.ts'
import { eventually } from '../shared/testing/eventually.ts'
import { get, head, startPair } from './exchange/pair.ts'
import { startInProcess } from './support/in-process.ts'
import { untilStill } from './support/quiet.ts'
import { fieldsOf, requestOnce } from './support/raw-client.ts'

/** Data planes in a circle: each forwards to the next, the last to the first. */
async function startCircle(t: Parameters<typeof startPair>[0], count: number) {
  const planes = await Promise.all(Array.from({ length: count }, () => startInProcess()))
  t.teardown(() => Promise.all(planes.map((plane) => plane.close())))
  for (const [index, plane] of planes.entries()) {
    const next = planes[(index + 1) % count] ?? plane
    plane.apply({ endpoints: { web: [{ address: '127.0.0.1', port: next.port }] } })
  }
  return planes
}

const requests = [
  { text: get, what: 'a GET' },
  { text: `${head('POST / HTTP/1.1', 'Content-Length: 5')}hello`, what: 'a POST with a body' },
  {
    text: `${head('POST / HTTP/1.1', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`,
    what: 'a chunked POST',
  },
  {
    text: head('GET / HTTP/1.1', 'Connection: Upgrade', 'Upgrade: websocket'),
    what: 'a WebSocket handshake',
  },
  {
    text: head('GET / HTTP/1.1', 'Connection: cdn-loop', 'CDN-Loop: a'),
    what: 'one that lists it',
  },
  { text: head('GET / HTTP/1.0'), what: 'an HTTP/1.0 client' },
]

for (const { text, what } of requests) {
  for (const count of [1, 2]) {
    t.test(`${what} in a circle of ${count} ends as 508 after ${maxPasses} rounds`, async (t) => {
      const planes = await startCircle(t, count)
      const [first] = planes
      if (first === undefined) return
      const { status, body } = await requestOnce(first.port, text)
      t.equal(status, 508)
      t.match(body, /^508 loop-detected\n/)
      const lines = () => planes.flatMap((plane) => plane.log())
      await eventually('each round is over', () => lines().length === maxPasses + 1)
      t.match(
        lines().filter(({ error }) => error !== ''),
        [{ status: 508, error: 'loop-detected', ingress: 'rules', service: 'web' }],
      )
    })
  }
}

t.test('a chain that means to be one is served', async (t) => {
  const { upstream, dataPlane } = await startPair(t)
  let next = dataPlane.port
  for (let hops = 1; hops < maxPasses; hops += 1) {
    const endpoints = { web: [{ address: '127.0.0.1', port: next }] }
    const plane = await startInProcess({ endpoints })
    t.teardown(() => plane.close())
    next = plane.port
  }
  t.equal((await requestOnce(next, get)).status, 200)
  const marks = upstream.requests.flatMap((request) => fieldsOf(request, 'cdn-loop'))
  t.same(marks, new Array(maxPasses).fill('weir'))
})

t.test('marks of others pass, and forged ones cost only who sends them', async (t) => {
  const { upstream, connect } = await startPair(t)
  const client = await connect()
  const others = head('GET / HTTP/1.1', 'CDN-Loop: cloudflare; a="b", example.net', 'CDN-Loop: x')
  t.equal((await client.request(others)).status, 200)
  t.same(
    upstream.requests.flatMap((request) => fieldsOf(request, 'cdn-loop')),
    ['cloudflare; a="b", example.net', 'x', 'weir'],
  )
  const forged = head('GET / HTTP/1.1', `CDN-Loop: ${new Array(maxPasses).fill('weir').join(', ')}`)
  t.equal((await client.request(forged)).status, 508)
  t.equal((await client.request(get)).status, 200, 'on the same connection')
  t.equal(upstream.requests.length, 2)
})

const self = refOf({ namespace: 'default', service: 'web', port: 80 })
const limits = { timeoutMs: 5000, maxBodyBytes: 1000, maxInFlight: 100, percent: 100 }
const nobody = { upstreamHeaders: [], clientHeaders: [], cacheMs: 0, cacheKeys: [] }
const callers = [
  {
    ...{ kind: 'external-auth', service: self, path: '/', method: 'GET', ...limits, ...nobody },
    status: 503,
  },
  {
    kind: 'error-pages',
    from: self,
    statuses: [404, 508],
    path: '/{status}',
    ...limits,
    status: 508,
  },
  { kind: 'mirror', to: self, ...limits, status: 508 },
]
for (const { status, ...filter } of callers) {
  t.test(`a circle that leads through calls of ${filter.kind} ends, too`, async (t) => {
    const plane = await startInProcess()
    t.teardown(() => plane.close())
    const routes = [{ filters: [filter] }]
    plane.apply({ routes, endpoints: { web: [{ address: '127.0.0.1', port: plane.port }] } })
    t.equal((await requestOnce(plane.port, get)).status, status)
    // Each round makes two requests at most.
    const rounds = await untilStill('the circle', () => plane.log().length)
    t.ok(rounds > maxPasses && rounds < 2 ** (maxPasses + 2), `${rounds} requests`)
    t.ok(plane.log().some(({ error }) => error === 'loop-detected'))
  })
}
