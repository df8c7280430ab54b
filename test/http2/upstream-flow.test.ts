// Bodies of any size to and from endpoints of HTTP/2, and TLS to them: who has to wait, and for whom.
import { readFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import {
  answerOk,
  type Http2Script,
  type SeenRequest,
  startHttp2,
} from '../support/http2-upstream.ts'
import { startInProcess } from '../support/in-process.ts'
import { untilStill } from '../support/quiet.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'

async function start(t: Test, script: Http2Script) {
  const upstream = await startHttp2(script)
  const proxy = await startInProcess({ endpoints: { web: [upstream] } })
  const clients: RawClient[] = []
  t.teardown(async () => {
    for (const client of clients) client.close()
    await proxy.close()
    await upstream.close()
  })
  const connect = async () => {
    const client = await connectRaw(proxy.port)
    clients.push(client)
    return client
  }
  return { upstream, proxy, connect }
}

const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'
const mib = 1 << 20

t.test('a client that does not read stops its own stream, and no other', async (t) => {
  let sent = 0
  const { connect } = await start(t, {
    onRequest: (request) => {
      if (request.field(':path') !== '/large') {
        answerOk(request)
        return
      }
      const { stream } = request
      stream.respond([':status', '200', 'content-length', String(64 * mib)])
      const piece = Buffer.alloc(mib, 'x')
      let left = 64
      const more = () => {
        while (left > 0) {
          left -= 1
          sent += mib
          if (left === 0) stream.end(piece)
          else if (!stream.write(piece)) {
            stream.once('drain', more)
            return
          }
        }
      }
      more()
    },
  })
  const slow = await connect()
  slow.socket.pause()
  slow.send('GET /large HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await eventually('it has begun', () => sent > 0)
  await new Promise((resolve) => setTimeout(resolve, 500))
  const before = await untilStill('the upstream', () => sent)
  t.ok(before < 32 * mib, `the rest waits upstream: ${before / mib} MiB went`)
  const other = await connect()
  for (let round = 0; round < 5; round += 1) t.equal((await other.request(get)).status, 200)
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.equal(sent, before, 'and goes on waiting')
  slow.socket.resume()
  const response = await slow.response()
  t.equal(response.bodyBytes, 64 * mib)
})

t.test('an endpoint that does not read stops its client', async (t) => {
  let request: SeenRequest | undefined
  let read = 0
  const { connect } = await start(t, {
    onRequest: (seen) => {
      request = seen
    },
  })
  const client = await connect()
  const length = 64 * mib
  client.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${length}\r\n\r\n`)
  client.send(Buffer.alloc(length))
  await eventually('it has begun', () => request !== undefined)
  await new Promise((resolve) => setTimeout(resolve, 500))
  const waiting = client.socket.writableLength
  t.ok(waiting > 16 * mib, `most of it is with the client still: ${Math.round(waiting / mib)} MiB`)
  const { stream } = request ?? {}
  stream?.on('data', (bytes: Buffer) => {
    read += bytes.length
  })
  stream?.on('end', () => {
    stream.respond([':status', '200'])
    stream.end(String(read))
  })
  t.equal((await client.response()).body, String(length))
})

const file = (name: string) =>
  readFileSync(new URL(`../../shared/testing/tls/${name}`, import.meta.url), 'utf8')
const pair = { cert: file('first-server.pem'), key: file('first-server.key') }
const unverified = { verifies: false, name: '', sendsName: false }

t.test('over TLS, HTTP/2 is what ALPN says', async (t) => {
  const { upstream, proxy, connect } = await start(t, { tls: pair })
  proxy.apply({ endpoints: { web: [{ ...upstream, tls: unverified }] } })
  const client = await connect()
  const response = await client.request(get)
  t.equal(response.status, 200)
  t.equal(upstream.requests[0]?.field(':scheme'), 'https')
})

t.test('over TLS, a certificate that must be verified and cannot be ends it', async (t) => {
  const { upstream, proxy, connect } = await start(t, { tls: pair })
  proxy.apply({ endpoints: { web: [{ ...upstream, serverName: 'web.default.svc' }] } })
  const client = await connect()
  t.equal((await client.request(get)).status, 502)
  t.equal(proxy.log()[0]?.error, 'connect-failed')
  t.equal(upstream.requests.length, 0)
})

for (const ALPNProtocols of [['http/1.1'], []]) {
  const speaks = ALPNProtocols.length === 0 ? 'knows no ALPN' : 'speaks HTTP/1.1 only'
  t.test(`over TLS, an endpoint that ${speaks}`, async (t) => {
    let requests = 0
    const server = createTlsServer({ ...pair, ALPNProtocols }, (_request, response) => {
      requests += 1
      response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const endpoint = { address: '127.0.0.1', port, protocol: 'h2', tls: unverified } as const
    const proxy = await startInProcess({ endpoints: { web: [endpoint] } })
    const client = await connectRaw(proxy.port)
    t.equal((await client.request(get)).status, 502)
    t.equal(proxy.log()[0]?.error, 'protocol-unsupported')
    t.equal(requests, 0)
    client.close()
    await proxy.close()
    server.closeAllConnections()
    server.close()
  })
}
