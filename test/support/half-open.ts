// How does a client look that begins a TLS handshake and never ends it? Bytes to send, from none to a whole ClientHello.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** The record head and the first bytes of a ClientHello that never comes whole. */
export const halfHello = Buffer.from('1603010200010001fc0303', 'hex')

/** Where such a client stops, by a name for people. */
export async function halfOpenKinds(): Promise<ReadonlyMap<string, Buffer>> {
  const whole = await firstFlight()
  return new Map([
    ['silent', Buffer.alloc(0)],
    ['half a ClientHello', halfHello],
    ['all but a byte', whole.subarray(0, -1)],
    ['a whole ClientHello', whole],
  ])
}

/** Connects and says no more than `bytes`. */
export function halfOpen(port: number, bytes: Buffer): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  if (bytes.length > 0) socket.write(bytes)
  return socket
}

/** The ClientHello of a client that names a.test, whole. */
export async function firstFlight(): Promise<Buffer> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const hello = new Promise<Buffer>((resolve) => {
    server.once('connection', (socket) => {
      socket.once('data', (bytes: Buffer) => {
        resolve(bytes)
        socket.destroy()
      })
    })
  })
  const client = connectTls({ port, host: '127.0.0.1', servername: 'a.test' })
  client.on('error', () => client.destroy())
  const bytes = await hello
  server.close()
  return bytes
}
