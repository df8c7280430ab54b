// WebSocket and other upgrades through a data plane, over real sockets: who gets a tunnel, and what a tunnel does to bytes.
// Sources: RFC 6455 §4, RFC 9110 §7.8, RFC 9112 §9.3.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { eventually } from '../shared/testing/eventually.ts'
import { ManualClock } from '../shared/testing/manual-clock.ts'
import { type InProcess, type InProcessOptions, startInProcess } from './support/in-process.ts'
import { untilQuiet, untilStill } from './support/quiet.ts'
import { cutOddly, seededBytes, seededRandom } from './support/random-bytes.ts'
import { connectRaw, fieldsOf } from './support/raw-client.ts'
import {
  openTunnel,
  type SwitchingUpstream,
  startSwitching,
  switching,
  type TunnelPeer,
  upgradeRequest,
} from './support/tunnels.ts'
import { okResponse, startScripted } from './support/upstream.ts'

const head = (...lines: readonly string[]) => `${lines.join('\r\n')}\r\n\r\n`

/** A data plane in front of one upstream; both end with the test, and nothing may be left of its traffic. */
async function proxyTo(
  t: Test,
  upstream: { readonly address: string; readonly port: number; close(): Promise<void> },
  options: InProcessOptions = {},
): Promise<InProcess> {
  const proxy = await startInProcess({ endpoints: { web: [upstream] }, ...options })
  t.teardown(async () => {
    await proxy.close()
    await upstream.close()
  })
  return proxy
}

interface Pair {
  readonly client: TunnelPeer
  readonly upstream: TunnelPeer
}

async function openPair(proxy: InProcess, upstream: SwitchingUpstream): Promise<Pair> {
  const at = upstream.peers.length
  const client = await openTunnel(proxy.port)
  const peer = upstream.peers[at]
  if (peer === undefined) throw new Error('the upstream has no tunnel')
  return { client, upstream: peer }
}

// ── who gets a tunnel ───────────────────────────────────────────────────────────────────────────

const requests = [
  {
    why: 'the plain case',
    request: head(
      'GET / HTTP/1.1',
      'Host: a.test',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: k',
    ),
    asked: ['websocket'],
  },
  {
    why: 'Connection is a list (Firefox sends keep-alive first)',
    request: head(
      'GET / HTTP/1.1',
      'Host: a.test',
      'Connection: keep-alive, Upgrade',
      'Upgrade: websocket',
    ),
    asked: ['websocket'],
  },
  {
    why: 'Connection may come in two lines',
    request: head(
      'GET / HTTP/1.1',
      'Host: a.test',
      'Connection: keep-alive',
      'Connection: upgrade',
      'Upgrade: websocket',
    ),
    asked: ['websocket'],
  },
  {
    why: 'names of protocols and options have no case',
    request: head('GET / HTTP/1.1', 'Host: a.test', 'CONNECTION: UPGRADE', 'upgrade: WebSocket'),
    asked: ['websocket'],
  },
  {
    why: 'of several protocols only the allowed one is asked for',
    request: head(
      'GET / HTTP/1.1',
      'Host: a.test',
      'Connection: Upgrade',
      'Upgrade: h2c, websocket',
    ),
    asked: ['websocket'],
  },
  {
    why: 'without the Connection option nothing is upgraded',
    request: head('GET / HTTP/1.1', 'Host: a.test', 'Upgrade: websocket'),
    asked: [],
  },
  {
    why: 'h2c would be a way around every rule of the proxy',
    request: head(
      'GET / HTTP/1.1',
      'Host: a.test',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
    ),
    asked: [],
  },
  {
    why: 'a WebSocket begins with GET (RFC 6455 §4.1)',
    request: head(
      'POST / HTTP/1.1',
      'Host: a.test',
      'Content-Length: 0',
      'Connection: Upgrade',
      'Upgrade: websocket',
    ),
    asked: [],
  },
  {
    why: 'a request with a body may ask, too (RFC 9110 §7.8)',
    request: `${head(
      'GET / HTTP/1.1',
      'Host: a.test',
      'Content-Length: 3',
      'Connection: Upgrade',
      'Upgrade: websocket',
    )}abc`,
    asked: ['websocket'],
  },
  {
    why: 'HTTP/1.0 knows no upgrade (RFC 9110 §7.8)',
    request: head('GET / HTTP/1.0', 'Host: a.test', 'Connection: Upgrade', 'Upgrade: websocket'),
    asked: [],
  },
]

