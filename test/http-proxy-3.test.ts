// Why is http-proxy-3 a peer of the bench and no part of Weir? It forwards the body of a chunked DELETE as a request
// of its own (2.0.1: `deleteLength` says Content-Length: 0 and still pipes the body): request smuggling, CWE-444.
// When this test fails, the package is mended and the decision in ARCHITECTURE.md may be read again.
import { once } from 'node:events'
import net from 'node:net'
import t from 'tap'
import { createHttpProxy3 } from '../bench/peers/http-proxy-3.ts'
import { StrictReader } from './hostile/strict.ts'

function portOf(server: net.Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return address.port
}

t.test('http-proxy-3 turns the chunked body of a DELETE into a second request', async (t) => {
  const targets: string[] = []
  const upstream = net.createServer((socket) => {
    const reader = new StrictReader('request')
    reader.onHead = ({ method, target }) => {
      targets.push(`${method} ${target}`)
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    }
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => reader.push(chunk.toString('latin1')))
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const proxy = createHttpProxy3(portOf(upstream))
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')

  const smuggled = 'GET /admin HTTP/1.1\r\nHost: a.test\r\n\r\n'
  const client = net.connect(portOf(proxy), '127.0.0.1')
  client.on('error', () => {})
  client.write(
    `DELETE /one HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
  )
  for (let waited = 0; targets.length < 2 && waited < 200; waited++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  client.destroy()
  proxy.closeAllConnections()
  proxy.close()
  await once(proxy, 'close')
  upstream.close()
  t.same(targets, ['DELETE /one', 'GET /admin'])
})
