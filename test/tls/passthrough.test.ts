// Do TLS connections reach their endpoint unread? Clients and endpoints of node:tls, and raw ones that keep every byte; the proxy has
// no key of theirs.
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import tls from 'node:tls'
import t, { type Test } from 'tap'
import { parseProxyHeader } from '../../proxy/net/proxy-protocol.ts'
import type { RouteSketch } from '../../shared/routing/testing/route.ts'
import { startInProcess, type TableSketch } from '../support/in-process.ts'
import { askTls, ca, pem, tlsEntries } from '../support/tls.ts'

const flags = ['--listen-tls', '127.0.0.1:0', '--access-log', 'json']
const request = 'GET /x HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n'

interface Endpoint {
  readonly address: string
  readonly port: number
  close(): void
}

async function listen(server: net.Server): Promise<Endpoint> {
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const at = server.address()
  if (at === null || typeof at === 'string') throw new Error('no port')
  return {
    address: '127.0.0.1',
    port: at.port,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** An endpoint that ends TLS itself and answers with what it read. */
function startTlsEndpoint(t: Test): Promise<Endpoint> {
  const identity = { cert: pem('b-ecdsa.crt'), key: pem('b-ecdsa.key') }
  const server = tls.createServer(identity, (socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => socket.end(`endpoint saw ${socket.servername}: ${bytes}`))
  })
  return closed(t, listen(server))
}

/** An endpoint that keeps what comes, and says `answer` to the first of it. */
async function startRawEndpoint(t: Test, answer = 'answer') {
  const got: Buffer[] = []
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.once('data', () => socket.write(answer))
    socket.on('data', (bytes: Buffer) => void got.push(bytes))
    socket.on('end', () => socket.end())
  })
  const endpoint = await closed(t, listen(server))
  return { ...endpoint, bytes: () => Buffer.concat(got) }
}

async function closed(t: Test, starting: Promise<Endpoint>): Promise<Endpoint> {
  const endpoint = await starting
  t.teardown(() => endpoint.close())
  return endpoint
}

const passed: RouteSketch = { host: 'b.test', backend: { passthrough: {} } }

async function start(t: Test, table: TableSketch, more: readonly string[] = []) {
  const proxy = await startInProcess({ ...table, flags: [...flags, ...more] })
  t.teardown(() => proxy.close())
  proxy.plane.setCertificate('', tlsEntries('a-ecdsa'))
  return proxy
}

/** The first bytes of a client of OpenSSL. */
async function clientHello(name: string): Promise<Buffer> {
  const server = net.createServer()
  const endpoint = await listen(server)
  const first = once(server, 'connection').then(([socket]) => once(socket, 'data'))
  const client = tls.connect({ port: endpoint.port, host: '127.0.0.1', servername: name })
  client.on('error', () => undefined)
  const [bytes] = await first
  endpoint.close()
  client.destroy()
  return bytes
}

async function connectPlain(port: number): Promise<net.Socket & { received: () => Buffer }> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const got: Buffer[] = []
  socket.on('data', (bytes: Buffer) => void got.push(bytes))
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return Object.assign(socket, { received: () => Buffer.concat(got) })
}

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!isTrue() && performance.now() < deadline) await delay(5)
}

t.test('the endpoint ends TLS: its certificate, its answer', async (t) => {
  const endpoint = await startTlsEndpoint(t)
  const proxy = await start(t, { routes: [passed], endpoints: { web: [endpoint] } })
  const answer = await askTls(proxy.tlsPort, { servername: 'b.test', ca }, request)
  t.equal(answer.shown, 'b.test EC')
  t.match(answer.text, 'endpoint saw b.test: GET /x')
  await until(() => proxy.log().length > 0)
  t.match(proxy.log(), [
    {
      ...{ host: 'b.test', method: '', path: '', protocol: 'TLS', status: 101, error: '' },
      ...{ endpoint: `127.0.0.1:${endpoint.port}`, service: 'web', client: '127.0.0.1' },
    },
  ])
  t.equal(proxy.plane.inFlight, 0)
  t.equal(proxy.counter('weir_connections', { state: 'tunnel' }), 0)
  t.equal(proxy.counter('weir_passthrough_connections_total'), 1)
  t.equal(proxy.counter('weir_connections', { protocol: 'HTTP/1.1' }), 0)
  const [{ bytes_in: bytesIn = 0, bytes_out: bytesOut = 0 } = {}] = proxy.log()
  t.ok(Number(bytesIn) > 100 && Number(bytesOut) > 100, 'the ClientHello and all else')
  t.equal(proxy.counter('weir_passthrough_bytes_total', { direction: 'in' }), bytesIn)
  t.equal(proxy.counter('weir_passthrough_bytes_total', { direction: 'out' }), bytesOut)
})