t.test('which requests ask the upstream for another protocol', async (t) => {
  const upstream = await startScripted({
    onRequest: (request) => (fieldsOf(request, 'upgrade').length > 0 ? switching : okResponse),
  })
  const proxy = await proxyTo(t, upstream)
  for (const { why, request, asked } of requests) {
    t.test(`${why}: ${asked.length > 0 ? 'tunnel' : 'plain HTTP'}`, async (t) => {
      const client = await connectRaw(proxy.port)
      t.equal((await client.request(request)).status, asked.length > 0 ? 101 : 200)
      const seen = upstream.requests.at(-1)
      t.same(seen === undefined ? undefined : fieldsOf(seen, 'upgrade'), asked)
      t.same(seen === undefined ? undefined : fieldsOf(seen, 'http2-settings'), [])
      client.close()
      await untilQuiet(proxy)
    })
  }
})

t.test('fields of the handshake pass both ways, those of one hop do not', async (t) => {
  const upstream = await startScripted({
    onRequest: () =>
      head(
        'HTTP/1.1 101 Switching Protocols',
        'Upgrade: websocket',
        'Connection: upgrade, X-Hop',
        'X-Hop: 1',
        'Keep-Alive: timeout=5',
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
        'Sec-WebSocket-Protocol: chat',
        'Set-Cookie: a=1',
        'Set-Cookie: b=2',
      ),
  })
  const proxy = await proxyTo(t, upstream)
  const client = await connectRaw(proxy.port)
  const response = await client.request(
    head(
      'GET /chat?x=1 HTTP/1.1',
      'Host: a.test',
      'Connection: Upgrade, X-Mine',
      'X-Mine: 1',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: chat, superchat',
      'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
      'Origin: http://a.test',
      'Cookie: s=1',
      'Authorization: Basic eDp5',
    ),
  )
  t.same(fieldsOf(response, 'connection'), ['Upgrade'])
  t.same(fieldsOf(response, 'upgrade'), ['websocket'])
  t.same(fieldsOf(response, 'sec-websocket-accept'), ['s3pPLMBiTxaQ9kYGzzhZRbK+xOo='])
  t.same(fieldsOf(response, 'sec-websocket-protocol'), ['chat'])
  t.same(fieldsOf(response, 'set-cookie'), ['a=1', 'b=2'])
  t.same(fieldsOf(response, 'x-hop'), [], 'what Connection lists ends here')
  t.same(fieldsOf(response, 'keep-alive'), [])
  t.same(fieldsOf(response, 'content-length'), [], 'a 101 has no body')
  const seen = upstream.requests[0]
  if (seen === undefined) throw new Error('no request came')
  t.equal(seen.target, '/chat?x=1')
  const rows = [
    ['connection', 'upgrade'],
    ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
    ['sec-websocket-version', '13'],
    ['sec-websocket-protocol', 'chat, superchat'],
    ['sec-websocket-extensions', 'permessage-deflate; client_max_window_bits'],
    ['origin', 'http://a.test'],
    ['cookie', 's=1'],
    ['authorization', 'Basic eDp5'],
    ['x-forwarded-for', '127.0.0.1'],
  ] as const
  for (const [name, value] of rows) t.same(fieldsOf(seen, name), [value], name)
  t.same(fieldsOf(seen, 'x-mine'), [])
  client.close()
  await untilQuiet(proxy)
})

const plain = head('GET / HTTP/1.1', 'Host: a.test')

const refusals = [
  { why: 'nobody asked', request: plain, answer: switching },
  {
    why: 'another protocol than the one asked for',
    request: upgradeRequest,
    answer: head('HTTP/1.1 101 Switching Protocols', 'Upgrade: h2c', 'Connection: Upgrade'),
  },
  {
    why: 'no Upgrade field',
    request: upgradeRequest,
    answer: head('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade'),
  },
  {
    why: 'no Connection: Upgrade',
    request: upgradeRequest,
    answer: head('HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket'),
  },
  {
    why: 'two protocols at once',
    request: upgradeRequest,
    answer: head(
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket, h2c',
      'Connection: Upgrade',
    ),
  },
]

