// Limits over sockets: how fast requests may come, and how many at a time.
import t from 'tap'
import { filterKinds } from '../../shared/routing/filters/kinds.ts'
import type { FilterSketch } from '../../shared/routing/testing/route.ts'
import { createCounterMemory, openCounterTable } from '../../shared/shared-counters.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { get, head, startPair } from '../exchange/pair.ts'
import { ask, problemsOf } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { connectRaw, fieldsOf } from '../support/raw-client.ts'
import { okResponse, startScripted, type UpstreamSide } from '../support/upstream.ts'

/** A filter with what its kind has for the rest. */
function filterOf(sketch: FilterSketch): FilterSketch {
  return { ...filterKinds.get(sketch.kind)?.defaults, ...sketch }
}

const perMinute = (limit: number, parts: object = {}) =>
  filterOf({ kind: 'rate-limit', limit, windowMs: 60_000, ...parts })

t.test('who comes too fast gets 429 with the time to wait, upstream gets nothing', async (t) => {
  const { dataPlane, upstream, clock, connect } = await startPair(t, {
    routes: [{ filters: [perMinute(2)] }],
  })
  const client = await connect()
  const statuses = []
  for (let at = 0; at < 3; at += 1) statuses.push((await client.request(get)).status)
  t.strictSame(statuses, [200, 200, 429])
  clock.advance(10_000)
  const refused = await client.request(get)
  t.equal(refused.status, 429, 'the connection is kept')
  t.match(refused.body, /^429 rate-limited\nToo many requests\.\nRequest id: /)
  t.strictSame(fieldsOf(refused, 'retry-after'), ['20'])
  t.strictSame(fieldsOf(refused, 'ratelimit-policy'), ['"requests";q=2;w=60'])
  t.strictSame(fieldsOf(refused, 'ratelimit'), ['"requests";r=0;t=20'])
  t.equal(upstream.requests.length, 2)
  t.match(dataPlane.log()[2], { status: 429, error: 'rate-limited' })
  const labels = { namespace: 'default', ingress: 'rules', service: 'web', code: 'rate-limited' }
  t.equal(dataPlane.counter('weir_failures_total', labels), 2)
})

t.test('clients are told apart by the address that a trusted proxy names', async (t) => {
  const { dataPlane } = await startPair(t, {
    routes: [{ filters: [perMinute(1)] }],
    flags: ['--trusted-proxies', '127.0.0.1/32'],
  })
  const from = async (address: string) =>
    (await ask(dataPlane.port, { host: 'a.test', fields: [`X-Forwarded-For: ${address}`] })).status
  t.equal(await from('192.0.2.1'), 200)
  t.equal(await from('192.0.2.1'), 429)
  t.equal(await from('192.0.2.2'), 200)
  t.equal(await from('2001:db8::1'), 200)
  t.equal(await from('2001:db8::2'), 429, 'one /64 is one client')
})

t.test('the body of a refused request is not waited for', async (t) => {
  const { connect } = await startPair(t, {
    routes: [{ filters: [perMinute(1, { key: { from: 'route' } })] }],
  })
  const first = await connect()
  t.equal((await first.request(get)).status, 200)
  const client = await connect()
  client.send(`${head('POST / HTTP/1.1', 'Content-Length: 1000000')}begin`)
  t.equal((await client.response()).status, 429)
})

t.test('workers count together', async (t) => {
  const clock = new ManualClock()
  const memory = createCounterMemory(64)
  const start = () =>
    startPair(t, {
      routes: [{ filters: [perMinute(3)] }],
      shared: openCounterTable({ memory, nowMicros: () => clock.now() * 1000 }),
    })
  const workers = [await start(), await start()]
  const statuses = async () => {
    const seen = []
    for (const { dataPlane } of [...workers, ...workers]) {
      seen.push((await ask(dataPlane.port, { host: 'a.test' })).status)
    }
    return seen
  }
  t.strictSame(await statuses(), [200, 200, 200, 429])
  clock.advance(20_000)
  t.strictSame(await statuses(), [200, 429, 429, 429])
})

