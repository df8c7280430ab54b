// When does a connection serve another request? Keep-alive on both sides, HTTP/1.0 clients, responses without bodies, pipelining.
import t from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { fieldsOf } from '../support/raw-client.ts'
import { okResponse } from '../support/upstream.ts'
import { get, head, response, startPair } from './pair.ts'

t.test('one client connection and one upstream connection serve many requests', async (t) => {
  const { dataPlane, upstream, connect } = await startPair(t)
  const client = await connect()
  for (let request = 0; request < 5; request += 1) {
    t.equal((await client.request(get)).body, 'ok')
  }
  t.equal(upstream.connectionCount, 1)
  t.equal(upstream.requests.length, 5)
  t.equal(dataPlane.counter('weir_upstream_connections', { state: 'idle' }), 1)
  t.equal(dataPlane.counter('weir_upstream_connections', { state: 'busy' }), 0)
  t.equal(dataPlane.counter('weir_connections', { state: 'idle' }), 1)
})

t.test('clients that come one after another share the upstream connection', async (t) => {
  const { upstream, connect } = await startPair(t)
  for (let request = 0; request < 5; request += 1) {
    const client = await connect()
    await client.request(get)
    client.close()
  }
  t.equal(upstream.connectionCount, 1)
})

t.test('requests at the same time have upstream connections of their own', async (t) => {
  const { dataPlane, upstream, connect } = await startPair(t, { script: {} })
  const clients = await Promise.all([connect(), connect(), connect()])
  for (const client of clients) client.send(get)
  await eventually('three requests upstream', () => upstream.requests.length === 3)
  t.equal(dataPlane.counter('weir_upstream_connections', { state: 'busy' }), 3)
  for (const side of upstream.connections) side.send(okResponse)
  for (const client of clients) t.equal((await client.response()).body, 'ok')
  t.equal(dataPlane.counter('weir_upstream_connections', { state: 'idle' }), 3)
})

