// Does a WebSocket pass that begins with an extended CONNECT (RFC 8441)? Upstream it is an upgrade of HTTP/1.1.
import t from 'tap'
import { type as kinds } from './frames.ts'
import { startHttp2Pair } from './pair.ts'
import { plainGet } from './raw-client.ts'

const handshake = [
  [':method', 'CONNECT'],
  [':protocol', 'websocket'],
  [':scheme', 'http'],
  [':path', '/chat'],
  [':authority', 'a.test'],
  ['sec-websocket-version', '13'],
] as const

const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n'

t.test('the handshake, bytes both ways, and an orderly end', async (t) => {
  const { open, upstream, dataPlane } = await startHttp2Pair(t, {
    script: { onRequest: () => `${switching}hello` },
  })
  const client = await open()
  client.request(1, handshake, false)
  client.data(1, 'early')
  await client.until(() => client.body(1) === 'hello', 'what came behind the 101')
  t.same(client.statuses(1), [200])
  const [side] = upstream.connections
  const request = upstream.requests[0]
  t.equal(request?.method, 'GET')
  t.equal(request?.target, '/chat')
  const seen = new Map(request?.fields.map(([name, value]) => [name.toLowerCase(), value]))
  t.equal(seen.get('upgrade'), 'websocket')
  t.equal(seen.get('connection'), 'upgrade')
  t.match(seen.get('sec-websocket-key'), /^[A-Za-z0-9+/]{22}==$/)
  t.equal(dataPlane.counter('weir_connections', { state: 'tunnel' }), 1)
  client.data(1, ' bird')
  await client.until(() => side?.text.endsWith('early bird') === true, 'what the client sent')
  side?.send(' and good bye')
  await client.until(() => client.body(1) === 'hello and good bye', 'more')
  client.data(1, '', true)
  await client.until(() => side?.ended === 'fin', 'the end upstream')
  await client.finished(1)
  t.ok(client.hasEnded(1))
  t.equal(dataPlane.log().at(-1)?.status, 101)
})

t.test('an upstream that resets is a reset for the client', async (t) => {
  const { open, upstream } = await startHttp2Pair(t, { script: { onRequest: () => switching } })
  const client = await open()
  client.request(1, handshake, false)
  await client.until(() => client.statuses(1).length === 1, 'the tunnel')
  upstream.connections[0]?.socket.resetAndDestroy()
  await client.finished(1)
  t.equal(client.resetCode(1), 8, 'CANCEL (RFC 8441 §5)')
  t.notOk(client.hasEnded(1))
})

t.test(
  'a client that resets its stream resets the upstream, and its connection goes on',
  async (t) => {
    const { open, upstream } = await startHttp2Pair(t, {
      script: {
        onRequest: ({ target }) =>
          target === '/chat' ? switching : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      },
    })
    const client = await open()
    client.request(1, handshake, false)
    await client.until(() => client.statuses(1).length === 1, 'the tunnel')
    client.reset(1)
    const [side] = upstream.connections
    while (side?.ended === 'open') await new Promise((resolve) => setTimeout(resolve, 10))
    t.equal(side?.ended, 'reset')
    client.request(3)
    await client.finished(3)
    t.equal(client.body(3), 'ok')
  },
)

t.test('a slow end stops the other: flow control goes through the tunnel', async (t) => {
  const { open, upstream } = await startHttp2Pair(t, { script: { onRequest: () => switching } })
  const client = await open()
  client.request(1, handshake, false)
  await client.until(() => client.statuses(1).length === 1, 'the tunnel')
  const [side] = upstream.connections
  const bytes = Buffer.alloc(8 << 20, 'x')
  let isTaken = false
  side?.socket.write(bytes, () => {
    isTaken = true
  })
  await client.until(() => client.bodyBytes(1) === 65_535, 'one window')
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.equal(client.bodyBytes(1), 65_535, 'no more than the client allowed')
  t.notOk(isTaken, 'the upstream waits')
  client.grant(0, 8 << 20)
  client.grant(1, 8 << 20)
  await client.until(() => client.bodyBytes(1) === bytes.length, 'the rest')
  t.ok(isTaken)
})

const refusals = [
  {
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno',
    status: 502,
    why: 'a 200 without a switch must not look like a tunnel',
  },
  {
    answer: 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno',
    status: 403,
    why: 'a refusal passes',
  },
]

for (const { answer, status, why } of refusals) {
  t.test(`an upstream that does not switch: ${why}`, async (t) => {
    const { open } = await startHttp2Pair(t, { script: { onRequest: () => answer } })
    const client = await open()
    client.request(1, handshake, false)
    await client.finished(1)
    t.same(client.statuses(1), [status])
    t.equal(client.of(1, kinds.data).length, 0)
  })
}

const others = [
  {
    fields: handshake.filter(
      ([name]) =>
        !name.startsWith('sec-') && name !== ':protocol' && name !== ':scheme' && name !== ':path',
    ),
    status: 405,
    why: 'a plain CONNECT',
  },
  {
    fields: handshake.map(
      ([name, value]) => [name, name === ':protocol' ? 'connect-udp' : value] as const,
    ),
    status: 405,
    why: 'another protocol',
  },
]

for (const { fields, status, why } of others) {
  t.test(`refused: ${why}`, async (t) => {
    const { open, upstream } = await startHttp2Pair(t)
    const client = await open()
    client.request(1, fields, false)
    await client.finished(1)
    t.same(client.statuses(1), [status])
    client.request(3, plainGet)
    await client.finished(3)
    t.equal(upstream.requests.length, 1, 'only the other request came through')
  })
}
