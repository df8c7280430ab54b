// Endpoints that speak HTTP/2, and clients that speak HTTP/1.1: what goes there, what comes back, and over how many connections.
import t, { type Test } from 'tap'
import { resetStream } from '../../proxy/http2/reset-stream.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import {
  answerOk,
  type Http2Script,
  type SeenRequest,
  startHttp2,
} from '../support/http2-upstream.ts'
import { type InProcessOptions, startInProcess } from '../support/in-process.ts'
import { connectRaw, fieldsOf, type RawClient } from '../support/raw-client.ts'

async function startPair(t: Test, script: Http2Script = {}, options: InProcessOptions = {}) {
  const upstream = await startHttp2(script)
  const clock = new ManualClock()
  const dataPlane = await startInProcess({ clock, ...options, endpoints: { web: [upstream] } })
  const clients: RawClient[] = []
  t.teardown(async () => {
    for (const client of clients) client.close()
    await dataPlane.close()
    await upstream.close()
  })
  return {
    upstream,
    clock,
    dataPlane,
    async connect() {
      const client = await connectRaw(dataPlane.port)
      clients.push(client)
      return client
    },
  }
}

const get = 'GET /a?b=c HTTP/1.1\r\nHost: a.test\r\nX-One: 1\r\nCookie: a=b\r\n\r\n'

t.test('a request and its response', async (t) => {
  const { upstream, connect } = await startPair(t)
  const client = await connect()
  const response = await client.request(get)
  t.equal(response.status, 200)
  t.equal(response.body, 'GET /a?b=c')
  t.same(fieldsOf(response, 'content-type'), ['text/plain'])
  t.match(client.text, /^HTTP\/1\.1 200 OK\r\n/)
  const [seen] = upstream.requests
  t.same(seen?.list.slice(0, 8), [
    ':method',
    'GET',
    ':scheme',
    'http',
    ':authority',
    'a.test',
    ':path',
    '/a?b=c',
  ])
  t.equal(seen?.field('x-one'), '1')
  t.equal(seen?.field('cookie'), 'a=b')
  t.equal(seen?.field('cdn-loop'), 'weir')
  t.equal(seen?.field('host'), undefined)
  t.equal(seen?.stream.endAfterHeaders, true, 'no empty frame behind the head')
})

t.test('requests of many clients share one connection', async (t) => {
  const { upstream, dataPlane, connect } = await startPair(t)
  const gauge = (state: string) => dataPlane.counter('weir_upstream_connections', { state })
  for (let round = 0; round < 3; round += 1) {
    const clients = await Promise.all(Array.from({ length: 20 }, connect))
    const responses = await Promise.all(clients.map((client) => client.request(get)))
    t.ok(responses.every(({ status }) => status === 200))
  }
  t.equal(upstream.sessions.length, 1)
  t.equal(upstream.requests.length, 60)
  await eventually('idle', () => gauge('idle') === 1 && gauge('busy') === 0)
})

t.test('a body both ways, with trailers', async (t) => {
  const { upstream, connect } = await startPair(t, {
    onRequest: ({ stream }) => {
      stream.respond([':status', '200'], { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7', age: '9' }))
      stream.pipe(stream)
    },
  })
  let trailers: unknown
  const client = await connect()
  client.send(
    'POST /a HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nConnection: te\r\nTransfer-Encoding: chunked\r\n\r\n',
  )
  await eventually('the request is there', () => upstream.requests.length === 1)
  upstream.requests[0]?.stream.on('trailers', (_h, _f, list) => {
    trailers = list
  })
  client.send('5\r\nhello\r\n6\r\n world\r\n0\r\nX-In: 3\r\n\r\n')
  const response = await client.response()
  t.equal(response.body, 'hello world')
  t.match(client.text, /0\r\nx-sum: 7\r\n\r\n$/)
  t.same(trailers, ['x-in', '3'])
  t.equal(upstream.requests[0]?.field('te'), 'trailers')
})

const post = 'POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello'
const half = ({ stream }: SeenRequest) => {
  stream.respond([':status', '200'])
  stream.write('half')
}

t.test('what an endpoint may do to a request', async (t) => {
  const rows: {
    why: string
    request?: string
    first: (request: SeenRequest) => void
    status: number
    cut?: boolean
    seen: number
    error?: string
  }[] = [
    {
      why: 'a refused request without a body is made again',
      first: ({ stream }) => stream.close(7),
      status: 200,
      seen: 2,
    },
    {
      why: 'so is one with a small body, though it was sent',
      request: post,
      first: ({ stream }) => void stream.on('data', () => stream.close(7)),
      status: 200,
      seen: 2,
    },
    {
      why: 'an error that says nothing about that ends the request',
      request: post,
      first: ({ stream }) => stream.close(2),
      status: 502,
      seen: 1,
      error: 'upstream-reset',
    },
    {
      why: 'a reset without an error before the head',
      first: ({ stream }) => stream.close(0),
      status: 502,
      seen: 1,
      error: 'upstream-reset',
    },
    {
      why: 'a cancel in the body',
      first: (request) => {
        half(request)
        setTimeout(() => resetStream(request.stream, 8), 20)
      },
      status: 200,
      cut: true,
      seen: 1,
      error: 'upstream-reset',
    },
    {
      why: 'the connection is cut in the body',
      first: (request) => {
        half(request)
        setTimeout(() => request.stream.session?.socket.destroy(), 20)
      },
      status: 200,
      cut: true,
      seen: 1,
      error: 'upstream-reset',
    },
    {
      why: 'the connection is cut before the head, and the request was the first on it',
      first: ({ stream }) => stream.session?.socket.destroy(),
      status: 502,
      seen: 1,
      error: 'upstream-reset',
    },
    {
      why: 'an answer before the request is whole, and a reset that says so',
      request: 'POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 50\r\n\r\nhello',
      first: (request) => {
        request.stream.respond([':status', '403'], { endStream: true })
        setTimeout(() => request.stream.close(0), 20)
      },
      status: 403,
      seen: 1,
    },
  ]
  for (const { why, request = get, first, status, cut = false, seen, error } of rows) {
    await t.test(why, async (t) => {
      let count = 0
      const { upstream, dataPlane, connect } = await startPair(t, {
        onRequest: (each) => {
          count += 1
          if (count === 1) first(each)
          else answerOk(each)
        },
      })
      const client = await connect()
      client.send(request)
      const head = await client.head()
      t.equal(head.status, status)
      if (cut) await client.whenEnded()
      else await client.until(() => head.complete, 'the body')
      t.equal(head.complete, !cut)
      t.equal(upstream.requests.length, seen)
      client.close()
      await eventually('one record', () => dataPlane.log().length === 1)
      t.equal(dataPlane.log()[0]?.error ?? '', error ?? '')
      await eventually('nothing is in flight', () => dataPlane.plane.inFlight === 0)
    })
  }
})
