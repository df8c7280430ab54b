// Does a slow reader slow its sender down, and does each part pass as it comes? Bodies are never gathered whole.
//
// What the fast side can get rid of while the slow one reads nothing is bounded by the buffers of four sockets: the kernel's
// (a few MiB each on loopback) and those of the data plane.
import type { Socket } from 'node:net'
import t from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { get, head, response, startPair } from './pair.ts'

const megabyte = 1 << 20
const total = 96 * megabyte
const bound = 40 * megabyte
const chunk = Buffer.alloc(megabyte, 'x')

/** Writes `total` bytes as fast as the socket takes them; tells how many the kernel has taken. */
function pour(socket: Socket, wrap: (bytes: Buffer) => Buffer): { taken(): number } {
  let taken = 0
  const next = (count: number): void => {
    if (count === 0 || socket.destroyed) return
    socket.write(wrap(chunk), () => {
      taken += chunk.length
      next(count - 1)
    })
  }
  next(total / chunk.length)
  return { taken: () => taken }
}

/** Waits until a number stands still. */
async function settled(value: () => number): Promise<number> {
  let last = -1
  let since = performance.now()
  await eventually('nothing moves any more', () => {
    const now = value()
    if (now !== last) {
      last = now
      since = performance.now()
    }
    return performance.now() - since > 400
  })
  return last
}

const plain = (bytes: Buffer) => bytes
const asChunk = (bytes: Buffer) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])

const framings = [
  { field: `Content-Length: ${total}`, wrap: plain, last: '' },
  { field: 'Transfer-Encoding: chunked', wrap: asChunk, last: '0\r\n\r\n' },
]

for (const { field, wrap, last } of framings) {
  t.test(`a client that does not read stops the upstream (${field})`, async (t) => {
    const { upstream, connect } = await startPair(t, { script: {} })
    const client = await connect()
    client.send(get)
    await eventually('the request is upstream', () => upstream.requests.length === 1)
    client.socket.pause()
    const side = upstream.connections[0]
    if (side === undefined) throw new Error('no connection')
    side.send(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n`)
    const poured = pour(side.socket, wrap)
    const stuckAt = await settled(poured.taken)
    t.comment(`the upstream got rid of ${stuckAt / megabyte} MiB`)
    t.ok(stuckAt < bound, `${stuckAt} bytes are on their way`)
    client.socket.resume()
    await eventually('all of it is sent', () => poured.taken() === total)
    side.send(last)
    const got = await client.response()
    t.equal(got.bodyBytes, total, 'and all of it arrives')
  })

  t.test(`an upstream that does not read stops the client (${field})`, async (t) => {
    const { upstream, connect } = await startPair(t, {
      script: {
        onHead: (_, { socket }) => socket.pause(),
        onRequest: ({ bodyBytes }) =>
          `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Got: ${bodyBytes}\r\n\r\n`,
      },
    })
    const client = await connect()
    client.send(head('POST / HTTP/1.1', field))
    await eventually('the head is upstream', () => upstream.requests.length === 1)
    const poured = pour(client.socket, wrap)
    const stuckAt = await settled(poured.taken)
    t.comment(`the client got rid of ${stuckAt / megabyte} MiB`)
    t.ok(stuckAt < bound, `${stuckAt} bytes are on their way`)
    upstream.connections[0]?.socket.resume()
    await eventually('all of it is sent', () => poured.taken() === total)
    client.send(last)
    const got = await client.response()
    t.ok(got.fields.some(([name, value]) => name === 'X-Got' && value === String(total)))
  })
}

t.test('a client that asks without end and never reads is not read any more', async (t) => {
  const { connect } = await startPair(t)
  const client = await connect()
  client.socket.pause()
  const asking = head('GET /kube-system/healthz HTTP/1.1')
  const batch = Buffer.from(asking.repeat(Math.ceil(megabyte / asking.length)))
  let taken = 0
  const pouring = (count: number): void => {
    if (count === 0 || client.socket.destroyed) return
    client.socket.write(batch, () => {
      taken += batch.length
      pouring(count - 1)
    })
  }
  pouring(32)
  const stuckAt = await settled(() => taken)
  t.comment(`the client got rid of ${stuckAt / megabyte} MiB of requests`)
  t.ok(stuckAt < 24 * megabyte, `${stuckAt} bytes of requests were taken`)
  client.socket.resume()
  await eventually('it is read again', () => taken > stuckAt)
})

t.test(
  'pipelined requests wait until the client has taken the responses before them',
  async (t) => {
    const body = 'x'.repeat(64 * 1024)
    const { upstream, connect } = await startPair(t, {
      script: { onRequest: () => response('200 OK', body) },
    })
    const client = await connect()
    client.socket.pause()
    const count = 600
    client.send(get.repeat(count))
    const stuckAt = await settled(() => upstream.requests.length)
    t.comment(`${stuckAt} requests went upstream`)
    t.ok(stuckAt < count / 2, `${stuckAt} of ${count}`)
    client.socket.resume()
    for (let served = 0; served < count; served += 1) await client.response()
    t.equal(upstream.requests.length, count)
  },
)

t.test('each part of a response passes as it comes', async (t) => {
  const { upstream, connect } = await startPair(t, { script: {} })
  const client = await connect()
  client.send(get)
  await eventually('the request is upstream', () => upstream.requests.length === 1)
  const side = upstream.connections[0]
  side?.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
  const got = await client.head()
  for (const part of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
    side?.send(`9\r\n${part}\r\n`)
    await client.until(() => got.body.endsWith(part), part)
  }
  side?.send('0\r\n\r\n')
  await client.until(() => got.complete, 'the end')
})

t.test('each part of a request passes as it comes', async (t) => {
  const { upstream, connect } = await startPair(t)
  const client = await connect()
  client.send(head('POST / HTTP/1.1', 'Content-Length: 9'))
  for (const part of ['one', 'two', 'six']) {
    client.send(part)
    await eventually(
      `${part} is upstream`,
      () => upstream.requests[0]?.body.endsWith(part) === true,
    )
  }
  t.equal((await client.response()).body, 'ok')
})
