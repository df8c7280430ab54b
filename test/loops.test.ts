// Does a request that comes around end after a few rounds, and does nothing else look like one? RFC 8586 over real sockets.
import t from 'tap'
import { maxPasses } from '../proxy/http/loop.ts'
import type { FilterKind } from '../shared/routing/filters/kind.ts'
import { eventually } from '../shared/testing/eventually.ts'
import { get, head, startPair } from './exchange/pair.ts'
import { startInProcess } from './support/in-process.ts'
import { connectRaw, fieldsOf, requestOnce } from './support/raw-client.ts'

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

t.test('a circle that leads through calls of filters ends, too', async (t) => {
  let calls = 0
  const asking: FilterKind = {
    kind: 'asking',
    fault: () => undefined,
    compile: (_filter, context) => ({
      request: {
        kind: 'async',
        timeoutMs: 5000,
        onTimeout: 'access-denied',
        start(view, settle) {
          calls += 1
          const marks = view.field('cdn-loop')
          const request = {
            method: 'GET',
            target: '/',
            authority: 'a.test',
            fields: marks === undefined ? '' : `CDN-Loop: ${marks}\r\n`,
            timeoutMs: 5000,
            maxBodyBytes: 1000,
          }
          return context.call('default/web:80', request, (result) => {
            settle('status' in result && result.status === 200 ? undefined : 'access-denied')
          })
        },
      },
    }),
  }
  const plane = await startInProcess({ kinds: [asking] })
  t.teardown(() => plane.close())
  const routes = [{ filters: [{ kind: 'asking' }] }]
  plane.apply({ routes, endpoints: { web: [{ address: '127.0.0.1', port: plane.port }] } })
  const client = await connectRaw(plane.port)
  t.equal((await client.request(get)).status, 403)
  client.close()
  t.equal(calls, maxPasses)
})
