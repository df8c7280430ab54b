// Is HTTP/2 spoken over TLS, where the client asks for it by ALPN (RFC 9113 §3.2)? By Node's own client, which is not the one of the
// other suites.
import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { startInProcess } from '../support/in-process.ts'
import { askTls, ca, tlsEntries } from '../support/tls.ts'
import { type EchoUpstream, readEcho, startEcho } from '../support/upstream.ts'
import { flag, frame, type as kinds, preface } from './frames.ts'

async function start(t: Test, flags: readonly string[] = []) {
  const echo: EchoUpstream = await startEcho('web')
  const proxy = await startInProcess({
    flags: ['--listen-tls', '127.0.0.1:0', ...flags],
    endpoints: { web: [echo] },
    certificates: { 'a.test': ['default/a'] },
  })
  proxy.plane.setCertificate('default/a', tlsEntries('a-ecdsa'))
  t.teardown(async () => {
    await proxy.close()
    await echo.close()
  })
  return { proxy, echo }
}

async function open(t: Test, port: number): Promise<ClientHttp2Session> {
  const session = connect(`https://127.0.0.1:${port}`, { servername: 'a.test', ca })
  session.on('error', () => undefined)
  t.teardown(() => session.destroy())
  await once(session, 'connect')
  return session
}

async function ask(session: ClientHttp2Session, headers: Record<string, string>, body?: Buffer) {
  const stream = session.request({ ':authority': 'a.test', ...headers })
  let status = 0
  stream.on('response', (head) => {
    status = Number(head[':status'])
  })
  stream.end(body)
  const pieces: Buffer[] = []
  for await (const piece of stream) pieces.push(piece)
  return { status, body: Buffer.concat(pieces).toString() }
}

t.test('h2 is agreed, and requests pass as https', async (t) => {
  const { proxy } = await start(t)
  const session = await open(t, proxy.tlsPort)
  t.equal(session.alpnProtocol, 'h2')
  const answer = await ask(session, { ':path': '/x' })
  t.equal(answer.status, 200)
  const { headers } = readEcho(answer.body)
  t.equal(headers[headers.indexOf('X-Forwarded-Proto') + 1], 'https')
  t.match(proxy.log()[0], { protocol: 'HTTP/2.0', status: 200 })
})

t.test('http/1.1 goes on where it is what the client asks for, or nothing is', async (t) => {
  const { proxy } = await start(t)
  for (const ALPNProtocols of [undefined, ['http/1.1'], ['http/1.1', 'h2']]) {
    const answer = await askTls(proxy.tlsPort, {
      servername: 'a.test',
      ...(ALPNProtocols && { ALPNProtocols: ALPNProtocols.slice(0, 1) }),
    })
    t.match(answer.text, /^HTTP\/1\.1 200 OK/)
  }
})

t.test('bodies of many sizes, both ways, at once', async (t) => {
  const { proxy } = await start(t)
  const session = await open(t, proxy.tlsPort)
  const sizes = [0, 1, 4096, 65_535, 65_536, 1_000_000, 5_000_000]
  const answers = await Promise.all(
    sizes.map((size) =>
      ask(session, { ':method': 'POST', ':path': `/${size}` }, Buffer.alloc(size)),
    ),
  )
  t.same(
    answers.map(({ body }) => readEcho(body).bodyLength),
    sizes,
  )
})

t.test('a flood of frames that ask for nothing is cut on a TLS connection, too', async (t) => {
  const { proxy } = await start(t)
  const socket = connectTls({
    port: proxy.tlsPort,
    host: '127.0.0.1',
    servername: 'a.test',
    ALPNProtocols: ['h2'],
    ca,
  })
  socket.on('error', () => undefined)
  socket.resume()
  await once(socket, 'secureConnect')
  socket.write(
    Buffer.concat([preface, frame(kinds.settings, 0, 0), frame(kinds.settings, flag.ack, 0)]),
  )
  const frames = Buffer.concat(
    Array.from({ length: 16 }, () => frame(0x42, 0, 0, 'x'.repeat(1000))),
  )
  let isClosed = false
  const gone = new AbortController()
  socket.on('close', () => {
    isClosed = true
    gone.abort()
  })
  let sent = 0
  for (; !isClosed && sent < 400; sent += 1) {
    const isFull = !socket.write(frames)
    // The cut may come as an error of this very write.
    if (isFull) await once(socket, 'drain', { signal: gone.signal }).catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.ok(isClosed, 'the connection is cut')
  t.equal(proxy.counter('weir_http2_sessions_cut_total', { reason: 'flood' }), 1)
})

t.test('drain: GOAWAY, and requests in flight finish', async (t) => {
  const { proxy } = await start(t)
  const session = await open(t, proxy.tlsPort)
  await ask(session, { ':path': '/x' })
  const goaway = once(session, 'goaway')
  proxy.plane.drain()
  const [code, last] = await goaway
  t.equal(code, 0)
  t.equal(last, 1)
})