for (const { why, request, answer } of refusals) {
  t.test(`a 101 is a broken response when it brings ${why}`, async (t) => {
    let isBroken = true
    const upstream = await startScripted({ onRequest: () => (isBroken ? answer : okResponse) })
    const proxy = await proxyTo(t, upstream)
    const client = await connectRaw(proxy.port)
    const response = await client.request(request)
    t.equal(response.status, 502)
    t.match(response.body, 'upstream-malformed')
    t.notMatch(client.text, 'HTTP/1.1 101')
    await eventually('the upstream connection is closed', () => {
      return upstream.connections[0]?.ended !== 'open'
    })
    isBroken = false
    t.equal((await client.request(plain)).status, 200, 'the client may go on')
    t.equal(upstream.connectionCount, 2, 'on a connection of its own')
    client.close()
    await untilQuiet(proxy)
    t.same(
      proxy.log().map(({ status, error }) => [status, error]),
      [
        [502, 'upstream-malformed'],
        [200, ''],
      ],
    )
  })
}

const answers = [
  { status: 200, answer: okResponse },
  { status: 204, answer: 'HTTP/1.1 204 No Content\r\n\r\n' },
  { status: 302, answer: 'HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n' },
  { status: 401, answer: 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nauth' },
  {
    status: 426,
    answer:
      'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nno',
  },
  {
    status: 503,
    answer:
      'HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbusy\r\n0\r\n\r\n',
  },
]

for (const { status, answer } of answers) {
  t.test(`an upgrade that is answered with ${status} stays HTTP`, async (t) => {
    const upstream = await startScripted({
      onRequest: (request) => (request.target === '/chat' ? answer : okResponse),
    })
    const proxy = await proxyTo(t, upstream)
    const client = await connectRaw(proxy.port)
    // What follows in the same packet is the next request, whatever the client had hoped for.
    const second = head('GET /next HTTP/1.1', 'Host: none.test')
    client.send(upgradeRequest + second)
    t.equal((await client.response()).status, status)
    t.equal((await client.response()).status, 404, 'the next request is read by the proxy')
    t.same(
      upstream.requests.map(({ target }) => target),
      ['/chat'],
    )
    t.equal(client.malformed, undefined)
    t.equal(proxy.counter('weir_connections', { state: 'tunnel' }), 0)
    client.close()
    await untilQuiet(proxy)
  })
}

t.test('interim responses come before a 101 as before any other response', async (t) => {
  const upstream = await startScripted({
    onRequest: () => `HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n${switching}`,
  })
  const proxy = await proxyTo(t, upstream)
  const client = await connectRaw(proxy.port)
  t.equal((await client.request(upgradeRequest)).status, 101)
  t.same(
    client.responses.map(({ status }) => status),
    [103, 101],
  )
  client.close()
  await untilQuiet(proxy)
})

t.test('protocols named by a flag are tunnelled, others are not', async (t) => {
  const upstream = await startScripted({
    onRequest: (request) => {
      const [protocol] = fieldsOf(request, 'upgrade')
      return protocol === undefined ? okResponse : switching.replace('websocket', protocol)
    },
  })
  const proxy = await proxyTo(t, upstream, { flags: ['--upgrade-protocols', 'spdy/3.1'] })
  for (const [protocol, status] of [
    ['SPDY/3.1', 101],
    ['websocket', 200],
  ] as const) {
    const client = await connectRaw(proxy.port)
    const request = upgradeRequest.replace('Upgrade: websocket', `Upgrade: ${protocol}`)
    t.equal((await client.request(request)).status, status, protocol)
    client.close()
  }
  await untilQuiet(proxy)
})

// ── what a tunnel does to bytes ─────────────────────────────────────────────────────────────────

t.test('bytes that come with the handshake arrive, from both sides', async (t) => {
  const upstream = await startSwitching((peer) => void peer.collect(), `${switching}from upstream`)
  const proxy = await proxyTo(t, upstream)
  const client = await openTunnel(proxy.port, `${upgradeRequest}from client`)
  client.collect()
  const [peer] = upstream.peers
  await eventually('both have the early bytes', () => {
    return client.text === 'from upstream' && peer?.text === 'from client'
  })
  client.socket.write(' and more')
  peer?.socket.write(' and more')
  await eventually('both have what followed', () => {
    return client.text === 'from upstream and more' && peer?.text === 'from client and more'
  })
  t.pass('in order')
  client.socket.resetAndDestroy()
  await untilQuiet(proxy)
})

t.test('a side that has ended still gets all that the other sends', async (t) => {
  const size = 3 << 20
  const upstream = await startSwitching()
  const proxy = await proxyTo(t, upstream)
  for (const ending of ['client', 'upstream'] as const) {
    const pair = await openPair(proxy, upstream)
    pair.client.collect()
    const first = ending === 'client' ? pair.client : pair.upstream
    const second = ending === 'client' ? pair.upstream : pair.client
    first.socket.end('last words')
    await eventually('the FIN is passed on', () => second.hasEnded)
    t.equal(second.text, 'last words')
    t.notOk(first.hasEnded, `${ending} ended: the other direction is still open`)
    second.socket.end(seededBytes(seededRandom(7), size))
    await eventually('the other direction ends, too', () => first.hasEnded)
    t.equal(first.received, size, 'every byte arrived')
    await untilQuiet(proxy)
    t.same([first.errorCode, second.errorCode], [undefined, undefined], 'no reset')
  }
})

t.test('a client that ends its side right behind the handshake is understood', async (t) => {
  // The upstream answers only when the FIN has reached the proxy.
  let side: { send(text: string): void } | undefined
  const upstream = await startScripted({
    onHead: (_, connection) => {
      side = connection
    },
  })
  const proxy = await proxyTo(t, upstream)
  const client = await connectRaw(proxy.port)
  client.send(`${upgradeRequest}bye`)
  client.end()
  await eventually('the request came', () => side !== undefined)
  await new Promise((resolve) => setTimeout(resolve, 50))
  side?.send(`${switching}answer`)
  await client.until(() => client.tunnelled === 'answer', 'the answer')
  await eventually('the upstream has the bytes and the FIN', () => {
    const [connection] = upstream.connections
    return connection?.ended === 'fin' && connection.text.endsWith('\r\n\r\nbye')
  })
  t.equal(await client.whenEnded(), 'fin')
  await untilQuiet(proxy)
})

for (const sender of ['client', 'upstream'] as const) {
  t.test(`a reader that stops, stops the ${sender} that sends to it`, async (t) => {
    const total = 96 << 20
    const upstream = await startSwitching(() => undefined)
    const proxy = await proxyTo(t, upstream)
    const pair = await openPair(proxy, upstream)
    const from = sender === 'client' ? pair.client : pair.upstream
    const to = sender === 'client' ? pair.upstream : pair.client
    const part = Buffer.alloc(1 << 20, 'x')
    const sent = from.sendAll(Array.from({ length: total >> 20 }, () => part))
    await untilStill('the sender', () => from.socket.bytesWritten)
    // The rest is in the buffers of two loopback connections, which the kernel lets grow to some MiB each.
    t.ok(from.socket.bytesWritten < total / 2, `${from.socket.bytesWritten} bytes were taken`)
    let received = 0
    to.socket.on('data', (bytes: Buffer) => {
      received += bytes.length
    })
    to.socket.resume()
    await sent
    await eventually('all arrived', () => received === total, undefined, 30_000)
    t.equal(received, total)
    from.socket.resetAndDestroy()
    await untilQuiet(proxy)
  })
}

t.test('random bytes in odd pieces arrive unchanged, both ways at once', async (t) => {
  const upstream = await startSwitching()
  const proxy = await proxyTo(t, upstream)
  await Promise.all(
    [1, 2, 3, 4, 5, 6].map(async (seed) => {
      const random = seededRandom(seed)
      const up = seededBytes(random, Math.ceil(random() * 3_000_000))
      const down = seededBytes(random, Math.ceil(random() * 3_000_000))
      const client = await openTunnel(proxy.port, `${upgradeRequest}${seed}`)
      client.collect()
      const find = () => upstream.peers.find((peer) => peer.text.startsWith(String(seed)))
      await eventually('the upstream knows the tunnel', () => find() !== undefined)
      const peer = find()
      if (peer === undefined) throw new Error('no tunnel')
      await Promise.all([
        client.sendAll(cutOddly(random, up)).then(() => client.socket.end()),
        peer.sendAll(cutOddly(random, down)).then(() => peer.socket.end()),
      ])
      await eventually('both ends are read', () => client.hasEnded && peer.hasEnded)
      t.equal(sha(client.bytes), sha(down), `seed ${seed}: ${down.length} bytes down`)
      t.equal(sha(peer.bytes.subarray(1)), sha(up), `seed ${seed}: ${up.length} bytes up`)
    }),
  )
  await untilQuiet(proxy)
})

function sha(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

// ── how a tunnel ends ───────────────────────────────────────────────────────────────────────────

for (const side of ['client', 'upstream'] as const) {
  t.test(`a reset of the ${side} is a reset for the other side, not a clean end`, async (t) => {
    const upstream = await startSwitching()
    const proxy = await proxyTo(t, upstream)
    const pair = await openPair(proxy, upstream)
    pair.client.collect()
    pair.client.socket.write('x')
    pair.upstream.socket.write('y')
    await eventually('bytes flow', () => pair.client.text + pair.upstream.text === 'yx')
    const other = side === 'client' ? pair.upstream : pair.client
    pair[side].socket.resetAndDestroy()
    await eventually('the other side is closed', () => other.isClosed)
    t.equal(other.errorCode, 'ECONNRESET')
    t.notOk(other.hasEnded)
    await untilQuiet(proxy)
    t.equal(proxy.log().length, 1)
  })
}

t.test('a tunnel is cut only when it was silent for its own time limit', async (t) => {
  const clock = new ManualClock()
  const upstream = await startSwitching()
  const flags = ['--tunnel-idle-timeout-ms', '600000']
  const proxy = await proxyTo(t, upstream, { clock, flags })
  const { client, upstream: peer } = await openPair(proxy, upstream)
  client.collect()
  // Longer than the limits of head, body, response, keep-alive and write.
  clock.advance(599_000)
  for (const [from, to] of [
    [client, peer],
    [peer, client],
  ] as const) {
    const before = to.received
    from.socket.write('ping')
    await eventually('the ping arrives', () => to.received === before + 4)
    clock.advance(599_000)
  }
  t.notOk(client.isOver || peer.isOver, 'bytes of either side keep it')
  clock.advance(1_200)
  await eventually('both sides are closed', () => client.isOver && peer.isOver)
  client.socket.destroy()
  peer.socket.destroy()
  await untilQuiet(proxy)
  const [line] = proxy.log()
  t.match(line, { status: 101, bytes_in: 4, bytes_out: 4, duration_ms: 1_798_200 })
})

t.test('a tunnel is a gauge while it is open and one record when it is over', async (t) => {
  const upstream = await startSwitching()
  const proxy = await proxyTo(t, upstream)
  const labels = { namespace: 'default', ingress: 'rules', service: 'web', method: 'GET' }
  const total = () => proxy.counter('weir_requests_total', { ...labels, status: '101' })
  const gauge = (state: string) => proxy.counter('weir_connections', { state })
  const { client, upstream: peer } = await openPair(proxy, upstream)
  client.collect()
  t.same([gauge('tunnel'), gauge('active'), gauge('idle')], [1, 0, 0])
  t.equal(proxy.counter('weir_upstream_connections', { state: 'busy' }), 1)
  t.equal(proxy.plane.inFlight, 1)
  client.socket.write('12345')
  peer.socket.write('123')
  await eventually('bytes flow', () => client.received === 3 && peer.received === 5)
  t.same([total(), proxy.log().length], [0, 0], 'not counted before its end')
  client.socket.end()
  await eventually('the FIN is passed on', () => peer.hasEnded)
  t.equal(gauge('tunnel'), 1, 'half open is open')
  peer.socket.end()
  await untilQuiet(proxy)
  t.equal(total(), 1)
  const log = proxy.log()
  t.equal(log.length, 1)
  t.match(log[0], {
    status: 101,
    error: '',
    path: '/chat',
    bytes_in: 5,
    bytes_out: 3,
    service: 'web',
    endpoint: `127.0.0.1:${upstream.port}`,
  })
})

t.test('tunnels live on when their route and their endpoint are removed', async (t) => {
  const upstream = await startSwitching()
  const proxy = await proxyTo(t, upstream)
  const { client, upstream: peer } = await openPair(proxy, upstream)
  client.collect()
  proxy.apply({ routes: [], endpoints: {} })
  const response = await connectRaw(proxy.port).then(async (other) => {
    const answer = await other.request(plain)
    other.close()
    return answer
  })
  t.equal(response.status, 404, 'the route is gone')
  client.socket.write('still')
  peer.socket.write('here')
  await eventually('bytes flow', () => peer.text === 'still' && client.text === 'here')
  client.socket.end()
  peer.socket.end()
  await untilQuiet(proxy)
})

t.test('tunnels live while a worker drains and are cut when it finishes', async (t) => {
  const upstream = await startSwitching()
  const proxy = await proxyTo(t, upstream)
  const { client, upstream: peer } = await openPair(proxy, upstream)
  client.collect()
  proxy.plane.drain()
  client.socket.write('still')
  peer.socket.write('here')
  await eventually('bytes flow', () => peer.text === 'still' && client.text === 'here')
  const second = await openPair(proxy, upstream)
  t.notOk(second.client.isClosed, 'a new one is still served')
  second.client.collect()
  const begun = performance.now()
  await proxy.plane.finish(30_000)
  t.ok(performance.now() - begun < 15_000, 'the end does not wait for tunnels')
  const ends = [client, peer, second.client, second.upstream]
  await eventually('all ends are closed', () => ends.every(({ isOver }) => isOver))
  for (const { socket } of ends) socket.destroy()
  t.equal(proxy.plane.inFlight, 0)
  t.equal(proxy.log().length, 2)
})

// ── a real WebSocket library on both sides ──────────────────────────────────────────────────────

t.test('ws works through the proxy', async (t) => {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => (offered.has('chat.v2') ? 'chat.v2' : false),
  })
  await once(server, 'listening')
  const closes: (readonly [number, string])[] = []
  server.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    socket.on('close', (code, reason) => closes.push([code, reason.toString()]))
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const close = async () => {
    for (const socket of server.clients) socket.terminate()
    server.close()
    await once(server, 'close')
  }
  const proxy = await proxyTo(t, { address: '127.0.0.1', port: address.port, close })
  const open = async (protocols: string[] = [], perMessageDeflate = true): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/chat`, protocols, {
      headers: { Host: 'a.test' },
      perMessageDeflate,
    })
    await once(socket, 'open')
    return socket
  }

  t.test('subprotocol and permessage-deflate are negotiated end to end', async (t) => {
    const socket = await open(['chat.v1', 'chat.v2'])
    t.equal(socket.protocol, 'chat.v2')
    t.match(socket.extensions, 'permessage-deflate')
    socket.terminate()
    await untilQuiet(proxy)
  })

  for (const perMessageDeflate of [true, false]) {
    t.test(`a message of 1 MiB comes back, deflate ${perMessageDeflate}`, async (t) => {
      const socket = await open([], perMessageDeflate)
      const bytes = seededBytes(seededRandom(11), 1 << 20)
      socket.send(bytes)
      const [echo] = await once(socket, 'message')
      t.ok(bytes.equals(echo), 'every byte')
      socket.send('ü'.repeat(1000))
      const [text] = await once(socket, 'message')
      t.equal(String(text), 'ü'.repeat(1000))
      socket.terminate()
      await untilQuiet(proxy)
    })
  }

  t.test('fragments and pings pass', async (t) => {
    const socket = await open()
    socket.send('one ', { fin: false })
    socket.send('two ', { fin: false })
    socket.ping('between')
    await once(socket, 'pong')
    socket.send('three', { fin: true })
    const [text] = await once(socket, 'message')
    t.equal(String(text), 'one two three')
    socket.terminate()
    await untilQuiet(proxy)
  })

  for (const [code, reason] of [
    [1000, 'done'],
    [1001, ''],
    [1011, 'broken'],
    [3000, 'registered'],
    [4999, 'private'],
  ] as const) {
    t.test(`close code ${code} passes both ways`, async (t) => {
      closes.length = 0
      const first = await open()
      first.close(code, reason)
      const [back] = await once(first, 'close')
      t.equal(back, code, 'the echo of the close frame')
      await eventually('the server has the close frame', () => closes.length === 1)
      t.same(closes, [[code, reason]])
      const second = await open()
      const closed = once(second, 'close')
      for (const socket of server.clients) socket.close(code, reason)
      const [seen, why] = await closed
      t.same([seen, String(why)], [code, reason])
      await untilQuiet(proxy)
    })
  }
})