t.test('a change of the table forgets no count', async (t) => {
  const { dataPlane, upstream } = await startPair(t, { routes: [{ filters: [perMinute(1)] }] })
  t.equal((await ask(dataPlane.port, { host: 'a.test' })).status, 200)
  dataPlane.apply({
    routes: [{ filters: [perMinute(1)] }, { path: '/new' }],
    endpoints: { web: [upstream] },
  })
  t.equal((await ask(dataPlane.port, { host: 'a.test' })).status, 429)
  t.equal((await ask(dataPlane.port, { host: 'a.test', path: '/new' })).status, 200)
})

// ── how many at a time ──────────────────────────────────────────────────────────────────────────

/** A route with one place and this queue; its upstream keeps each request until it is told to answer. */
async function oneAtATime(t: Parameters<typeof startPair>[0], parts: object) {
  const held: UpstreamSide[] = []
  const pair = await startPair(t, {
    routes: [{ filters: [filterOf({ kind: 'concurrency', limit: 1, ...parts })] }],
    script: {
      onRequest(_, side) {
        held.push(side)
        return undefined
      },
    },
  })
  return {
    ...pair,
    held,
    answer: () => held.shift()?.send(okResponse),
    /** Sends a request whose path is `name` and waits until upstream has `seen` requests. */
    async send(name: string, seen: number) {
      const client = await pair.connect()
      client.send(get.replace('/', `/${name}`))
      await eventually(
        'it has gone as far as it gets',
        () => pair.upstream.requests.length === seen,
      )
      return client
    },
  }
}

const orders: { order: string; served: string[] }[] = [
  { order: 'fifo', served: ['/first', '/second', '/third'] },
  { order: 'lifo', served: ['/first', '/third', '/second'] },
]

for (const { order, served } of orders) {
  t.test(`who waits is served when there is a place: ${order}`, async (t) => {
    const { dataPlane, upstream, send, answer } = await oneAtATime(t, { queue: 5, order })
    const inFlight = (count: number) =>
      eventually(`${count} are known`, () => dataPlane.plane.inFlight === count)
    const clients = [await send('first', 1)]
    for (const [at, name] of ['second', 'third'].entries()) {
      clients.push(await send(name, 1))
      await inFlight(at + 2)
    }
    for (let seen = 1; seen <= 3; seen += 1) {
      await eventually('the next goes upstream', () => upstream.requests.length === seen)
      answer()
    }
    for (const client of clients) t.equal((await client.response()).status, 200)
    t.strictSame(
      upstream.requests.map(({ target }) => target),
      served,
    )
  })
}

t.test('who finds no place in the queue gets 503', async (t) => {
  const { send, connect, held, answer } = await oneAtATime(t, {})
  const first = await send('first', 1)
  const second = await connect()
  const refused = await second.request(get)
  t.equal(refused.status, 503)
  t.match(refused.body, /^503 concurrency-limited\n.*\nRequest id: /)
  answer()
  t.equal((await first.response()).status, 200)
  second.send(get)
  await eventually('it goes upstream', () => held.length === 1)
  answer()
  t.equal((await second.response()).status, 200, 'on the same connection')
})

t.test('nobody waits longer than the route allows', async (t) => {
  const { dataPlane, send, clock } = await oneAtATime(t, { queue: 1, maxWaitMs: 300 })
  await send('first', 1)
  const second = await send('second', 1)
  await eventually('it waits', () => dataPlane.plane.inFlight === 2)
  clock.advance(299)
  t.equal(second.responses.length, 0)
  clock.advance(1)
  t.equal((await second.response()).status, 503)
})