t.test('hosts are found as for requests', async (t) => {
  const endpoint = await startTlsEndpoint(t)
  const trusting = { rejectUnauthorized: false }
  const routes: readonly RouteSketch[] = [
    { host: '*.w.test', backend: { passthrough: {} } },
    { host: 'own.w.test' },
    { host: '', backend: { passthrough: {} } },
  ]
  const proxy = await start(t, { routes, endpoints: { web: [endpoint] } })
  const cases = [
    { name: 'x.w.test', isPassed: true, why: 'a wildcard' },
    { name: 'X.W.TEST', isPassed: true, why: 'without case' },
    { name: 'x.y.w.test', isPassed: false, why: 'a wildcard is for one label' },
    { name: 'own.w.test', isPassed: false, why: 'a host of its own ends TLS here' },
    { name: 'other.test', isPassed: false, why: 'what is for any host has no name to pass' },
    { name: '', isPassed: false, why: 'no name' },
  ]
  for (const { name, isPassed, why } of cases) {
    const { shown } = await askTls(proxy.tlsPort, { ...trusting, servername: name })
    t.equal(shown === 'b.test EC', isPassed, why)
  }
  proxy.apply({ routes: [{ host: '*.w.test' }], endpoints: { web: [endpoint] } })
  const { shown } = await askTls(proxy.tlsPort, { ...trusting, servername: 'x.w.test' })
  t.not(shown, 'b.test EC', 'a change of the table counts for the next connection')
})

t.test('no byte is changed, however the ClientHello is cut', async (t) => {
  const endpoint = await startRawEndpoint(t)
  const hello = await clientHello('b.test')
  const proxy = await start(t, { routes: [passed], endpoints: { web: [endpoint] } })
  for (const size of [1, 7, hello.length]) {
    const before = endpoint.bytes().length
    const client = await connectPlain(proxy.tlsPort)
    client.setNoDelay(true)
    for (let at = 0; at < hello.length; at += size) {
      client.write(hello.subarray(at, at + size))
      if (size < hello.length) await new Promise(setImmediate)
    }
    client.write('behind it')
    await until(() => endpoint.bytes().length >= before + hello.length + 9)
    const wanted = Buffer.concat([hello, Buffer.from('behind it')])
    t.same(endpoint.bytes().subarray(before), wanted, `pieces of ${size}`)
    await until(() => client.received().length > 0)
    t.equal(client.received().toString(), 'answer')
    client.end()
    await once(client, 'end')
    t.pass('each side hears of the end of the other')
    client.destroy()
  }
})

t.test('a PROXY header goes first, where it is asked for', async (t) => {
  const endpoint = await startRawEndpoint(t)
  const hello = await clientHello('b.test')
  const from = ['--proxy-protocol', 'optional', '--proxy-protocol-from', '127.0.0.0/8']
  for (const proxyHeader of ['v1', 'v2'] as const) {
    const routes = [{ ...passed, backend: { passthrough: { proxyHeader } } }]
    const proxy = await start(t, { routes, endpoints: { web: [endpoint] } }, from)
    for (const said of ['', 'PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n']) {
      const before = endpoint.bytes().length
      const client = await connectPlain(proxy.tlsPort)
      const own = { address: '127.0.0.1', port: client.localPort }
      client.write(said)
      client.write(hello)
      await until(() => endpoint.bytes().length > before + hello.length)
      const bytes = endpoint.bytes().subarray(before)
      const header = parseProxyHeader(bytes)
      t.match(header, {
        source: said === '' ? own : { address: '192.0.2.7', port: 4711 },
        destination:
          said === ''
            ? { address: '127.0.0.1', port: proxy.tlsPort }
            : { address: '192.0.2.1', port: 443 },
      })
      const length = typeof header === 'object' && 'length' in header ? header.length : 0
      t.same(bytes.subarray(length), hello, 'and the client’s own bytes behind it')
      client.destroy()
    }
  }
})

const alertOf = (code: number) => Buffer.from([21, 3, 3, 0, 2, 2, code])

t.test('who cannot have a tunnel hears an alert of TLS', async (t) => {
  const endpoint = await startRawEndpoint(t)
  const hello = await clientHello('b.test')
  const gone = { address: '127.0.0.1', port: 1 }
  const access = (deny: readonly string[]) => ({ kind: 'access', allow: [], deny })
  const cases = [
    {
      why: 'denied',
      filters: [access(['127.0.0.0/8'])],
      alert: 49,
      status: 403,
      error: 'access-denied',
    },
    { why: 'no endpoints', endpoints: { web: [] }, alert: 80, status: 503, error: 'no-endpoints' },
    { why: 'no Service', endpoints: {}, alert: 80, status: 503, error: 'service-missing' },
    { why: 'refused', endpoints: { web: [gone] }, alert: 80, status: 502, error: 'connect-failed' },
  ]
  for (const {
    why,
    filters = [],
    endpoints = { web: [endpoint] },
    alert,
    status,
    error,
  } of cases) {
    const proxy = await start(t, { routes: [{ ...passed, filters }], endpoints })
    const client = await connectPlain(proxy.tlsPort)
    client.write(hello)
    await once(client, 'end')
    t.same(client.received(), alertOf(alert), why)
    t.match(proxy.log(), [{ host: 'b.test', status, error }], why)
    client.destroy()
  }
  t.equal(endpoint.bytes().length, 0, 'no endpoint heard of it')
})

