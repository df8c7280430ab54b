// Does a WebSocket reach an endpoint that speaks HTTP/2? Upstream it is an extended CONNECT (RFC 8441), whatever the client begins with.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { resetStream } from '../../proxy/http2/reset-stream.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { type Http2Script, type SeenRequest, startHttp2 } from '../support/http2-upstream.ts'
import { startInProcess } from '../support/in-process.ts'
import { connectRaw } from '../support/raw-client.ts'
import { openTunnel, upgradeRequest } from '../support/tunnels.ts'
import { connectHttp2, type RawHttp2Client } from './raw-client.ts'

const handshake = [
  [':method', 'CONNECT'],
  [':protocol', 'websocket'],
  [':scheme', 'http'],
  [':path', '/chat'],
  [':authority', 'a.test'],
  ['sec-websocket-version', '13'],
  ['sec-websocket-protocol', 'chat'],
] as const

const key = 'dGhlIHNhbXBsZSBub25jZQ=='
const acceptOf = (key: string) =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

/** Accepts, and sends back what comes. */
function accept({ stream }: SeenRequest): void {
  stream.respond([':status', '200', 'sec-websocket-protocol', 'chat'])
  stream.pipe(stream)
}

async function start(t: Test, script: Http2Script = { onRequest: accept }) {
  const settings = { enableConnectProtocol: true }
  const upstream = await startHttp2({ settings, ...script })
  const dataPlane = await startInProcess({ endpoints: { web: [upstream] }, flags: ['--h2c'] })
  const clients: RawHttp2Client[] = []
  t.teardown(async () => {
    for (const client of clients) client.close()
    await dataPlane.close()
    await upstream.close()
  })
  const open = async () => {
    const client = await connectHttp2(dataPlane.port)
    clients.push(client)
    return client
  }
  return { upstream, dataPlane, open }
}

