// How long may a client take? One that takes its time gets everything; one that takes nothing is cut, and nothing of it is kept.
import t, { type Test } from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { fieldsOf, type RawClient } from '../support/raw-client.ts'
import { head, type Pair, response, startPair } from './pair.ts'

const megabyte = 1 << 20
const part = 16 * 1024
const body = 'x'.repeat(part)
const get = head('GET / HTTP/1.1')

/** A client that asks for more than the kernel holds, and does not read. */
async function startStuck(t: Test): Promise<Pair & { readonly client: RawClient }> {
  const pair = await startPair(t, {
    script: {
      onRequest: (_, side) => {
        side.send(`HTTP/1.1 200 OK\r\nContent-Length: ${64 * megabyte}\r\n\r\n`)
        side.send(Buffer.alloc(64 * megabyte))
        return undefined
      },
    },
  })
  const client = await pair.connect()
  client.socket.pause()
  return { ...pair, client }
}

function isClosed({ dataPlane }: Pair): boolean {
  return ['idle', 'active'].every((state) => {
    return dataPlane.counter('weir_connections', { state }) === 0
  })
}

function isGone(pair: Pair): boolean {
  return isClosed(pair) && pair.upstream.connections.every(({ ended }) => ended !== 'open')
}

t.test('a client that takes nothing for the write timeout is cut', async (t) => {
  const pair = await startStuck(t)
  const { client, clock, dataPlane } = pair
  client.send(get)
  await untilStill(
    () => client.socket.bytesRead + (pair.upstream.connections[0]?.socket.bytesWritten ?? 0),
  )
  clock.advance(59_000)
  t.notOk(isGone(pair), 'not before')
  clock.advance(2000)
  await eventually('both connections are closed', () => isGone(pair))
  t.match(dataPlane.log(), [{ status: 200, error: 'client-closed' }])
})

t.test(
  'a client that closes its side and takes nothing is cut, too, and nothing of it is kept',
  async (t) => {
    const pair = await startPair(t, { script: { onRequest: () => response('200 OK', body) } })
    const { clock, dataPlane, upstream } = pair
    const client = await pair.connect()
    client.socket.pause()
    // As many responses as the kernel takes; the last ones wait in the data plane.
    client.send(get.repeat(2000))
    await untilStill(() => upstream.requests.length)
    t.ok(upstream.requests.length < 2000)
    client.end()
    clock.advance(200)
    await eventually(
      'the connection is closed',
      () => dataPlane.counter('weir_connections', { state: 'idle' }) === 0,
      () => clock.advance(1000),
    )
    t.ok(clock.now() > 10_000, 'but it had time')
  },
)

t.test('the last response of a connection reaches a client that takes its time', async (t) => {
  const { upstream, connect, clock } = await startPair(t, {
    script: { onRequest: () => response('200 OK', body) },
  })
  const probe = await connect()
  probe.socket.pause()
  probe.send(get.repeat(2000))
  await untilStill(() => upstream.requests.length)
  const fits = upstream.requests.length
  probe.close()
  for (const count of [fits - 2, fits - 1, fits]) {
    const client = await connect()
    client.socket.pause()
    client.send(get.repeat(count - 1) + head('GET / HTTP/1.1', 'Connection: close'))
    await untilStill(() => upstream.requests.length)
    // Longer than a connection lingers, shorter than the write timeout.
    for (let seconds = 0; seconds < 30; seconds += 1) clock.advance(1000)
    client.socket.resume()
    for (let served = 0; served < count - 1; served += 1) await client.response()
    const last = await client.response()
    t.same(fieldsOf(last, 'connection'), ['close'])
    t.equal(last.bodyBytes, part)
    t.equal(await client.whenEnded(), 'fin')
  }
})

async function untilStill(value: () => number): Promise<void> {
  let last = -1
  let since = performance.now()
  await eventually('nothing moves any more', () => {
    const now = value()
    if (now !== last) since = performance.now()
    last = now
    return performance.now() - since > 300
  })
}
