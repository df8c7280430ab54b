// How does an HTTP/2 connection end when its proxy leaves? (RFC 9113 §6.8)
import t from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { okResponse } from '../support/upstream.ts'
import { startHttp2Pair } from './pair.ts'

t.test('requests in flight finish; those behind GOAWAY are not begun', async (t) => {
  const pair = await startHttp2Pair(t, { script: {} })
  const client = await pair.open()
  client.request(1)
  client.request(3)
  await eventually('both are upstream', () => pair.upstream.requests.length === 2)
  pair.dataPlane.plane.drain()
  pair.clock.advance(100)
  await client.until(() => client.goaway !== undefined, 'a GOAWAY')
  t.same(client.goaway, { code: 0, last: 3 }, 'NO_ERROR, and the last stream that is served')
  client.request(5)
  for (const side of pair.upstream.connections) side.send(okResponse)
  await client.finished(1)
  await client.finished(3)
  t.equal(client.body(1) + client.body(3), 'okok')
  await client.whenClosed()
  t.equal(pair.upstream.requests.length, 2, 'its client may send the third elsewhere')
  t.same(client.statuses(5), [])
})

t.test('a connection that comes while draining is served, and sent away after that', async (t) => {
  const pair = await startHttp2Pair(t)
  pair.dataPlane.plane.drain()
  pair.clock.advance(100)
  const client = await pair.open()
  await client.until(() => client.frames.length > 0, 'settings')
  pair.clock.advance(1000)
  t.equal(client.goaway, undefined, 'not before it asked for something')
  client.request(1)
  await client.finished(1)
  t.equal(client.body(1), 'ok')
  await new Promise((resolve) => setTimeout(resolve, 20))
  pair.clock.advance(100)
  await client.whenClosed()
  t.same(client.goaway, { code: 0, last: 1 })
})

t.test(
  'at the end idle connections are closed at once, busy ones when they are done',
  async (t) => {
    const pair = await startHttp2Pair(t, { script: {} })
    const idle = await pair.open()
    const busy = await pair.open()
    busy.request(1)
    await eventually('it is upstream', () => pair.upstream.requests.length === 1)
    const finished = pair.dataPlane.plane.finish(30_000)
    const clock = setInterval(() => pair.clock.advance(50), 5)
    t.teardown(() => clearInterval(clock))
    await idle.whenClosed()
    t.notOk(busy.isClosed)
    pair.upstream.connections[0]?.send(okResponse)
    await busy.finished(1)
    t.equal(busy.body(1), 'ok')
    await finished
    await busy.whenClosed()
  },
)

t.test('what is not done in time is cut', async (t) => {
  const pair = await startHttp2Pair(t, { script: {} })
  const client = await pair.open()
  client.request(1)
  await eventually('it is upstream', () => pair.upstream.requests.length === 1)
  const finished = pair.dataPlane.plane.finish(1000)
  const clock = setInterval(() => pair.clock.advance(50), 5)
  t.teardown(() => clearInterval(clock))
  await finished
  await client.whenClosed()
  t.notOk(client.hasEnded(1))
})
