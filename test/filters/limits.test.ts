// Limits over sockets: how fast requests may come, and how many at a time.
import t from 'tap'
import { filterKinds } from '../../shared/routing/filters/kinds.ts'
import type { FilterSketch } from '../../shared/routing/testing/route.ts'
import { createCounterMemory, openCounterTable } from '../../shared/shared-counters.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { get, head, startPair } from '../exchange/pair.ts'
import { ask } from '../support/ask.ts'
import { fieldsOf } from '../support/raw-client.ts'

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
