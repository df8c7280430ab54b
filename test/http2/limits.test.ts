// Who is cut that abuses an HTTP/2 connection, and what does it cost? Everybody else goes on.
import t, { type Test } from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { fieldBlock, flag, frame, type as kinds, setting, uint32 } from './frames.ts'
import { type Http2Pair, startHttp2Pair } from './pair.ts'
import { plainGet, type RawHttp2Client } from './raw-client.ts'

const calm = 11
const post = plainGet.map(([name, value]) =>
  name === ':method' ? ([name, 'POST'] as const) : ([name, value] as const),
)

/** A client beside the one that is cut: it is served before and after. */
async function withBystander(t: Test, pair: Http2Pair, run: () => Promise<void>): Promise<void> {
  const bystander = await pair.open()
  bystander.request(1)
  await bystander.finished(1)
  await run()
  bystander.request(3)
  await bystander.finished(3)
  t.same(bystander.statuses(3), [200], 'the other client is served')
}

function cuts({ dataPlane }: Http2Pair, reason: string): number {
  return dataPlane.counter('weir_http2_sessions_cut_total', { reason })
}

/** Moves time on, a tick at a time, while `flood` sends, until the connection is closed. */
async function floodUntilCut(
  pair: Http2Pair,
  client: RawHttp2Client,
  flood: (round: number) => void,
  rounds: number,
): Promise<number> {
  for (let round = 0; round < rounds; round += 1) {
    if (client.isClosed) return round
    flood(round)
    await new Promise((resolve) => setTimeout(resolve, 2))
    pair.clock.advance(100)
  }
  await eventually('the connection is closed', () => client.isClosed)
  return rounds
}

t.test('streams at a time: one more is refused, and may be sent again', async (t) => {
  const pair = await startHttp2Pair(t, {
    flags: ['--http2-max-streams', '3'],
    script: {
      onRequest: ({ target }) =>
        target === '/' ? undefined : 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    },
  })
  const client = await pair.open()
  for (const id of [1, 3, 5, 7]) client.request(id)
  await client.finished(7)
  t.equal(client.resetCode(7), 7, 'REFUSED_STREAM')
  await eventually('the others are upstream', () => pair.upstream.requests.length === 3)
  client.reset(1)
  await eventually('it is gone', () => pair.dataPlane.plane.inFlight === 2)
  await new Promise((resolve) => setTimeout(resolve, 50))
  client.request(
    9,
    plainGet.map(([name, value]) => [name, name === ':path' ? '/x' : value] as const),
  )
  await client.finished(9)
  t.same(client.statuses(9), [200], 'a place is free again')
})

t.test(
  'a head that is too large: 431 for its stream, a reset where it is far too large',
  async (t) => {
    const pair = await startHttp2Pair(t, {
      flags: ['--max-head-bytes', '4096', '--max-line-bytes', '4000'],
    })
    const client = await pair.open()
    await client.until(() => client.of(0, kinds.settings).length > 1, 'settings')
    client.request(1, [...plainGet, ['a', 'x'.repeat(2500)], ['b', 'x'.repeat(2500)]])
    client.request(3, [...plainGet, ['a', 'x'.repeat(9000)]])
    client.request(5)
    for (const id of [1, 3, 5]) await client.finished(id)
    t.same(client.statuses(1), [431])
    t.same(client.statuses(3), [])
    t.equal(client.resetCode(3), calm)
    t.same(client.statuses(5), [200], 'the connection goes on')
    t.match(pair.dataPlane.log()[0], { status: 431, error: 'head-too-large' })
  },
)

t.test('too many fields: nothing of them is kept', async (t) => {
  const pair = await startHttp2Pair(t, { flags: ['--max-fields', '10'] })
  const client = await pair.open()
  const some = (count: number) => Array.from({ length: count }, () => ['x', 'y'] as const)
  client.request(1, [...plainGet, ...some(11)])
  client.request(3, [...plainGet, ...some(200)])
  client.request(5, [...plainGet, ...some(10)])
  for (const id of [1, 3, 5]) await client.finished(id)
  t.same(client.statuses(1), [431])
  t.equal(client.resetCode(3), calm)
  t.same(client.statuses(5), [200])
})

