import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { OutgoingRequest, ResponseSink } from '../http/stream.ts'
import { usualLimits } from './testing/read-request.ts'
import { UpstreamConnection } from './upstream-connection.ts'

const requestOf = (method: string): OutgoingRequest => ({
  method,
  target: '/',
  authority: 'a.test',
  fields: '',
  bodyLength: 0,
  upgrade: '',
  expectsContinue: false,
  acceptsTrailers: false,
  isLast: false,
})

/** A connection to an upstream whose side the test plays; time stands still until the test moves it. */
async function connectedPair(t: Test, client: Partial<ResponseSink> = {}) {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const accepted = once(server, 'connection')
  const events: string[] = []
  let wake = () => {}
  const note = (event: string) => {
    events.push(event)
    wake()
  }
  const sink: ResponseSink = {
    onReady: () => note('connected'),
    onResponseHead: (head) => note(`head ${head.status}`),
    onResponseData: (bytes) => note(`data ${bytes}`),
    onResponseEnd: (trailers) => note(`end ${trailers}`),
    onResponseFlush: () => {},
    isReadInUse: () => false,
    onUpstreamFailure: ({ code }) => note(`failure ${code}`),
    onUpstreamDrained: () => note('drained'),
    ...client,
  }
  const owner = {
    onIdleClosed: () => note('idle closed'),
    giveBack: () => note('given back'),
    discard: () => note('discarded'),
  }
  const time = { now: 0 }
  const { port } = address
  const near = new UpstreamConnection(
    { address: '127.0.0.1', port },
    1000,
    usualLimits,
    time,
    owner,
    sink,
  )
  const [far]: Socket[] = await accepted
  if (far === undefined) throw new Error('nothing was accepted')
  server.close()
  t.teardown(() => {
    near.destroy()
    far.destroy()
  })
  const until = async (event: string) => {
    while (!events.includes(event)) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  const tick = (now: number) => {
    time.now = now
    near.tick(now)
  }
  await until('connected')
  return { near, far, sink, events, until, tick }
}

const early = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'

t.test('a connection is not used again while bytes of its request wait to be sent', async (t) => {
  const { near, far, until } = await connectedPair(t)
  near.begin(requestOf('POST'))
  far.pause()
  // More than the system's buffers take at once.
  near.write(Buffer.alloc(32 << 20))
  near.flush()
  t.ok(near.socket.writableLength > 0)
  far.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  await until('end ')
  t.equal(near.isReusable, false)
})

t.test('an answer that begins before the request ends has its time limit, too', async (t) => {
  const { near, far, events, until, tick } = await connectedPair(t)
  near.begin(requestOf('POST'))
  far.write(early)
  await until('data hello')
  tick(100_000)
  t.notOk(events.includes('failure response-timeout'), 'as long as the client sends its body')
  near.expect(60_000)
  tick(160_000)
  t.notOk(events.includes('failure response-timeout'))
  tick(160_101)
  t.ok(events.includes('failure response-timeout'), 'but not for ever after it')
})

t.test('so has an upstream that answers early and then takes no more of the request', async (t) => {
  const { near, far, events, until, tick } = await connectedPair(t)
  near.begin(requestOf('POST'))
  far.write(early)
  await until('data hello')
  near.expect(1000)
  near.expect(0)
  tick(10_000)
  t.notOk(events.includes('failure response-timeout'), 'it has drained')
  near.expect(1000)
  tick(11_101)
  t.ok(events.includes('failure response-timeout'))
})

t.test('the limit of one request does not hold for the next', async (t) => {
  const { near, far, sink, events, until, tick } = await connectedPair(t)
  near.begin(requestOf('GET'))
  near.expect(1000)
  far.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  await until('end ')
  near.rest()
  near.take(sink)
  near.begin(requestOf('POST'))
  far.write(early)
  await until('data hello')
  tick(100_000)
  t.notOk(events.includes('failure response-timeout'), 'its client still sends')
})

t.test('the limit starts anew with each read, and rests while the client is slow', async (t) => {
  const { near, far, events, until, tick } = await connectedPair(t)
  near.begin(requestOf('GET'))
  near.expect(1000)
  tick(1000)
  far.write(early)
  await until('data hello')
  tick(2000)
  near.pauseBody()
  tick(50_000)
  near.expect(1000)
  tick(60_000)
  t.notOk(events.includes('failure response-timeout'), 'paused: nothing can come')
  near.resumeBody()
  far.write('world')
  await until('data world')
  t.same(events, ['connected', 'head 200', 'data hello', 'data world', 'end '])
  t.equal(near.isReusable, true)
})

t.test('a client that was slow to take interim responses does not lift the limit', async (t) => {
  const { near, far, events, until, tick } = await connectedPair(t)
  near.begin(requestOf('GET'))
  near.expect(1000)
  far.write('HTTP/1.1 103 Early Hints\r\n\r\n')
  await until('head 103')
  near.pauseBody()
  near.resumeBody()
  tick(1101)
  t.ok(events.includes('failure response-timeout'))
})

const spoiled = [
  { bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokX', why: 'a byte too many' },
  { bytes: 'HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200', why: 'a second response' },
  {
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX',
    why: 'a byte behind the last chunk',
  },
  { bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n', why: 'it says so' },
  { bytes: 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', why: 'HTTP/1.0 does not persist' },
]
for (const { bytes, why } of spoiled) {
  t.test(`a connection is not used again after: ${why}`, async (t) => {
    const { near, far, until } = await connectedPair(t)
    near.begin(requestOf('GET'))
    near.expect(1000)
    far.write(bytes)
    await until('end ')
    t.equal(near.isReusable, false)
  })
}

t.test('an idle connection that speaks or ends is closed and leaves its pool', async (t) => {
  for (const speak of [true, false]) {
    const { near, far, until } = await connectedPair(t)
    near.begin(requestOf('GET'))
    near.expect(1000)
    far.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    await until('end ')
    near.rest()
    if (speak) far.write('HTTP/1.1 200 OK\r\n')
    else far.end()
    await until('idle closed')
    t.equal(near.socket.destroyed, true)
  }
})

const failures = [
  { bytes: 'HTTP/1.1 2OO OK\r\n', code: 'upstream-malformed', why: 'no status line' },
  { bytes: early, code: 'upstream-reset', why: 'a body that is cut' },
  { bytes: '', code: 'upstream-reset', why: 'no answer at all' },
  { bytes: 'HTTP/1.1 200 OK\r\n', code: 'upstream-malformed', why: 'a head that is cut' },
  {
    bytes: 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(101),
    code: 'upstream-malformed',
    why: 'a flood of interim responses',
  },
  {
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX',
    code: 'upstream-malformed',
    why: 'a chunk that does not end',
  },
]
for (const { bytes, code, why } of failures) {
  t.test(`${code}, once: ${why}`, async (t) => {
    const { near, far, events, until, tick } = await connectedPair(t)
    near.begin(requestOf('GET'))
    near.expect(1000)
    far.end(bytes)
    await until(`failure ${code}`)
    await once(near.socket, 'close')
    tick(5000)
    t.equal(events.filter((event) => event.startsWith('failure')).length, 1)
    t.equal(near.isReusable, false)
  })
}

/** A client that keeps what it gets as it is, and holds it or not; an upstream that sends so many letters, whatever came before. */
async function keepingPair(t: Test) {
  const parts: Buffer[] = []
  const client = { holds: true }
  const pair = await connectedPair(t, {
    onResponseData: (bytes) => void parts.push(bytes),
    isReadInUse: () => client.holds,
  })
  const read = () => parts.reduce((sum, { length }) => sum + length, 0)
  const send = async (letter: string, count: number) => {
    const wanted = read() + count
    pair.far.write(Buffer.alloc(count, letter))
    while (read() < wanted) await new Promise((resolve) => setImmediate(resolve))
  }
  return { ...pair, parts, client, send }
}

const whole = 1 << 20
const headOf = (bytes: number) => `HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`

t.test(
  'memory that a client still holds is not read into, also by the next response',
  async (t) => {
    const { near, far, sink, parts, client, send, until } = await keepingPair(t)
    near.begin(requestOf('GET'))
    far.write(headOf(whole))
    await send('a', whole)
    await until('end ')
    const first = parts.splice(0)
    near.rest()
    client.holds = false
    near.take(sink)
    near.begin(requestOf('GET'))
    far.write(headOf(whole))
    await send('b', whole)
    t.ok(first.every((part) => part.equals(Buffer.alloc(part.length, 'a'))))
  },
)

t.test('memory that a client has let go is read into again', async (t) => {
  const { near, far, parts, client, send } = await keepingPair(t)
  near.begin(requestOf('GET'))
  far.write(headOf(whole))
  await send('a', whole / 2)
  const before = new Set(parts.splice(0).map(({ buffer }) => buffer))
  client.holds = false
  await send('b', whole / 4)
  client.holds = true
  await send('c', whole / 4)
  t.ok(parts.some(({ buffer }) => before.has(buffer)))
})