t.test('a client of HTTP/1.1', async (t) => {
  const { upstream, dataPlane } = await start(t)
  const client = await connectRaw(dataPlane.port)
  t.teardown(() => client.close())
  client.send(upgradeRequest)
  await eventually('the answer', () => client.text.includes('\r\n\r\n'))
  t.match(client.text, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
  t.ok(
    client.text.includes(`\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n`),
    'the answer to its key',
  )
  t.match(client.text, /\r\nupgrade: websocket\r\n/i)
  t.match(client.text, /\r\nsec-websocket-protocol: chat\r\n/i)
  const [seen] = upstream.requests
  t.same(
    [':method', ':protocol', ':path', ':authority'].map((name) => seen?.field(name)),
    ['CONNECT', 'websocket', '/chat', 'a.test'],
  )
  t.equal(seen?.field('sec-websocket-version'), '13')
  for (const name of ['sec-websocket-key', 'upgrade', 'connection', 'content-length']) {
    t.equal(seen?.field(name), undefined, `${name} is of HTTP/1.1`)
  }
  client.send('hello')
  await eventually('the echo', () => client.tunnelled === 'hello')
  t.equal(dataPlane.counter('weir_connections', { protocol: 'HTTP/1.1', state: 'tunnel' }), 1)
  client.socket.end()
  await once(client.socket, 'close')
  t.equal(client.ended, 'fin', 'an orderly end comes back')
  await eventually('it is logged', () => dataPlane.log().length === 1)
  t.match(dataPlane.log(), [{ status: 101, error: '', bytes_in: 5, bytes_out: 5 }])
})

t.test('a client of HTTP/2', async (t) => {
  const { upstream, open } = await start(t)
  const client = await open()
  client.request(1, handshake, false)
  client.data(1, 'early')
  await client.until(() => client.body(1) === 'early', 'what came with the request')
  t.same(client.statuses(1), [200])
  t.equal(upstream.requests[0]?.field(':protocol'), 'websocket')
  t.equal(upstream.requests[0]?.field('sec-websocket-key'), undefined)
  client.data(1, ' bird', true)
  await client.finished(1)
  t.equal(client.body(1), 'early bird')
  t.ok(client.hasEnded(1))
})

t.test('another program’s client takes the handshake', async (t) => {
  const { dataPlane } = await start(t, {
    onRequest: ({ stream }) => {
      stream.respond([':status', '200'])
      // A text frame without a mask, as a server sends it (RFC 6455 §5.2).
      stream.write(Buffer.from([0x81, 2, 0x68, 0x69]))
    },
  })
  const socket = new WebSocket(`ws://127.0.0.1:${dataPlane.port}/chat`, {
    headers: { Host: 'a.test' },
  })
  const [bytes] = await once(socket, 'message')
  t.equal(String(bytes), 'hi')
  socket.terminate()
})

t.test('much goes both ways, and a slow end stops the other', async (t) => {
  const size = 8 << 20
  let sent = 0
  const { dataPlane, upstream } = await start(t, {
    onRequest: ({ stream }) => {
      stream.respond([':status', '200'])
      const part = Buffer.alloc(64 << 10, 'x')
      const send = () => {
        while (sent < size) {
          sent += part.length
          if (!stream.write(part)) {
            stream.once('drain', send)
            return
          }
        }
        stream.end()
      }
      send()
      stream.resume()
    },
  })
  const peer = await openTunnel(dataPlane.port)
  await eventually('the endpoint sends', () => sent > 0)
  await new Promise((resolve) => setTimeout(resolve, 300))
  t.ok(sent < size, `the endpoint waits: ${sent} of ${size}`)
  peer.socket.write(Buffer.alloc(1 << 20, 'y'))
  peer.collect()
  await eventually('all of it', () => peer.received === size)
  await eventually('the end', () => peer.isOver)
  t.ok(peer.hasEnded)
  t.equal(upstream.requests.length, 1)
  peer.socket.end()
})

t.test('an endpoint that resets is a reset for the client', async (t) => {
  const streams: SeenRequest['stream'][] = []
  const { dataPlane, open } = await start(t, {
    onRequest: ({ stream }) => {
      stream.respond([':status', '200'])
      streams.push(stream)
    },
  })
  const peer = await openTunnel(dataPlane.port)
  peer.collect()
  const client = await open()
  client.request(1, handshake, false)
  await client.until(() => client.statuses(1).length === 1, 'the tunnel')
  for (const stream of streams) resetStream(stream, 8)
  await eventually('the reset', () => peer.isClosed)
  t.equal(peer.errorCode, 'ECONNRESET')
  await client.finished(1)
  t.equal(client.resetCode(1), 8)
})

t.test(
  'a client that goes away is a reset for the endpoint, and its session goes on',
  async (t) => {
    const codes: number[] = []
    const { dataPlane, upstream } = await start(t, {
      onRequest: ({ stream, field }) => {
        stream.respond([':status', '200'])
        if (field(':protocol') === undefined) stream.end('ok')
        else stream.on('close', () => codes.push(stream.rstCode))
        stream.resume()
      },
    })
    const peer = await openTunnel(dataPlane.port)
    peer.socket.resetAndDestroy()
    await eventually('the endpoint hears', () => codes.length === 1)
    t.same(codes, [8], 'CANCEL')
    const client = await connectRaw(dataPlane.port)
    t.teardown(() => client.close())
    t.equal((await client.request('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')).body, 'ok')
    t.equal(upstream.sessions.length, 1, 'over the same connection')
  },
)

const refusals = [
  {
    script: { settings: { enableConnectProtocol: false }, onRequest: accept },
    status: 502,
    error: 'protocol-unsupported',
    asked: 0,
    why: 'its SETTINGS do not allow it: it is not asked, and not thought to be ill',
  },
  {
    script: {
      onRequest: ({ stream }: SeenRequest) => {
        stream.respond([':status', '403', 'content-length', '2'])
        stream.end('no')
      },
    },
    ...{ status: 403, error: '', asked: 1 },
    why: 'a refusal passes, with its body',
  },
  {
    script: {
      onRequest: ({ stream }: SeenRequest) => {
        stream.respond([':status', '302', 'location', '/login'], { endStream: true })
      },
    },
    ...{ status: 302, error: '', asked: 1 },
    why: 'a redirect, too',
  },
]

for (const { script, status, error, asked, why } of refusals) {
  t.test(`an endpoint that does not accept: ${why}`, async (t) => {
    const { dataPlane, upstream, open } = await start(t, script)
    const raw = await connectRaw(dataPlane.port)
    t.teardown(() => raw.close())
    t.equal((await raw.request(upgradeRequest)).status, status, 'HTTP/1.1')
    const client = await open()
    client.request(1, handshake, false)
    await client.finished(1)
    t.same(client.statuses(1), [status], 'HTTP/2')
    t.equal(upstream.requests.length, 2 * asked)
    t.match(dataPlane.log(), [
      { status, error, retries: 0 },
      { status, error, retries: 0 },
    ])
    t.equal(dataPlane.counter('weir_upstream_errors_total', { code: 'protocol-unsupported' }), 0)
  })
}
