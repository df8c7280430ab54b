// What does each side see when the other one leaves, answers early, or breaks off?
import t from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { fieldsOf } from '../support/raw-client.ts'
import { okResponse, type UpstreamSide } from '../support/upstream.ts'
import { get, head, response, startPair } from './pair.ts'

// ── the client leaves ───────────────────────────────────────────────────────────────────────────

t.test('a reset by the client cancels the request upstream at once', async (t) => {
  const { dataPlane, upstream, connect } = await startPair(t, { script: {} })
  const client = await connect()
  client.send(get)
  await eventually('the request is upstream', () => upstream.requests.length === 1)
  client.reset()
  await eventually('the upstream is told', () => upstream.connections[0]?.ended !== 'open')
  await eventually('it is logged', () => dataPlane.log().length === 1)
  const [line] = dataPlane.log()
  t.equal(line?.status, 499)
  t.equal(line?.error, 'client-closed')
  t.equal(dataPlane.plane.inFlight, 0)
})

t.test('a client that closes its side still gets its answer', async (t) => {
  const { dataPlane, upstream, clock, connect } = await startPair(t, { script: {} })
  const client = await connect()
  client.send(get)
  client.end()
  await eventually('the request is upstream', () => upstream.requests.length === 1)
  clock.advance(1000)
  upstream.connections[0]?.send(okResponse)
  t.equal((await client.response()).body, 'ok')
  t.equal(await client.whenEnded(), 'fin')
  t.equal(dataPlane.log()[0]?.status, 200)
})

t.test('a client that closed its side and gets nothing is gone after 2 s', async (t) => {
  const { dataPlane, upstream, clock, connect } = await startPair(t, { script: {} })
  const client = await connect()
  client.send(get)
  await eventually('the request is upstream', () => upstream.requests.length === 1)
  client.end()
  await eventually(
    'the upstream is told',
    () => upstream.connections[0]?.ended !== 'open',
    () => clock.advance(100),
  )
  t.ok(clock.now() > 1000, `it had ${clock.now()} ms`)
  await eventually('it is logged', () => dataPlane.log().length === 1)
  t.equal(dataPlane.log()[0]?.status, 499)
})