t.test('a client that goes away leaves the queue, or its place', async (t) => {
  const { dataPlane, upstream, send } = await oneAtATime(t, { queue: 1 })
  const first = await send('first', 1)
  const second = await send('second', 1)
  await eventually('it waits', () => dataPlane.plane.inFlight === 2)
  second.socket.resetAndDestroy()
  await eventually('it is gone', () => dataPlane.plane.inFlight === 1)
  t.match(dataPlane.log(), [{ path: '/second', status: 499, error: 'client-closed' }])
  const third = await send('third', 1)
  await eventually('it waits', () => dataPlane.plane.inFlight === 2)
  t.equal(third.responses.length, 0, 'there was room in the queue')
  first.socket.resetAndDestroy()
  await eventually('the third goes upstream', () => upstream.requests.length === 2)
})

t.test('a request that fails gives its place back', async (t) => {
  const { dataPlane } = await startPair(t, {
    routes: [{ service: 'gone', filters: [filterOf({ kind: 'concurrency', limit: 1 })] }],
  })
  for (let at = 0; at < 3; at += 1) {
    const { status, body } = await ask(dataPlane.port, { host: 'a.test' })
    t.equal(status, 503)
    t.match(body, /^503 service-missing/)
  }
})

// ── as annotations ──────────────────────────────────────────────────────────────────────────────

t.test('annotations make limits, for all threads of the program', async (t) => {
  const held: UpstreamSide[] = []
  const slow = await startScripted({
    onRequest(_, side) {
      held.push(side)
      return undefined
    },
  })
  const quick = await startScripted()
  const ingress = (name: string, service: string, annotations: Readonly<Record<string, string>>) =>
    ingressOf(name, [{ host: `${name}.test`, service }], annotations)
  const folder = createManifestFolder([
    ingress('rate', 'quick', { 'weir.dev/rate-limit': '5/h' }),
    ingress('tenants', 'quick', {
      'weir.dev/rate-limit': '100/h',
      'weir.dev/rate-limit-burst': '1',
      'weir.dev/rate-limit-by': 'header:X-Tenant',
    }),
    ingress('bad', 'quick', { 'weir.dev/rate-limit': 'many' }),
    ingress('places', 'slow', {
      'weir.dev/concurrency': '2',
      'weir.dev/concurrency-max-wait': '200ms',
      'weir.dev/concurrency-queue': '2',
    }),
    ...serviceOf('slow', [slow]),
    ...serviceOf('quick', [quick]),
  ])
  const proxy = await startProxyProcess({
    flags: ['--manifests', folder.path, '--workers', '2', '--access-log', 'off'],
  })
  t.teardown(async () => {
    await proxy.stop()
    await Promise.all([slow.close(), quick.close()])
    folder.dispose()
  })

  await t.test('a rate, counted over both threads', async (t) => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => ask(proxy.port, { host: 'rate.test' })),
    )
    const statuses = answers.map(({ status }) => status).sort()
    t.strictSame(statuses, [...Array(5).fill(200), ...Array(7).fill(429)])
  })

  await t.test('a budget for each tenant', async (t) => {
    const of = async (tenant: string) =>
      (await ask(proxy.port, { host: 'tenants.test', fields: [`X-Tenant: ${tenant}`] })).status
    t.strictSame([await of('a'), await of('a'), await of('b'), await of('b')], [200, 429, 200, 429])
  })

  await t.test('a value that is none closes the route', async (t) => {
    const { status, body } = await ask(proxy.port, { host: 'bad.test' })
    t.equal(status, 503)
    t.match(body, /^503 policy-closed/)
    t.match(await problemsOf(proxy.adminPort), [
      { name: 'bad', field: 'metadata.annotations["weir.dev/rate-limit"]' },
    ])
  })

  await t.test('two at a time, who waits too long gets 503', async (t) => {
    // Each thread has one place and one in its queue; which of them gets a connection is the kernel's choice.
    const clients = await Promise.all(Array.from({ length: 8 }, () => connectRaw(proxy.port)))
    for (const client of clients) client.send('GET / HTTP/1.1\r\nHost: places.test\r\n\r\n')
    const refused = () => clients.filter(({ responses }) => responses[0]?.status === 503).length
    await eventually('all but two are refused', () => refused() + held.length === 8)
    t.ok(held.length === 1 || held.length === 2, `${held.length} went upstream`)
    for (const client of clients) client.close()
  })
})
