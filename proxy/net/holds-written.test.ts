// Memory that a socket no longer holds is written over at once: what arrives must be what was written.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import t, { type Test } from 'tap'
import { holdsWritten } from './holds-written.ts'

const certificates = new URL('../../test/support/certificates/', import.meta.url)
const pem = (name: string) => readFileSync(new URL(name, certificates))
const pieceBytes = 1 << 16
// More than the system takes of a peer that reads nothing.
const manyPieces = 512

interface Pair {
  readonly socket: Socket
  readonly peer: Socket
}

async function plainPair(t: Test): Promise<Pair> {
  const server = createServer().listen(0, '127.0.0.1')
  return pairOf(t, server, 'connection', (port) => connect(port, '127.0.0.1'))
}

async function tlsPair(t: Test): Promise<Pair> {
  const server = createTlsServer({ cert: pem('a-ecdsa.crt'), key: pem('a-ecdsa.key') })
  return pairOf(t, server.listen(0, '127.0.0.1'), 'secureConnection', (port) =>
    connectTls({ port, host: '127.0.0.1', ca: pem('ca.crt'), servername: 'a.test' }),
  )
}

async function pairOf(
  t: Test,
  server: ReturnType<typeof createServer>,
  event: 'connection' | 'secureConnection',
  open: (port: number) => Socket,
): Promise<Pair> {
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const accepted = once(server, event)
  const peer = open(port)
  const [socket] = (await accepted) as [Socket]
  t.teardown(() => {
    peer.destroy()
    socket.destroy()
    server.close()
  })
  return { socket, peer }
}

async function receive(peer: Socket, bytes: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let received = 0
  for await (const piece of peer as AsyncIterable<Buffer>) {
    pieces.push(piece)
    received += piece.length
    if (received >= bytes) break
  }
  return Buffer.concat(pieces)
}

t.test('a plain socket holds what the system has not taken', async (t) => {
  const { socket, peer } = await plainPair(t)
  socket.write(Buffer.alloc(1))
  t.equal(holdsWritten(socket), false, 'a little is taken at once')
  for (let count = 0; count < manyPieces && socket.writableLength === 0; count++) {
    socket.write(Buffer.alloc(pieceBytes))
  }
  t.equal(holdsWritten(socket), true)
  const drained = once(socket, 'drain')
  peer.resume()
  await drained
  t.equal(holdsWritten(socket), false)
})

t.test('TLS takes a piece over at once, also when it cannot be sent', async (t) => {
  const { socket, peer } = await tlsPair(t)
  const memory = Buffer.alloc(pieceBytes)
  const expected: Buffer[] = []
  for (let count = 0; count < manyPieces; count++) {
    memory.fill(count)
    expected.push(Buffer.from(memory))
    const mayGoOn = socket.write(memory)
    t.ok(socket.writableLength > 0, 'Node calls it unsent until the next turn, at the earliest')
    if (holdsWritten(socket)) t.fail('one piece under way is not held')
    memory.fill(0xff)
    if (mayGoOn) continue
    const taken = once(socket, 'drain').then(() => true)
    const turn = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 100))
    if (!(await Promise.race([taken, turn]))) break
  }
  const received = await receive(peer, expected.length * pieceBytes)
  t.ok(received.equals(Buffer.concat(expected)), 'nothing was written over before it was taken')
})

t.test('TLS holds what waits behind another piece', async (t) => {
  const { socket, peer } = await tlsPair(t)
  socket.write(Buffer.alloc(pieceBytes))
  t.equal(holdsWritten(socket), false)
  socket.write(Buffer.alloc(pieceBytes))
  t.equal(holdsWritten(socket), true)
  await receive(peer, 2 * pieceBytes)
  while (socket.writableLength > 0) await new Promise((resolve) => setImmediate(resolve))
  t.equal(holdsWritten(socket), false)
})

t.test('a head and a piece in one write are taken over, too', async (t) => {
  const { socket, peer } = await tlsPair(t)
  const memory = Buffer.alloc(pieceBytes, 1)
  socket.cork()
  socket.write('head', 'latin1')
  socket.write(memory)
  socket.uncork()
  t.equal(holdsWritten(socket), false)
  memory.fill(2)
  const received = await receive(peer, 4 + pieceBytes)
  t.ok(received.equals(Buffer.concat([Buffer.from('head'), Buffer.alloc(pieceBytes, 1)])))
})