t.test('rapid reset (CVE-2023-44487): the connection is cut before it costs much', async (t) => {
  const pair = await startHttp2Pair(t, {
    script: { onRequest: ({ target }) => (target === '/' ? okFor(1) : undefined) },
  })
  await withBystander(t, pair, async () => {
    const client = await pair.open()
    const slow = plainGet.map(
      ([name, value]) => [name, name === ':path' ? '/slow' : value] as const,
    )
    let id = 1
    const rounds = await floodUntilCut(
      pair,
      client,
      () => {
        for (let at = 0; at < 50; at += 1, id += 2) {
          client.request(id, slow)
          client.reset(id)
        }
      },
      100,
    )
    t.ok(rounds < 10, `cut after ${rounds} rounds of 50`)
    t.equal(cuts(pair, 'resets'), 1)
    await eventually('nothing is left of it', () => pair.dataPlane.plane.inFlight === 0)
    t.ok(pair.upstream.requests.length <= 250, `${pair.upstream.requests.length} requests upstream`)
  })
})

function okFor(length: number): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`
}

t.test('a client that cancels some of what it asks for is nobody to cut', async (t) => {
  const pair = await startHttp2Pair(t)
  const client = await pair.open()
  for (let id = 1; id < 2000; id += 4) {
    client.request(id, post, false)
    client.reset(id)
    client.request(id + 2)
    await client.finished(id + 2)
  }
  t.notOk(client.isClosed)
  t.equal(client.goaway, undefined)
})

const inducers = [
  {
    name: 'DATA behind END_STREAM',
    send: (id: number) => frame(kinds.data, 0, id, 'x'),
  },
  {
    name: 'a window beyond its bound',
    send: (id: number) =>
      Buffer.concat([
        frame(kinds.windowUpdate, 0, id, uint32(0x7fff_ffff)),
        frame(kinds.windowUpdate, 0, id, uint32(0x7fff_ffff)),
      ]),
  },
  {
    name: 'a window that grows by nothing',
    send: (id: number) => frame(kinds.windowUpdate, 0, id, uint32(0)),
  },
  {
    name: 'a second head behind END_STREAM',
    send: (id: number) => frame(kinds.headers, flag.endHeaders, id, fieldBlock(plainGet)),
  },
]

for (const { name, send } of inducers) {
  t.test(
    `streams that a client makes Weir reset (CVE-2025-8671) count as its own: ${name}`,
    async (t) => {
      const pair = await startHttp2Pair(t, {
        script: { onRequest: ({ target }) => (target === '/' ? okFor(1) : undefined) },
      })
      await withBystander(t, pair, async () => {
        const client = await pair.open()
        const slow = plainGet.map(
          ([key, value]) => [key, key === ':path' ? '/slow' : value] as const,
        )
        let id = 1
        const rounds = await floodUntilCut(
          pair,
          client,
          () => {
            for (let at = 0; at < 50; at += 1, id += 2) {
              client.request(id, slow)
              client.send(send(id))
            }
          },
          40,
        )
        t.ok(rounds < 20, `cut after ${rounds} rounds of 50`)
        await eventually('nothing is left of it', () => pair.dataPlane.plane.inFlight === 0)
        t.ok(
          pair.upstream.requests.length <= 250,
          `${pair.upstream.requests.length} requests upstream`,
        )
      })
    },
  )
}

const floods: readonly {
  readonly name: string
  readonly begin?: (client: RawHttp2Client) => void
  readonly frames: Buffer
}[] = [
  { name: 'PING', frames: frame(kinds.ping, 0, 0, '12345678') },
  { name: 'SETTINGS', frames: frame(kinds.settings, 0, 0, setting(4, 65_535)) },
  { name: 'SETTINGS without any', frames: frame(kinds.settings, 0, 0) },
  { name: 'PRIORITY', frames: frame(kinds.priority, 0, 1, Buffer.alloc(5, 1)) },
  {
    name: 'WINDOW_UPDATE',
    begin: (client) => client.request(1, post, false),
    frames: Buffer.concat([
      frame(kinds.windowUpdate, 0, 0, uint32(1)),
      frame(kinds.windowUpdate, 0, 1, uint32(1)),
    ]),
  },
  {
    name: 'empty DATA',
    begin: (client) => client.request(1, post, false),
    frames: frame(kinds.data, 0, 1),
  },
  {
    name: 'DATA of padding alone',
    begin: (client) => client.request(1, post, false),
    frames: frame(kinds.data, flag.padded, 1, Buffer.from([3, 0, 0, 0])),
  },
  { name: 'frames of a kind that nobody knows', frames: frame(0x42, 0, 0, 'x'.repeat(100)) },
]

for (const { name, begin, frames } of floods) {
  t.test(`a flood of ${name} is cut`, async (t) => {
    const pair = await startHttp2Pair(t)
    await withBystander(t, pair, async () => {
      const client = await pair.open()
      begin?.(client)
      const count = Math.ceil(50_000 / frames.length)
      const burst = Buffer.concat(Array.from({ length: count }, () => frames))
      const rounds = await floodUntilCut(pair, client, () => client.send(burst), 60)
      t.ok(rounds < 60, `cut after ${rounds} rounds of ${burst.length} bytes`)
      t.equal(pair.dataPlane.counter('weir_connections', { state: 'active' }), 0)
    })
  })
}

t.test('large heads, small answers: no flood', async (t) => {
  const pair = await startHttp2Pair(t, { script: { onRequest: () => okFor(0) } })
  const client = await pair.open()
  const fields = [...plainGet, ['cookie', 'x'.repeat(15_000)] as const]
  for (let id = 1; id < 400; id += 2) {
    client.request(id, fields)
    await client.finished(id)
    pair.clock.advance(1)
  }
  pair.clock.advance(100)
  client.request(401)
  await client.finished(401)
  t.same(client.statuses(401), [200], 'after 3 MB of heads')
})

t.test('CONTINUATION frames without end are cut, whatever they hold', async (t) => {
  for (const payload of [Buffer.alloc(0), fieldBlock([['x', 'y'.repeat(16_000)]])]) {
    const pair = await startHttp2Pair(t)
    await withBystander(t, pair, async () => {
      const client = await pair.open()
      client.send(frame(kinds.headers, flag.endStream, 1, fieldBlock(plainGet)))
      for (let at = 0; at < 100; at += 1) client.send(frame(kinds.continuation, 0, 1, payload))
      await eventually('it is closed', () => client.isClosed)
      t.equal(pair.upstream.requests.length, 1, 'only that of the other client')
    })
  }
})

t.test(
  'a window that stays shut costs its stream, after the write timeout, and no other',
  async (t) => {
    const pair = await startHttp2Pair(t, {
      script: { onRequest: ({ target }) => (target === '/empty' ? okFor(0) : okFor(100_000)) },
    })
    const client = await pair.open([[4, 10]])
    client.request(1)
    await client.until(() => client.bodyBytes(1) === 10, 'what the window lets through')
    pair.clock.advance(100)
    pair.clock.advance(59_000)
    client.request(
      3,
      plainGet.map(([name, value]) => [name, name === ':path' ? '/empty' : value] as const),
    )
    await client.finished(3)
    t.same(client.statuses(3), [200])
    t.equal(client.resetCode(1), undefined, 'not before')
    pair.clock.advance(2000)
    await client.finished(1)
    t.equal(client.resetCode(1), 8, 'CANCEL')
    t.notOk(client.hasEnded(1))
    client.request(
      5,
      plainGet.map(([name, value]) => [name, name === ':path' ? '/empty' : value] as const),
    )
    await client.finished(5)
    t.same(client.statuses(5), [200])
  },
)

t.test('a slow reader stops its upstream, and only its own', async (t) => {
  let taken = 0
  const pair = await startHttp2Pair(t, {
    script: {
      onRequest: ({ target }, side) => {
        if (target !== '/big') return okFor(3)
        side.send(`HTTP/1.1 200 OK\r\nContent-Length: ${64 << 20}\r\n\r\n`)
        for (let at = 0; at < 64; at += 1) {
          side.socket.write(Buffer.alloc(1 << 20), () => {
            taken += 1 << 20
          })
        }
        return undefined
      },
    },
  })
  const client = await pair.open()
  client.request(
    1,
    plainGet.map(([name, value]) => [name, name === ':path' ? '/big' : value] as const),
  )
  await client.until(() => client.bodyBytes(1) === 65_535, 'one window')
  await new Promise((resolve) => setTimeout(resolve, 300))
  const before = taken
  for (let id = 3; id < 43; id += 2) {
    client.request(id)
    client.grant(0, 3)
    await client.finished(id)
    t.equal(client.bodyBytes(id), 3)
  }
  t.equal(taken, before, 'the upstream of the slow one waits')
  t.ok(taken < 16 << 20, `${taken} bytes are with the kernel and Weir`)
  client.grant(0, 64 << 20)
  client.grant(1, 64 << 20)
  await client.finished(1)
  t.equal(client.bodyBytes(1), 64 << 20)
})

t.test('a slow upstream stops its sender, and only that', async (t) => {
  const pair = await startHttp2Pair(t, {
    script: {
      onHead: ({ target }, side) => {
        if (target === '/slow') side.socket.pause()
      },
      onRequest: () => okFor(1),
    },
  })
  const client = await pair.open()
  client.request(
    1,
    post.map(([name, value]) => [name, name === ':path' ? '/slow' : value] as const),
    false,
  )
  await eventually('it is upstream', () => pair.upstream.requests.length === 1)
  // Twice the windows that there ever were would be an error of the client's: it sends what it was granted, and counts that.
  let sent = 0
  const granted = () =>
    65_535 +
    client.of(1, kinds.windowUpdate).reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0)
  for (let idle = 0; idle < 30; ) {
    const room = Math.min(16_384, granted() - sent)
    if (room === 0) {
      idle += 1
      await new Promise((resolve) => setTimeout(resolve, 10))
      continue
    }
    client.data(1, Buffer.alloc(room))
    sent += room
    idle = 0
    if (sent > 64 << 20) break
  }
  t.ok(sent < 16 << 20, `the client was stopped after ${sent} bytes`)
  client.request(3, post, false)
  client.data(3, 'x', true)
  await client.finished(3)
  t.same(client.statuses(3), [200])
})

t.test('a body that does not come: 408 for its stream', async (t) => {
  const pair = await startHttp2Pair(t)
  const client = await pair.open()
  client.request(1, post, false)
  client.data(1, 'x')
  await eventually(
    'it is upstream',
    () => pair.upstream.connections[0]?.text.includes('x') === true,
  )
  pair.clock.advance(59_000)
  client.data(1, 'y')
  await eventually('more of it', () => pair.upstream.connections[0]?.text.includes('y') === true)
  pair.clock.advance(59_000)
  t.equal(client.statuses(1).length, 0, 'a byte is enough')
  pair.clock.advance(2000)
  await client.finished(1)
  t.same(client.statuses(1), [408])
})

t.test(
  'a connection without a stream: closed after the keep-alive timeout, in order',
  async (t) => {
    const pair = await startHttp2Pair(t)
    const client = await pair.open()
    client.request(1)
    await client.finished(1)
    pair.clock.advance(74_000)
    t.notOk(client.isClosed)
    pair.clock.advance(2000)
    await client.whenClosed()
    t.same(client.goaway, { code: 0, last: 1 })
    await eventually('it counts no more', () => {
      return pair.dataPlane.counter('weir_connections', { state: 'idle' }) === 0
    })
  },
)

t.test('a head that drips in is no stream: it does not keep a connection', async (t) => {
  const pair = await startHttp2Pair(t)
  const client = await pair.open()
  await client.until(() => client.of(0, kinds.settings).length > 1, 'settings')
  const head = frame(
    kinds.headers,
    flag.endHeaders | flag.endStream,
    1,
    fieldBlock([...plainGet, ['x', 'y'.repeat(1000)]]),
  )
  for (let at = 0; at < 100 && !client.isClosed; at += 1) {
    client.send(head.subarray(at, at + 1))
    await new Promise((resolve) => setTimeout(resolve, 1))
    pair.clock.advance(1000)
  }
  await client.whenClosed()
  t.equal(pair.upstream.requests.length, 0)
})

t.test('settings that nobody acknowledges', async (t) => {
  const pair = await startHttp2Pair(t)
  const client = await pair.open()
  client.acknowledges = false
  client.request(1)
  await client.finished(1)
  pair.clock.advance(9000)
  t.notOk(client.isClosed)
  pair.clock.advance(2000)
  await eventually('it is closed', () => client.isClosed)
  t.equal(client.goaway?.code, 4, 'SETTINGS_TIMEOUT')
  t.equal(cuts(pair, 'settings'), 1)
})

t.test('a client that does not close behind our end is closed', async (t) => {
  const pair = await startHttp2Pair(t)
  const client = await pair.open()
  client.socket.removeAllListeners('end')
  client.socket.allowHalfOpen = true
  client.request(1)
  await client.finished(1)
  pair.clock.advance(76_000)
  await client.until(() => client.goaway !== undefined, 'a GOAWAY')
  pair.clock.advance(5100)
  await eventually(
    'nothing is left',
    () => pair.dataPlane.counter('weir_connections', { state: 'idle' }) === 0,
  )
})