t.test('an address that is allowed comes in', async (t) => {
  const endpoint = await startTlsEndpoint(t)
  const filters = [{ kind: 'access', allow: ['127.0.0.1/32'], deny: [] }]
  const proxy = await start(t, { routes: [{ ...passed, filters }], endpoints: { web: [endpoint] } })
  t.match(await askTls(proxy.tlsPort, { servername: 'b.test' }, request), { text: /endpoint saw/ })
})

t.test('an endpoint that refuses gives way to another', async (t) => {
  const endpoint = await startTlsEndpoint(t)
  const gone = { address: '127.0.0.1', port: 1 }
  const proxy = await start(t, { routes: [passed], endpoints: { web: [gone, endpoint] } })
  for (let count = 0; count < 4; count += 1) {
    const { text } = await askTls(proxy.tlsPort, { servername: 'b.test' }, request)
    t.match(text, 'endpoint saw')
  }
  t.ok(proxy.counter('weir_retries_total') >= 1)
  t.ok(proxy.counter('weir_upstream_errors_total', { code: 'connect-failed' }) >= 1)
})

t.test('a reset of one side is one for the other', async (t) => {
  const server = net.createServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
  const endpoint = await closed(t, listen(server))
  const proxy = await start(t, { routes: [passed], endpoints: { web: [endpoint] } })
  const client = await connectPlain(proxy.tlsPort)
  const error = once(client, 'error')
  client.write(await clientHello('b.test'))
  t.match(await error, [{ code: 'ECONNRESET' }])
})

t.test('much data, both ways', async (t) => {
  const size = 8 << 20
  const identity = { cert: pem('b-ecdsa.crt'), key: pem('b-ecdsa.key') }
  const server = tls.createServer(identity, (socket) => void socket.pipe(socket))
  const endpoint = await closed(t, listen(server))
  const proxy = await start(t, { routes: [passed], endpoints: { web: [endpoint] } })
  const client = tls.connect({ port: proxy.tlsPort, host: '127.0.0.1', servername: 'b.test', ca })
  await once(client, 'secureConnect')
  let sum = 0
  let received = 0
  client.on('data', (bytes: Buffer) => {
    received += bytes.length
    for (const byte of bytes.subarray(0, 16)) sum += byte
  })
  client.end(Buffer.alloc(size, 'x'))
  await once(client, 'end')
  t.equal(received, size)
  t.ok(sum > 0)
  client.destroy()
})

t.test('a tunnel lives through a drain, and ends with the worker', async (t) => {
  const endpoint = await startRawEndpoint(t)
  const proxy = await startInProcess({ routes: [passed], endpoints: { web: [endpoint] }, flags })
  const client = await connectPlain(proxy.tlsPort)
  client.write(await clientHello('b.test'))
  await until(() => client.received().length > 0)
  t.equal(proxy.plane.inFlight, 1)
  t.equal(proxy.counter('weir_connections', { protocol: 'TLS', state: 'tunnel' }), 1)
  proxy.plane.drain()
  client.write('more')
  await until(() => endpoint.bytes().toString('latin1').endsWith('more'))
  t.match(endpoint.bytes().toString('latin1'), /more$/)
  const counted = () => proxy.counter('weir_passthrough_bytes_total', { direction: 'in' })
  await until(() => counted() === endpoint.bytes().length)
  t.equal(counted(), endpoint.bytes().length, 'bytes are counted while the tunnel is open')
  const over = once(client, 'close')
  client.end()
  await proxy.close()
  await over
  t.pass('it is cut when the worker ends')
})

t.test('a request for the host is not served on a connection whose TLS ends here', async (t) => {
  const endpoint = await startTlsEndpoint(t)
  const routes = [passed, { host: 'a.test' }]
  const proxy = await start(t, { routes, endpoints: { web: [endpoint] } })
  const trusting = { rejectUnauthorized: false }
  const { text } = await askTls(proxy.tlsPort, { ...trusting, servername: 'a.test' }, request)
  t.match(text, /^HTTP\/1\.1 421 Misdirected Request\r\n[\s\S]*misdirected-request/)
  const nameless = await askTls(proxy.tlsPort, trusting, request)
  t.match(nameless.text, /^HTTP\/1\.1 421 /, 'nor on one without a name')
})