const endings = [
  { answer: response('200 OK', 'ok', 'Connection: close'), why: 'the upstream says close' },
  { answer: 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', why: 'HTTP/1.0 closes' },
  { answer: `${okResponse}HTTP/1.1 200 OK\r\n`, why: 'bytes behind the response' },
  { answer: response('200 OK', 'ok', 'Keep-Alive: timeout=1'), why: 'its promise is too short' },
]

for (const { answer, why } of endings) {
  t.test(`an upstream connection is not used again: ${why}`, async (t) => {
    const { upstream, clock, connect } = await startPair(t, { script: { onRequest: () => answer } })
    const client = await connect()
    for (let request = 0; request < 3; request += 1) {
      t.equal((await client.request(get)).body, 'ok')
      clock.advance(200)
    }
    t.equal(upstream.connectionCount, 3)
    t.same(
      upstream.connections.map((side) => side.requests.length),
      [1, 1, 1],
    )
  })
}

const keepings = [
  {
    answer: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok',
    why: '1.0',
  },
  { answer: response('200 OK', 'ok', 'Connection: Keep-Alive'), why: 'in another case' },
  { answer: response('200 OK', 'ok', 'Keep-Alive: timeout=5, max=100'), why: 'with a promise' },
  {
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    why: 'chunks',
  },
]

for (const { answer, why } of keepings) {
  t.test(`an upstream connection is used again: keep-alive ${why}`, async (t) => {
    const { upstream, connect } = await startPair(t, { script: { onRequest: () => answer } })
    const client = await connect()
    for (let request = 0; request < 3; request += 1) {
      t.equal((await client.request(get)).body, 'ok')
    }
    t.equal(upstream.connectionCount, 1)
  })
}

t.test('an idle upstream connection ages out', async (t) => {
  const { upstream, clock, connect } = await startPair(t)
  const client = await connect()
  await client.request(get)
  clock.advance(4200)
  await eventually('it is closed', () => upstream.connections[0]?.ended !== 'open')
  t.equal((await client.request(get)).status, 200)
  t.equal(upstream.connectionCount, 2)
})

t.test('an idle upstream connection that its server closed fails nobody', async (t) => {
  const { dataPlane, upstream, connect } = await startPair(t)
  const client = await connect()
  await client.request(get)
  upstream.connections[0]?.socket.end()
  await eventually('the data plane noticed', () => {
    return dataPlane.counter('weir_upstream_connections', { state: 'idle' }) === 0
  })
  t.equal((await client.request(get)).status, 200)
  t.equal(dataPlane.log().at(-1)?.retries, 0)
})

t.test('an idle client connection is closed after its time, not before', async (t) => {
  const { clock, connect } = await startPair(t, { flags: ['--keep-alive-timeout-ms', '10000'] })
  const client = await connect()
  await client.request(get)
  clock.advance(9800)
  t.equal((await client.request(get)).status, 200)
  clock.advance(10_200)
  t.equal(await client.whenEnded(), 'fin')
})

const clients = [
  { request: get, isKept: true, field: [], why: 'HTTP/1.1 keeps' },
  {
    request: head('GET / HTTP/1.1', 'Connection: close'),
    isKept: false,
    field: ['close'],
    why: 'the client says close',
  },
  {
    request: head('GET / HTTP/1.1', 'Connection: keep-alive, Close'),
    isKept: false,
    field: ['close'],
    why: 'close wins, in any case',
  },
  { request: head('GET / HTTP/1.0'), isKept: false, field: ['close'], why: 'HTTP/1.0 closes' },
  {
    request: head('GET / HTTP/1.0', 'Connection: Keep-Alive'),
    isKept: true,
    field: ['keep-alive'],
    why: 'HTTP/1.0 keeps when both say so',
  },
]

for (const { request, isKept, field, why } of clients) {
  t.test(`client connection: ${why}`, async (t) => {
    const { upstream, connect } = await startPair(t)
    const client = await connect()
    const first = await client.request(request)
    t.same(fieldsOf(first, 'connection'), field)
    t.equal(first.body, 'ok')
    if (isKept) t.equal((await client.request(request)).status, 200)
    else t.equal(await client.whenEnded(), 'fin')
    t.equal(upstream.connectionCount, 1, 'what the client wants does not close the upstream')
    t.match(upstream.text, /^GET \/ HTTP\/1\.1\r\n/, 'the upstream is asked in HTTP/1.1')
  })
}

t.test('an HTTP/1.0 client gets no chunks: the body ends with the connection', async (t) => {
  const chunks = '5\r\nhello\r\n6\r\n world\r\n0\r\nX-End: 1\r\n\r\n'
  const answer = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`
  const { connect } = await startPair(t, { script: { onRequest: () => answer } })
  const client = await connect()
  const got = await client.request(head('GET / HTTP/1.0', 'Connection: keep-alive', 'TE: trailers'))
  t.equal(got.body, 'hello world')
  t.same(fieldsOf(got, 'transfer-encoding'), [])
  t.same(fieldsOf(got, 'connection'), ['close'])
  t.equal(await client.whenEnded(), 'fin')
  t.notMatch(client.text, 'X-End')
})

t.test('an HTTP/1.0 client without Host is served by rules for any host', async (t) => {
  const { upstream, connect } = await startPair(t, { routes: [{ host: '' }] })
  const client = await connect()
  t.equal((await client.request('GET /old HTTP/1.0\r\n\r\n')).status, 200)
  const [request] = upstream.requests
  t.equal(request?.target, '/old')
  t.same(fieldsOf(request ?? { fields: [] }, 'host'), [`127.0.0.1:${upstream.port}`])
})

const bodiless = [
  {
    method: 'HEAD',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: "x"\r\n\r\n',
    status: 200,
    length: ['1000'],
    why: 'HEAD says how long the body would be',
  },
  {
    method: 'HEAD',
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    status: 200,
    length: [],
    why: 'HEAD of a chunked body',
  },
  {
    method: 'HEAD',
    answer: 'HTTP/1.1 200 OK\r\n\r\n',
    status: 200,
    length: [],
    why: 'HEAD without any framing',
  },
  {
    method: 'GET',
    answer: 'HTTP/1.1 204 No Content\r\n\r\n',
    status: 204,
    length: [],
    why: '204 has no body',
  },
  {
    method: 'GET',
    answer: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n',
    status: 304,
    length: ['1000'],
    why: '304 has no body, whatever its length says',
  },
  {
    method: 'POST',
    answer: 'HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n',
    status: 201,
    length: ['0'],
    why: 'a body of no bytes',
  },
]

for (const { method, answer, status, length, why } of bodiless) {
  t.test(`${status} to ${method}: ${why}`, async (t) => {
    const { upstream, connect } = await startPair(t, { script: { onRequest: () => answer } })
    const client = await connect()
    const fields = method === 'POST' ? ['Content-Length: 0'] : []
    for (let request = 0; request < 2; request += 1) {
      const got = await client.request(head(`${method} / HTTP/1.1`, ...fields))
      t.equal(got.status, status)
      t.equal(got.body, '')
      t.same(fieldsOf(got, 'content-length'), length)
      t.same(fieldsOf(got, 'transfer-encoding'), [])
    }
    t.equal(upstream.connectionCount, 1, 'both connections go on')
  })
}

t.test('pipelined requests are answered in order, one at a time', async (t) => {
  const { upstream, connect } = await startPair(t, { script: {} })
  const client = await connect()
  client.send(['/1', '/2', '/3'].map((path) => head(`GET ${path} HTTP/1.1`)).join(''))
  for (const path of ['/1', '/2', '/3']) {
    await eventually(`${path} upstream`, () => upstream.requests.at(-1)?.target === path)
    t.equal(upstream.connectionCount, 1, 'the next one waits for its turn')
    upstream.connections[0]?.send(response('200 OK', path))
    t.equal((await client.response()).body, path)
  }
})

t.test('pipelined requests with bodies are cut at the right byte', async (t) => {
  const { upstream, connect } = await startPair(t)
  const client = await connect()
  const parts = [
    `${head('POST /1 HTTP/1.1', 'Content-Length: 5')}hello`,
    `${head('POST /2 HTTP/1.1', 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`,
    '\r\n',
    head('GET /3 HTTP/1.1'),
  ]
  const whole = parts.join('')
  for (const cut of [whole.length, 1, 7, 60]) {
    const before = upstream.requests.length
    const pieces = []
    for (let at = 0; at < whole.length; at += cut) pieces.push(whole.slice(at, at + cut))
    await client.sendParts(pieces)
    for (let count = 0; count < 3; count += 1) t.equal((await client.response()).status, 200)
    t.same(
      upstream.requests.slice(before).map(({ target, body }) => [target, body]),
      [
        ['/1', 'hello'],
        ['/2', 'abc'],
        ['/3', ''],
      ],
    )
  }
})

t.test('while draining each response closes its connection', async (t) => {
  const { dataPlane, connect } = await startPair(t)
  const client = await connect()
  t.same(fieldsOf(await client.request(get), 'connection'), [])
  dataPlane.plane.drain()
  t.same(fieldsOf(await client.request(get), 'connection'), ['close'])
  t.equal(await client.whenEnded(), 'fin')
})
