// Clients that are slow on purpose: they cost their own connection, in bounded time and memory, and nobody else anything.
// Sources: reliability bars for slow header senders, slow body senders and slow readers; RFC 9110 §15.5.9 (408).
import { readdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import { eventually } from '../shared/testing/eventually.ts'
import { ManualClock } from '../shared/testing/manual-clock.ts'
import { until } from './support/ask.ts'
import { type InProcess, type InProcessOptions, startInProcess } from './support/in-process.ts'
import { heldBy, untilQuiet, untilStill } from './support/quiet.ts'
import { connectRaw, fieldsOf, type RawClient, requestOnce } from './support/raw-client.ts'
import {
  okResponse,
  type Script,
  type ScriptedUpstream,
  startScripted,
} from './support/upstream.ts'

const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'
const many = 300

interface Stage {
  readonly proxy: InProcess
  readonly upstream: ScriptedUpstream
}

async function stage(t: Test, options: InProcessOptions = {}, script?: Script): Promise<Stage> {
  const upstream = await startScripted(script)
  const proxy = await startInProcess({ endpoints: { web: [upstream] }, ...options })
  t.teardown(async () => {
    await proxy.close()
    await upstream.close()
  })
  return { proxy, upstream }
}

function connectMany(port: number, count: number): Promise<RawClient[]> {
  return Promise.all(Array.from({ length: count }, () => connectRaw(port)))
}

/** What was sent over loopback is read within a turn; a timer could fire before it on a busy machine. */
async function untilRead(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

// ── time limits ─────────────────────────────────────────────────────────────────────────────────

for (const { stepMs, why } of [
  { stepMs: 100, why: 'ten bytes a second' },
  { stepMs: 900, why: 'a byte now and then' },
  { stepMs: 60_000, why: 'nothing after the first byte' },
]) {
  t.test(`a head has 10 s from its first byte: ${why}`, async (t) => {
    const clock = new ManualClock()
    const { proxy, upstream } = await stage(t, { clock })
    const client = await connectRaw(proxy.port)
    await eventually('accepted', () => heldBy(proxy).clientsIdle === 1)
    // The time before the first byte is not the head's.
    clock.advance(30_000)
    const text = `GET / HTTP/1.1\r\nHost: a.test\r\nX-Slow: ${'x'.repeat(500)}`
    let sentMs = 0
    for (let at = 0; sentMs < 9_900; at += 1) {
      client.send(text[at] ?? 'x')
      await untilRead()
      const step = Math.min(stepMs, 9_900 - sentMs)
      clock.advance(step)
      sentMs += step
    }
    t.equal(client.text, '', 'patient until then')
    clock.advance(300)
    const response = await client.response()
    t.equal(response.status, 408)
    t.same(fieldsOf(response, 'connection'), ['close'])
    t.match(response.body, 'request-timeout')
    t.equal(await client.whenEnded(), 'fin')
    client.close()
    await untilQuiet(proxy)
    t.match(proxy.log(), [{ status: 408, error: 'request-timeout' }])
    t.equal(upstream.requests.length, 0)
  })
}

t.test('the second request of a connection has the same limit', async (t) => {
  const clock = new ManualClock()
  const { proxy } = await stage(t, { clock })
  const client = await connectRaw(proxy.port)
  t.equal((await client.request(get)).status, 200)
  clock.advance(50_000)
  client.send('GET / HT')
  await untilRead()
  clock.advance(9_000)
  t.equal(client.responses.length, 1)
  clock.advance(1_500)
  t.equal((await client.response()).status, 408)
  t.equal(await client.whenEnded(), 'fin')
  client.close()
  await untilQuiet(proxy)
})

for (const [why, body] of [
  ['a length', 'Content-Length: 1000\r\n\r\n'],
  ['chunks', 'Transfer-Encoding: chunked\r\n\r\n3e8\r\n'],
] as const) {
  t.test(`a body with ${why} may take for ever, but not be silent for 60 s`, async (t) => {
    const clock = new ManualClock()
    const { proxy, upstream } = await stage(t, { clock })
    const client = await connectRaw(proxy.port)
    client.send(`POST / HTTP/1.1\r\nHost: a.test\r\n${body}`)
    await eventually('the head is upstream', () => upstream.requests.length === 1)
    for (let count = 1; count <= 10; count += 1) {
      client.send('x')
      await eventually('the byte is upstream', () => upstream.requests[0]?.bodyBytes === count)
      clock.advance(59_000)
    }
    t.equal(client.text, '', 'ten minutes of drips')
    clock.advance(1_500)
    const response = await client.response()
    t.equal(response.status, 408)
    t.equal(await client.whenEnded(), 'fin')
    t.notOk(upstream.requests[0]?.complete)
    await eventually('the upstream is let go', () => upstream.connections[0]?.ended !== 'open')
    client.close()
    await untilQuiet(proxy)
  })
}

t.test('an unused connection is closed after 75 s, by FIN and without an answer', async (t) => {
  const clock = new ManualClock()
  const { proxy } = await stage(t, { clock })
  const fresh = await connectRaw(proxy.port)
  const used = await connectRaw(proxy.port)
  t.equal((await used.request(get)).status, 200)
  await eventually('both are idle', () => heldBy(proxy).clientsIdle === 2)
  clock.advance(74_800)
  // Longer than the 60 s after which the load balancer closes.
  t.same([fresh.ended, used.ended], ['open', 'open'])
  t.equal((await used.request(get)).status, 200)
  clock.advance(400)
  t.equal(await fresh.whenEnded(), 'fin')
  t.equal(fresh.text, '')
  t.equal(used.ended, 'open', 'its time began anew')
  clock.advance(75_200)
  t.equal(await used.whenEnded(), 'fin')
  fresh.close()
  used.close()
  await untilQuiet(proxy)
  t.equal(proxy.log().length, 2)
})

t.test('a client that takes nothing for 60 s is cut', async (t) => {
  const clock = new ManualClock()
  const size = 64 << 20
  const part = Buffer.alloc(1 << 20, 'x')
  const script: Script = {
    onRequest: (_, side) => {
      side.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      for (let sent = 0; sent < size; sent += part.length) side.send(part)
      return undefined
    },
  }
  const { proxy, upstream } = await stage(t, { clock }, script)
  const client = await connectRaw(proxy.port)
  client.send(get)
  await client.head()
  client.socket.pause()
  const left = () => upstream.connections[0]?.socket.writableLength ?? 0
  await untilStill('the upstream', left)
  t.ok(left() > size / 2, `${left()} bytes wait at the upstream, not in the proxy`)
  clock.advance(59_000)
  t.equal(heldBy(proxy).inFlight, 1)
  clock.advance(1_500)
  await eventually('the upstream is let go', () => upstream.connections[0]?.ended !== 'open')
  client.socket.resume()
  t.equal(await client.whenEnded(), 'reset')
  client.close()
  await untilQuiet(proxy)
  t.equal(proxy.log().length, 1)
})

t.test('a client that sends requests and takes no answers stops being read', async (t) => {
  const body = 'x'.repeat(32_768)
  const script: Script = {
    onRequest: () => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  }
  const { proxy, upstream } = await stage(t, {}, script)
  const client = await connectRaw(proxy.port)
  client.socket.pause()
  const total = 4000
  client.send(get.repeat(total))
  const before = await untilStill('what the proxy asks', () => upstream.requests.length)
  t.ok(before < total / 2, `${before} of ${total} requests were served`)
  client.close()
  await untilQuiet(proxy)
})

// ── many of them at once ────────────────────────────────────────────────────────────────────────

/** Normal traffic: each request must be answered, whatever the slow ones do. */
async function servesNormally(t: Test, proxy: InProcess): Promise<void> {
  const client = await connectRaw(proxy.port)
  let worstMs = 0
  for (let count = 0; count < 200; count += 1) {
    const begun = performance.now()
    const { status } = await client.request(get)
    if (status !== 200) t.fail(`${status} beside slow clients`)
    worstMs = Math.max(worstMs, performance.now() - begun)
  }
  client.close()
  t.comment(`slowest of 200 normal requests: ${worstMs.toFixed(1)} ms`)
}

const openDescriptors = () => readdirSync('/proc/self/fd').length

t.test(`${many} slow header senders, body senders and readers leave nothing behind`, async (t) => {
  const clock = new ManualClock()
  // More than the kernel takes for two connections, so that the proxy has to hold its sender back.
  const big = Buffer.alloc(48 << 20, 'x')
  const script: Script = {
    onRequest: (request, side) => {
      if (request.target !== '/big') return okResponse
      side.send(`HTTP/1.1 200 OK\r\nContent-Length: ${big.length}\r\n\r\n`)
      side.send(big)
      return undefined
    },
  }
  const { proxy, upstream } = await stage(t, { clock, flags: ['--access-log', 'off'] }, script)
  await servesNormally(t, proxy)
  const base = openDescriptors()
  const kinds = [
    { name: 'header senders', text: 'GET / HTTP/1.1\r\nHost: a.te', held: 'clientsIdle' },
    {
      name: 'body senders',
      text: 'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nx',
      held: 'clientsActive',
    },
    { name: 'readers', text: get.replace('/', '/big'), held: 'clientsActive' },
  ] as const
  for (const { name, text, held } of kinds) {
    const slow = await connectMany(proxy.port, name === 'readers' ? many / 10 : many)
    for (const client of slow) {
      if (name === 'readers') client.socket.pause()
      client.send(text)
    }
    await eventually(`all ${name} are there`, () => heldBy(proxy)[held] === slow.length)
    await servesNormally(t, proxy)
    for (let second = 0; second < 70; second += 1) clock.advance(1000)
    await eventually('all are ended by the proxy', () => heldBy(proxy).clientsActive === 0)
    for (const client of slow) client.socket.resume()
    await Promise.all(slow.map((client) => client.whenEnded()))
    const answers = new Set(slow.map(({ responses }) => responses[0]?.status))
    t.same([...answers], [name === 'readers' ? 200 : 408], name)
    for (const client of slow) client.close()
    await untilQuiet(proxy, () => clock.advance(100))
  }
  await eventually('connections to the upstream are closed', () => {
    return upstream.connections.every(({ ended }) => ended !== 'open')
  })
  await eventually('descriptors are back', () => openDescriptors() <= base)
  t.ok(openDescriptors() <= base, `${openDescriptors()} descriptors, ${base} before`)
  await servesNormally(t, proxy)
})

// ── the limit of connections ────────────────────────────────────────────────────────────────────

t.test(
  'connections beyond the limit are told so and closed; places become free again',
  async (t) => {
    const { proxy } = await stage(t, { flags: ['--max-connections', '10'] })
    const inside = await connectMany(proxy.port, 10)
    for (const client of inside) t.equal((await client.request(get)).status, 200)
    const wrong: string[] = []
    const outside = Array.from({ length: 200 }, async (_, index) => {
      const client = await connectRaw(proxy.port)
      // Some speak first, some wait: all must read why, and not be cut by a reset before they have.
      if (index % 2 === 0) client.send(get)
      const response = await client.response()
      const isClear =
        response.status === 503 &&
        response.body.includes('over-capacity') &&
        fieldsOf(response, 'connection')[0] === 'close'
      if (!isClear) wrong.push(`${response.status} ${response.body}`)
      const ended = await client.whenEnded()
      if (ended !== 'fin') wrong.push(ended)
      client.close()
    })
    const results = await Promise.allSettled(outside)
    for (const result of results) {
      if (result.status === 'rejected') wrong.push(String(result.reason))
    }
    t.same(wrong, [])
    t.equal((await inside[0]?.request(get))?.status, 200, 'those inside are served on')
    inside.pop()?.close()
    await until(
      'a place is free',
      // Refused with an answer, or cut before it is read.
      () => requestOnce(proxy.port, get).catch(() => undefined),
      (response) => response?.status === 200,
    )
    for (const client of inside) client.close()
    await untilQuiet(proxy)
  },
)

t.test(
  'a process that uses too much memory refuses new connections and serves the others',
  async (t) => {
    const { proxy } = await stage(t)
    const inside = await connectRaw(proxy.port)
    t.equal((await inside.request(get)).status, 200)
    proxy.plane.setRefusing(true)
    t.match(await requestOnce(proxy.port, get), { status: 503, body: /over-capacity/ })
    t.equal((await inside.request(get)).status, 200)
    proxy.plane.setRefusing(false)
    t.equal((await requestOnce(proxy.port, get)).status, 200)
    inside.close()
    await untilQuiet(proxy)
  },
)