t.test('a client that leaves within the response cancels it', async (t) => {
  const { dataPlane, upstream, connect } = await startPair(t, {
    script: { onRequest: () => 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst' },
  })
  const client = await connect()
  client.send(get)
  await client.head()
  client.reset()
  await eventually('the upstream is told', () => upstream.connections[0]?.ended !== 'open')
  await eventually('it is logged', () => dataPlane.log().length === 1)
  t.equal(dataPlane.log()[0]?.status, 200, 'the status that the client has seen')
  t.equal(dataPlane.log()[0]?.error, 'client-closed')
})

const halfBodies = [
  { request: `${head('POST / HTTP/1.1', 'Content-Length: 100')}half`, why: 'of a known length' },
  {
    request: `${head('POST / HTTP/1.1', 'Transfer-Encoding: chunked')}4\r\nhalf\r\n`,
    why: 'in chunks',
  },
]

for (const { request, why } of halfBodies) {
  for (const leave of ['end', 'reset'] as const) {
    t.test(`half a body ${why} never looks whole upstream (${leave})`, async (t) => {
      const { upstream, connect } = await startPair(t)
      const client = await connect()
      client.send(request)
      await eventually('half is upstream', () => upstream.text.includes('half'))
      client[leave]()
      await eventually('the upstream is told', () => upstream.connections[0]?.ended !== 'open')
      t.equal(upstream.requests[0]?.complete, false)
    })
  }
}

t.test(
  'a request that its client left is not sent when it was waiting behind another',
  async (t) => {
    const { upstream, connect } = await startPair(t, { script: {} })
    const client = await connect()
    client.send(get + head('DELETE /later HTTP/1.1'))
    await eventually('the first is upstream', () => upstream.requests.length === 1)
    client.reset()
    await eventually('the upstream is told', () => upstream.connections[0]?.ended !== 'open')
    t.equal(upstream.requests.length, 1)
    t.equal(upstream.connectionCount, 1)
  },
)

// ── the upstream breaks off ─────────────────────────────────────────────────────────────────────

const withLength = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome'
const withChunks = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n'
const withClose = 'HTTP/1.1 200 OK\r\n\r\nsome'
const breaks = [
  { begin: withLength, by: 'fin', why: 'fewer bytes than announced' },
  { begin: withLength, by: 'reset', why: 'fewer bytes than announced' },
  { begin: withChunks, by: 'fin', why: 'no last chunk' },
  { begin: withChunks, by: 'reset', why: 'no last chunk' },
  { begin: withChunks, by: 'nonsense', why: 'a chunk size that is none' },
  { begin: withClose, by: 'reset', why: 'a body until the end, ended by a reset' },
] as const

for (const { begin, by, why } of breaks) {
  for (const version of ['HTTP/1.1', 'HTTP/1.0']) {
    t.test(`a cut body is seen by a ${version} client: ${why} (${by})`, async (t) => {
      const { dataPlane, upstream, connect } = await startPair(t, {
        script: { onRequest: () => begin },
      })
      const client = await connect()
      client.send(head(`GET / ${version}`))
      const got = await client.head()
      await client.until(() => got.bodyBytes === 4, 'the body so far')
      breakOff(upstream.connections[0], by)
      const end = await client.whenEnded()
      // Without length and chunks a FIN would say that the body is complete.
      if (got.framing === 'until-close') t.equal(end, 'reset')
      else t.notOk(got.complete)
      await eventually('it is logged', () => dataPlane.log().length === 1)
      t.match(dataPlane.log()[0]?.error, /^upstream-/)
      t.equal(dataPlane.log()[0]?.status, 200)
    })
  }
}

function breakOff(side: UpstreamSide | undefined, by: 'fin' | 'reset' | 'nonsense'): void {
  if (by === 'fin') side?.socket.end()
  if (by === 'reset') side?.socket.resetAndDestroy()
  if (by === 'nonsense') side?.send('zz\r\n')
}

t.test('a body that ends with the connection is whole', async (t) => {
  const { upstream, connect } = await startPair(t, { script: { onRequest: () => withClose } })
  for (const version of ['HTTP/1.1', 'HTTP/1.0']) {
    const client = await connect()
    client.send(head(`GET / ${version}`))
    const got = await client.head()
    upstream.connections.at(-1)?.socket.end()
    if (version === 'HTTP/1.1') {
      await client.until(() => got.complete, 'the last chunk')
      t.equal(got.framing, 'chunked', 'an HTTP/1.1 client can tell it from a cut one')
    } else {
      t.equal(await client.whenEnded(), 'fin')
      t.ok(got.complete)
    }
    t.equal(got.body, 'some')
  }
})

t.test('a response that stalls within its body is cut', async (t) => {
  const { dataPlane, clock, connect } = await startPair(t, {
    script: { onRequest: () => withLength },
  })
  const client = await connect()
  client.send(get)
  const got = await client.head()
  await client.until(() => got.bodyBytes === 4, 'the body so far')
  clock.advance(59_000)
  t.equal(client.ended, 'open')
  clock.advance(1500)
  t.match(await client.whenEnded(), /fin|reset/)
  t.notOk(got.complete)
  t.equal(dataPlane.log()[0]?.error, 'response-timeout')
})

// ── an answer before the request is over ────────────────────────────────────────────────────────

t.test('an early response reaches the client; neither connection is used again', async (t) => {
  const { upstream, connect } = await startPair(t, {
    script: { onHead: (_, side) => side.send(response('403 Forbidden', 'no')) },
  })
  const client = await connect()
  client.send(`${head('POST / HTTP/1.1', 'Content-Length: 1000000')}some`)
  const got = await client.response()
  t.equal(got.status, 403)
  t.equal(got.body, 'no')
  t.same(fieldsOf(got, 'connection'), ['close'])
  client.send('x'.repeat(10_000))
  t.equal(await client.whenEnded(), 'fin')
  await eventually('the upstream connection is closed', () => {
    return upstream.connections[0]?.ended !== 'open'
  })
  t.equal(upstream.requests[0]?.complete, false)
})

t.test('an early response that goes on while the body goes on passes both whole', async (t) => {
  const { upstream, connect } = await startPair(t, {
    script: {
      onHead: (_, side) => side.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'),
      onRequest: () => '3\r\nend\r\n0\r\n\r\n',
    },
  })
  const client = await connect()
  client.send(head('POST / HTTP/1.1', 'Transfer-Encoding: chunked'))
  const got = await client.head()
  client.send('4\r\nsome\r\n')
  await eventually('a part is upstream', () => upstream.text.includes('some'))
  upstream.connections[0]?.send('5\r\nfirst\r\n')
  await client.until(() => got.body === 'first', 'the first part')
  client.send('0\r\n\r\n')
  await client.until(() => got.complete, 'the end')
  t.equal(got.body, 'firstend')
  t.equal(upstream.requests[0]?.body, 'some')
})

const megabyte = 1 << 20

t.test('413 arrives although the client is still sending', async (t) => {
  const { upstream, connect } = await startPair(t, {
    routes: [{ backend: { limits: { maxBodyBytes: 1000 } } }],
  })
  const bodies = [
    { fields: 'Content-Length: 8388608', chunk: Buffer.alloc(megabyte, 'x') },
    {
      fields: 'Transfer-Encoding: chunked',
      chunk: Buffer.from(`100000\r\n${'x'.repeat(megabyte)}\r\n`),
    },
  ]
  for (const { fields, chunk } of bodies) {
    const client = await connect()
    // A client that writes everything before it reads anything.
    client.socket.pause()
    client.send(head('POST / HTTP/1.1', fields))
    for (let count = 0; count < 8; count += 1) client.send(chunk)
    const { socket } = client
    await eventually('the client has sent all', () => socket.writableLength === 0)
    client.socket.resume()
    const got = await client.response()
    t.equal(got.status, 413)
    t.match(got.body, 'body-too-large')
    t.same(fieldsOf(got, 'connection'), ['close'])
    t.equal(await client.whenEnded(), 'fin', 'not by a reset, which could destroy the answer')
  }
  t.ok(upstream.requests.every(({ complete }) => !complete))
})
