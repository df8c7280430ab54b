// Does a request on an HTTP/2 stream pass as one on an HTTP/1.1 connection does, whatever happens to it?
import t from 'tap'
import { okResponse } from '../support/upstream.ts'
import { fieldBlock, flag, frame, type } from './frames.ts'
import { startHttp2Pair } from './pair.ts'
import { plainGet } from './raw-client.ts'

const post = plainGet.map(([name, value]) =>
  name === ':method' ? ([name, 'POST'] as const) : ([name, value] as const),
)

t.test('a request and its response', async (t) => {
  const { open, upstream, dataPlane } = await startHttp2Pair(t)
  const client = await open()
  client.request(1, [...plainGet, ['cookie', 'a=1'], ['x-a', '\xe9'], ['cookie', 'b=2']])
  await client.finished(1)
  t.same(client.statuses(1), [200])
  t.equal(client.body(1), 'ok')
  t.equal(client.resetCode(1), undefined)
  const seen = upstream.requests[0]
  t.same(
    seen?.fields.filter(([name]) => /^(?:cookie|x-a|host)$/i.test(name)),
    [
      ['Host', 'a.test'],
      ['x-a', '\xe9'],
      ['cookie', 'a=1; b=2'],
    ],
    'bytes are kept, and cookies are one line (RFC 9113 §8.2.3)',
  )
  const [line] = dataPlane.log()
  t.match(line, { protocol: 'HTTP/2.0', status: 200, host: 'a.test', bytes_out: 2 })
})

t.test('HTTP/1.1 goes on beside it, on the same port', async (t) => {
  const { connect, open } = await startHttp2Pair(t)
  const plain = await connect()
  const other = await open()
  other.request(1)
  await other.finished(1)
  t.equal((await plain.request('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')).status, 200)
  t.equal(
    (await plain.request('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx')).status,
    200,
  )
})

t.test('a body whose length is told, and one whose length is not', async (t) => {
  const { open, upstream } = await startHttp2Pair(t)
  const client = await open()
  client.request(1, [...post, ['content-length', '5']], false)
  client.data(1, 'hel')
  client.data(1, 'lo', true)
  client.request(3, post, false)
  client.data(3, 'wor')
  client.data(3, 'ld', true)
  await client.finished(1)
  await client.finished(3)
  t.same(upstream.requests.map(({ body, framing }) => [body, framing]).sort(), [
    ['hello', 'length'],
    ['world', 'chunked'],
  ])
})

t.test('many streams at once, each its own exchange', async (t) => {
  const { open, upstream, dataPlane } = await startHttp2Pair(t, {
    script: {
      onRequest: ({ target }) =>
        `HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`,
    },
  })
  const client = await open()
  const ids = Array.from({ length: 100 }, (_, at) => 2 * at + 1)
  for (const id of ids) {
    client.request(
      id,
      plainGet.map(([name, value]) => [name, name === ':path' ? `/${id}` : value] as const),
    )
  }
  for (const id of ids) await client.finished(id)
  t.same(
    ids.map((id) => client.body(id)),
    ids.map((id) => `/${id}`),
  )
  t.equal(upstream.requests.length, 100)
  t.equal(dataPlane.log().length, 100)
  t.equal(dataPlane.counter('weir_connections', { state: 'idle' }), 1, 'one connection of a client')
})

t.test('places are used again, one request after another', async (t) => {
  const { open } = await startHttp2Pair(t)
  const client = await open()
  for (let id = 1; id < 40; id += 2) {
    client.request(id, id % 4 === 1 ? plainGet : post, id % 4 === 1)
    if (id % 4 !== 1) client.data(id, 'x', true)
    await client.finished(id)
    t.same(client.statuses(id), [200])
    t.equal(client.body(id), 'ok')
  }
})

