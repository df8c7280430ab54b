// Is a connection behind TLS served as one without? Large bodies both ways, slow readers, ends and resets, keep-alive, WebSocket-like
// tunnels: a data plane in this process, clients of node:tls.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { until } from '../support/ask.ts'
import { type InProcess, startInProcess } from '../support/in-process.ts'
import { ca, tlsEntries } from '../support/tls.ts'
import { type Script, type ScriptedUpstream, startScripted } from '../support/upstream.ts'

const size = 8 << 20
const body = Buffer.alloc(size, 'abcdefghijklmnopqrstuvwxyz0123456789')
const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

async function start(t: Test, script?: Script): Promise<[InProcess, ScriptedUpstream]> {
  const upstream = await startScripted(script)
  const proxy = await startInProcess({
    flags: ['--listen-tls', '127.0.0.1:0', '--access-log', 'json'],
    endpoints: { web: [{ address: '127.0.0.1', port: upstream.port }] },
    certificates: { 'a.test': ['default/a'] },
  })
  proxy.plane.setCertificate('default/a', tlsEntries('a-ecdsa'))
  t.teardown(async () => {
    await proxy.close()
    await upstream.close()
  })
  return [proxy, upstream]
}

async function open(proxy: InProcess, t: Test): Promise<TLSSocket> {
  const socket = connect({
    port: proxy.tlsPort,
    host: '127.0.0.1',
    servername: 'a.test',
    ca,
    // Not in the types of a TLS connection, which passes it on.
    ...{ allowHalfOpen: true },
  })
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

/** All that comes until the end, and how it ended. */
function readAll(socket: TLSSocket): Promise<{ bytes: Buffer; error: string | undefined }> {
  const parts: Buffer[] = []
  let error: string | undefined
  return new Promise((resolve) => {
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      error = cause.code
    })
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve({ bytes: Buffer.concat(parts), error }))
    socket.resume()
  })
}

t.test('a large download arrives whole, also by a slow reader', async (t) => {
  const [proxy] = await start(t, {
    onRequest: (_, side) => {
      side.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      side.send(body)
      return undefined
    },
  })
  const socket = await open(proxy, t)
  socket.write('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')
  socket.pause()
  await new Promise((resolve) => setTimeout(resolve, 200))
  const { bytes, error } = await readAll(socket)
  const at = bytes.indexOf('\r\n\r\n') + 4
  t.equal(error, undefined)
  t.equal(hash(bytes.subarray(at)), hash(body))
})

t.test('a large upload arrives whole, also by a slow upstream', async (t) => {
  const received = createHash('sha256')
  let seen = 0
  const [proxy] = await start(t, {
    onConnection: ({ socket }) => {
      socket.pause()
      setTimeout(() => socket.resume(), 200)
      let isHead = true
      socket.on('data', (bytes: Buffer) => {
        const part = isHead ? bytes.subarray(bytes.indexOf('\r\n\r\n') + 4) : bytes
        isHead = false
        seen += part.length
        received.update(part)
      })
    },
    onRequest: () => 'HTTP/1.1 204 No Content\r\n\r\n',
  })
  const socket = await open(proxy, t)
  socket.write(
    `PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`,
  )
  socket.write(body)
  const { bytes } = await readAll(socket)
  t.match(bytes.toString('latin1'), /^HTTP\/1\.1 204 /)
  t.equal(seen, size)
  t.equal(received.digest('hex'), hash(body))
})

t.test('requests follow each other, pipelined too', async (t) => {
  const [proxy, upstream] = await start(t)
  const socket = await open(proxy, t)
  const request = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'
  socket.write(request)
  await once(socket, 'data')
  socket.write(request + request)
  socket.write(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
  const { bytes } = await readAll(socket)
  t.equal(bytes.toString('latin1').match(/HTTP\/1\.1 200 OK/g)?.length, 3)
  t.equal(upstream.requests.length, 4)
})

t.test('a client that has said its last still gets its answer', async (t) => {
  const [proxy] = await start(t)
  const socket = await open(proxy, t)
  socket.end('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  const { bytes, error } = await readAll(socket)
  t.match(bytes.toString('latin1'), /^HTTP\/1\.1 200 OK\r\n[\s\S]*ok$/)
  t.equal(error, undefined, 'and a clean end: close_notify')
})

t.test('a response that is cut looks cut', async (t) => {
  const [proxy] = await start(t, {
    onRequest: (_, { socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
      setTimeout(() => socket.destroy(), 50)
      return undefined
    },
  })
  const socket = await open(proxy, t)
  socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  const { bytes } = await readAll(socket)
  t.match(bytes.toString('latin1'), /half$/)
})

t.test('a reset goes through TLS, and nothing is left of the connection', async (t) => {
  const [proxy] = await start(t, {
    onRequest: (_, { socket }) => {
      // Without a length and to an HTTP/1.0 client only a reset tells a cut body from a whole one.
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n')
      setTimeout(() => socket.destroy(), 50)
      return undefined
    },
  })
  const socket = await open(proxy, t)
  socket.write('GET / HTTP/1.0\r\nHost: a.test\r\n\r\n')
  const { error } = await readAll(socket)
  t.equal(error, 'ECONNRESET')
  const states = ['active', 'idle', 'tunnel']
  const count = async () =>
    states.reduce((sum, state) => sum + proxy.counter('weir_connections', { state }), 0)
  await until('the connection is gone', count, (now) => now === 0)
})

t.test('a tunnel carries bytes both ways and both ends', async (t) => {
  const [proxy] = await start(t, {
    onHead: (_, side) => {
      side.send(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      )
      side.socket.on('data', (bytes: Buffer) => side.send(bytes))
    },
  })
  const socket = await open(proxy, t)
  socket.write(
    'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  )
  const [head] = (await once(socket, 'data')) as [Buffer]
  t.match(head.toString('latin1'), /^HTTP\/1\.1 101 /)
  const sent = body.subarray(0, 200_000)
  const all = readAll(socket)
  socket.write(sent)
  socket.end()
  const { bytes, error } = await all
  t.ok(bytes.equals(sent), 'in order, and to the last before the end')
  t.equal(error, undefined)
})
