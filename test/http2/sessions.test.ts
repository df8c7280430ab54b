// How many connections of HTTP/2 lead to an endpoint, which requests share them, and when do they end? The upstream's side is
// played frame by frame; time stands still unless the test moves it.
import t, { type Test } from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { type InProcessOptions, startInProcess } from '../support/in-process.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'
import {
  data,
  flags,
  frame,
  frameTypes,
  goaway,
  headers,
  type RawHttp2Script,
  type RawHttp2Side,
  reset,
  startRawHttp2,
} from '../support/raw-http2.ts'

const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'
const post = 'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello'

function answer({ socket }: RawHttp2Side, stream: number): void {
  socket.write(headers(stream, false, [':status', '200']))
  socket.write(data(stream, 'ok', true))
}

/** SETTINGS with one entry (RFC 9113 §6.5.1). */
function settings(id: number, value: number): Buffer {
  const payload = Buffer.alloc(6)
  payload.writeUInt16BE(id, 0)
  payload.writeUInt32BE(value, 2)
  return frame(frameTypes.settings, 0, 0, payload)
}

const maxConcurrentStreams = (count: number) => settings(3, count)

async function start(t: Test, script: RawHttp2Script, options: InProcessOptions = {}) {
  const upstream = await startRawHttp2(script)
  const clock = new ManualClock()
  const proxy = await startInProcess({ clock, ...options, endpoints: { web: [upstream] } })
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
  const gauge = (state: string) => proxy.counter('weir_upstream_connections', { state })
  return { upstream, clock, proxy, connect, gauge }
}