t.test('HEAD has no body, and keeps the length', async (t) => {
  const { open } = await startHttp2Pair(t, {
    script: { onRequest: () => 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n' },
  })
  const client = await open()
  client.request(
    1,
    plainGet.map(([name, value]) => [name, name === ':method' ? 'HEAD' : value] as const),
  )
  await client.finished(1)
  t.same(client.statuses(1), [200])
  t.equal(client.of(1, type.data).length, 0)
  t.equal(client.resetCode(1), undefined)
})

t.test('trailers pass both ways', async (t) => {
  const { open, upstream } = await startHttp2Pair(t, {
    script: {
      onRequest: () =>
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nGrpc-Status: 0\r\nX-Sum: a\r\n\r\n',
    },
  })
  const client = await open()
  client.request(1, [...post, ['te', 'trailers']], false)
  client.data(1, 'hi')
  client.send(
    frame(
      type.headers,
      flag.endHeaders | flag.endStream,
      1,
      fieldBlock([
        ['x-check', 'b'],
        ['authorization', '9'],
      ]),
    ),
  )
  await client.finished(1)
  t.same(
    upstream.requests[0]?.trailers,
    [['x-check', 'b']],
    'without those that mean something in a head',
  )
  t.equal(client.of(1, type.headers).length, 2, 'a head and a trailer section')
  t.equal((client.of(1, type.headers)[1]?.flags ?? 0) & flag.endStream, 1)
  t.equal(client.body(1), 'ok')
})

t.test('interim responses: 100 for who waits for it, and 103', async (t) => {
  const { open } = await startHttp2Pair(t, {
    script: {
      onHead: (_, side) =>
        side.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'),
      onRequest: () => okResponse,
    },
  })
  const client = await open()
  client.request(1, [...post, ['expect', '100-continue']], false)
  await client.until(() => client.statuses(1).includes(100), 'a 100')
  client.data(1, 'x', true)
  await client.finished(1)
  t.same(client.statuses(1), [103, 100, 200])
})

t.test('a response that is cut is reset, and never ends', async (t) => {
  for (const begin of [
    'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
  ]) {
    const { open, dataPlane } = await startHttp2Pair(t, {
      script: {
        onRequest: (_, side) => {
          side.send(begin)
          setTimeout(() => side.socket.destroy(), 50)
          return undefined
        },
      },
    })
    const client = await open()
    client.request(1)
    await client.finished(1)
    t.equal(client.resetCode(1), 2, 'INTERNAL_ERROR')
    t.notOk(client.hasEnded(1))
    t.match(dataPlane.log()[0], { status: 200, error: 'upstream-reset' })
  }
})

t.test('a client that resets its stream is gone: 499, and its upstream is free', async (t) => {
  const { open, upstream, dataPlane } = await startHttp2Pair(t, { script: {} })
  const client = await open()
  client.request(1)
  client.request(3)
  await client.until(() => upstream.requests.length === 2, 'both requests')
  const ended = new Promise((resolve) => upstream.connections[0]?.socket.once('close', resolve))
  client.reset(1)
  await ended
  t.match(dataPlane.log(), [{ status: 499, error: 'client-closed' }])
  t.equal(dataPlane.plane.inFlight, 1)
  upstream.connections[1]?.send(okResponse)
  await client.finished(3)
  t.equal(client.body(3), 'ok', 'the other stream goes on')
})

t.test('a connection that ends takes its streams along', async (t) => {
  for (const end of ['end', 'resetAndDestroy'] as const) {
    const { open, upstream, dataPlane } = await startHttp2Pair(t, { script: {} })
    const client = await open()
    client.request(1)
    client.request(3)
    await client.until(() => upstream.requests.length === 2, 'both requests')
    client.socket[end]()
    await client.whenClosed()
    while (dataPlane.plane.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    t.match(dataPlane.log(), [{ status: 499 }, { status: 499 }])
    t.equal(dataPlane.counter('weir_connections', { state: 'active' }), 0)
    t.equal(dataPlane.counter('weir_connections', { state: 'idle' }), 0)
  }
})

t.test('an answer before the request is whole ends with NO_ERROR', async (t) => {
  const { open } = await startHttp2Pair(t, { routes: [{ host: 'other.test' }] })
  const client = await open()
  client.request(1, [...post, ['content-length', '100000']], false)
  await client.finished(1)
  await client.until(() => client.resetCode(1) !== undefined, 'a reset')
  t.same(client.statuses(1), [404])
  t.ok(client.hasEnded(1), 'the answer is whole (RFC 9113 §8.1)')
  t.equal(client.resetCode(1), 0)
})

t.test(
  'an answer without content that comes early has its end, and its trailers, too',
  async (t) => {
    for (const trailers of ['', 'Grpc-Status: 7\r\n']) {
      const answer = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${trailers}\r\n`
      const { open } = await startHttp2Pair(t, {
        script: { onHead: (_, side) => side.send(answer) },
      })
      const client = await open()
      client.request(1, [...post, ['content-length', '5']], false)
      client.data(1, 'hel')
      await client.until(() => client.resetCode(1) !== undefined, 'a reset')
      t.ok(client.hasEnded(1), 'END_STREAM before the reset')
      t.equal(client.resetCode(1), 0)
      t.equal(client.of(1, type.headers).length, trailers === '' ? 1 : 2)
    }
  },
)