/** Moves time on in steps of a tick, with turns of the loop between, as it would go. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 100) {
    clock.advance(100)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

t.test(
  'a request that GOAWAY leaves out goes over another connection, with its body',
  async (t) => {
    const { upstream, proxy, connect } = await start(t, {
      onFrame: (side, { type, flags: flag, stream }) => {
        // When all of the request is there.
        if (type !== frameTypes.data || (flag & flags.endStream) === 0) return
        if (side.index === 0) side.socket.write(goaway(0))
        else answer(side, stream)
      },
    })
    const client = await connect()
    const { status, body } = await client.request(post)
    t.same([status, body], [200, 'ok'])
    t.equal(upstream.sides.length, 2)
    const [, second] = upstream.sides
    const sent = second?.frames.filter(({ type }) => type === frameTypes.data)
    t.equal(Buffer.concat(sent?.map(({ payload }) => payload) ?? []).toString(), 'hello')
    t.equal(proxy.log().length, 1)
    t.match(proxy.log()[0], { retries: 1, status: 200 })
    t.equal(proxy.counter('weir_upstream_errors_total', { code: 'upstream-reset' }), 0)
  },
)

t.test(
  'what GOAWAY does not leave out is answered, and what comes later goes elsewhere',
  async (t) => {
    const streams: [RawHttp2Side, number][] = []
    const { upstream, connect } = await start(t, {
      onRequest: (side, stream) => {
        if (side.index > 0) answer(side, stream)
        else {
          streams.push([side, stream])
          // RFC 9113 §6.8: first none is left out, then it is said how far.
          side.socket.write(goaway(2 ** 31 - 1))
        }
      },
    })
    const client = await connect()
    client.send(get)
    await eventually('the request is there', () => streams.length === 1)
    const other = await connect()
    t.equal((await other.request(get)).status, 200)
    t.equal(upstream.sides.length, 2)
    for (const [side, stream] of streams) {
      side.socket.write(goaway(stream))
      answer(side, stream)
    }
    t.equal((await client.response()).status, 200)
    await eventually('the first is closed', () => upstream.sides[0]?.socket.destroyed === true)
  },
)

t.test('an endpoint that refuses every time is asked as often as retries allow', async (t) => {
  const { upstream, connect } = await start(t, {
    onRequest: ({ socket }, stream) => socket.write(reset(stream, 7)),
  })
  const client = await connect()
  t.equal((await client.request(post)).status, 502)
  t.equal(upstream.requestCount, 3)
})

t.test('a body that is too large to be kept is not sent again', async (t) => {
  const { upstream, connect } = await start(t, {
    onFrame: (side, { type, flags: flag, stream }) => {
      if (type === frameTypes.data && (flag & flags.endStream) !== 0) {
        side.socket.write(reset(stream, 7))
      } else if (type === frameTypes.data) {
        const more = Buffer.alloc(4)
        more.writeUInt32BE(65_536)
        side.socket.write(frame(frameTypes.window, 0, 0, more))
        side.socket.write(frame(frameTypes.window, 0, stream, more))
      }
    },
  })
  const client = await connect()
  const head = 'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\n'
  t.equal((await client.request(head + 'x'.repeat(100_000))).status, 502)
  t.equal(upstream.requestCount, 1)
})

t.test(
  'as many requests at a time as the endpoint says, and connections for the rest',
  async (t) => {
    const under: [RawHttp2Side, number][] = []
    const { upstream, connect, gauge } = await start(t, {
      hello: maxConcurrentStreams(2),
      onRequest: (side, stream) => void under.push([side, stream]),
    })
    const clients = await Promise.all(Array.from({ length: 40 }, connect))
    for (const client of clients) client.send(get)
    await eventually('all connections are full', () => under.length === 32)
    await new Promise((resolve) => setTimeout(resolve, 50))
    t.equal(upstream.sides.length, 16, 'so many, however many wait')
    t.equal(under.length, 32)
    t.equal(gauge('busy'), 16)
    for (const [side, stream] of under.splice(0)) answer(side, stream)
    await eventually('those that waited are there', () => under.length === 8)
    for (const [side, stream] of under.splice(0)) answer(side, stream)
    for (const client of clients) t.equal((await client.response()).status, 200)
    await eventually('all are idle', () => gauge('idle') === 16 && gauge('busy') === 0)
  },
)

t.test('a request waits for room no longer than for a connection', async (t) => {
  const { upstream, clock, connect } = await start(t, { hello: maxConcurrentStreams(0) })
  const client = await connect()
  client.send(get)
  await eventually('connected', () => upstream.sides.length > 0)
  await pass(clock, 6000)
  t.equal((await client.response()).status, 504)
  t.equal(upstream.requestCount, 0)
})

t.test('an endpoint that says nothing is no endpoint of HTTP/2', async (t) => {
  const { upstream, clock, connect, proxy } = await start(t, { hello: Buffer.alloc(0) })
  const client = await connect()
  client.send(get)
  await eventually('connected', () => upstream.sides.length === 1)
  await pass(clock, 6000)
  t.equal((await client.response()).status, 504)
  t.equal(proxy.log()[0]?.error, 'connect-timeout')
})

t.test('nor is one that answers in HTTP/1.1', async (t) => {
  const hello = Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
  const { connect, proxy } = await start(t, { hello })
  const client = await connect()
  t.equal((await client.request(get)).status, 502)
  t.equal(proxy.log()[0]?.error, 'protocol-unsupported')
})

t.test('a silent endpoint is asked once whether it is there', async (t) => {
  const pings = (side: RawHttp2Side | undefined) =>
    side?.frames.filter(({ type, flags: flag }) => type === frameTypes.ping && flag === 0).length
  await t.test('it is', async (t) => {
    const { upstream, clock, connect } = await start(
      t,
      {},
      { routes: [{ backend: { limits: { readMs: 3_600_000 } } }] },
    )
    const client = await connect()
    client.send(get)
    await eventually('the request is there', () => upstream.requestCount === 1)
    await pass(clock, 9000)
    t.equal(pings(upstream.sides[0]), 0, 'not before it was silent for a while')
    await pass(clock, 2000)
    await eventually('asked', () => pings(upstream.sides[0]) === 1)
    await pass(clock, 120_000)
    t.equal(pings(upstream.sides[0]), 1, 'servers of gRPC do not like to be asked more often')
    t.equal(upstream.sides[0]?.socket.destroyed, false)
    const [side] = upstream.sides
    if (side !== undefined) answer(side, 1)
    t.equal((await client.response()).status, 200)
  })

  await t.test('it is not', async (t) => {
    const { upstream, clock, connect, proxy } = await start(t, {
      answersPing: false,
      onRequest: (side, stream) => {
        if (side.index > 0) answer(side, stream)
      },
    })
    const client = await connect()
    client.send(post)
    await eventually('the request is there', () => upstream.requestCount === 1)
    await pass(clock, 18_000)
    t.equal((await client.response()).status, 502, 'long before its time limit')
    t.equal(proxy.log()[0]?.error, 'upstream-reset')
    t.equal((await client.request(get)).status, 200, 'and the next goes over another connection')
    t.equal(upstream.sides.length, 2)
  })
})

t.test('a connection is kept for a minute, and no longer', async (t) => {
  const { upstream, clock, connect, gauge } = await start(t, { onRequest: answer })
  const client = await connect()
  t.equal((await client.request(get)).status, 200)
  await pass(clock, 59_000)
  t.equal(gauge('idle'), 1)
  await pass(clock, 4000)
  await eventually('it is closed in order', () => {
    const [side] = upstream.sides
    return (
      side?.frames.some(({ type }) => type === frameTypes.goaway) === true && gauge('idle') === 0
    )
  })
})

t.test(
  'an endpoint that is removed gets no request, and what it has in hand is finished',
  async (t) => {
    const under: [RawHttp2Side, number][] = []
    const { upstream, proxy, connect, gauge } = await start(t, {
      onRequest: (side, stream) => void under.push([side, stream]),
    })
    const client = await connect()
    client.send(get)
    await eventually('the request is there', () => under.length === 1)
    proxy.apply({ endpoints: { web: [] } })
    const other = await connect()
    t.equal((await other.request(get)).status, 503)
    for (const [side, stream] of under) answer(side, stream)
    t.equal((await client.response()).status, 200)
    await eventually('its connection is closed', () => gauge('busy') + gauge('idle') === 0)
    t.equal(upstream.requestCount, 1)
  },
)

t.test('a kept connection that proves dead costs no request that may be repeated', async (t) => {
  const { upstream, connect, proxy } = await start(t, {
    onRequest: (side, stream) => {
      if (side.index === 0 && stream > 1) side.socket.resetAndDestroy()
      else answer(side, stream)
    },
  })
  const client = await connect()
  t.equal((await client.request(get)).status, 200)
  t.equal((await client.request(get)).status, 200)
  t.equal(upstream.sides.length, 2)
  t.equal(proxy.counter('weir_upstream_errors_total', { code: 'upstream-reset' }), 0)
})
