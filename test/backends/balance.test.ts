// Which endpoint of a Service gets a request: hashing, latency, slow start and zones, over real sockets.

import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { freshSeed, seededRandom } from '../support/random-bytes.ts'
import { connectRaw } from '../support/raw-client.ts'
import { answer, countBodies, send, start, startNamed } from './stage.ts'

const keys = [
  { key: { from: 'address' }, asked: (n: number) => ({ from: `127.0.0.${n + 2}` }) },
  { key: { from: 'header', name: 'x-user' }, asked: (n: number) => ({ fields: [`X-User: ${n}`] }) },
  {
    key: { from: 'cookie', name: 'session' },
    asked: (n: number) => ({ fields: [`Cookie: a=b; session=${n}`] }),
  },
  { key: { from: 'path' }, asked: (n: number) => ({ path: `/${n}?x=${Math.random()}` }) },
] as const

for (const { key, asked } of keys) {
  t.test(`by ${key.from}: a key keeps its endpoint, also when another one goes`, async (t) => {
    const upstreams = await Promise.all(['a', 'b', 'c', 'd'].map((name) => startNamed(t, name)))
    const table = (endpoints: typeof upstreams) => ({
      routes: [{ backend: { balance: { kind: 'hash', key } as const } }],
      endpoints: { web: endpoints },
    })
    const proxy = await start(t, table(upstreams))
    const endpointOf = async () => {
      const bodies: string[] = []
      for (let n = 0; n < 40; n += 1) bodies.push((await send(proxy, asked(n))).body)
      return bodies
    }
    const before = await endpointOf()
    t.same(await endpointOf(), before)
    t.same(new Set(before), new Set(['a', 'b', 'c', 'd']), 'all are used')
    proxy.apply(table(upstreams.slice(1)))
    const after = await endpointOf()
    const moved = after.flatMap((name, n) => (name === before[n] ? [] : [before[n]]))
    t.same(new Set(moved), new Set(['a']), 'only the keys of the one that went')
  })
}

t.test('with bounded load a key that is too busy is spread', async (t) => {
  const waiting: (() => void)[] = []
  const slow = (name: string) =>
    startNamed(t, name, {
      onRequest: (_, side) => {
        waiting.push(() => side.send(answer(name)))
        return undefined
      },
    })
  const upstreams = [await slow('a'), await slow('b'), await slow('c')]
  const key = { from: 'host' } as const
  const proxy = await start(t, {
    routes: [{ backend: { balance: { kind: 'hash', key, loadFactor: 1.5 } } }],
    endpoints: { web: upstreams },
  })
  const clients = await Promise.all(Array.from({ length: 30 }, () => connectRaw(proxy.port)))
  const seen = () => upstreams.map(({ requests }) => requests.length)
  for (const [index, client] of clients.entries()) {
    client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
    while (seen().reduce((sum, count) => sum + count) <= index) await delay(1)
  }
  // One key, 30 requests at a time: none above ⌈1.5 × 30 / 3⌉.
  t.ok(Math.max(...seen()) <= 15, `${seen()}`)
  t.ok(Math.max(...seen()) >= 14, `the key's own endpoint is full first: ${seen()}`)
  for (const respond of waiting) respond()
  for (const client of clients) client.close()
})

t.test('peak EWMA sends less to an endpoint that is slow', async (t) => {
  const slow = await startNamed(t, 'slow', {
    onRequest: (_, side) => {
      setTimeout(() => side.send(answer('slow')), 60)
      return undefined
    },
  })
  const quick = await startNamed(t, 'quick')
  const proxy = await start(t, {
    random: seededRandom(7),
    routes: [{ backend: { balance: { kind: 'peak-ewma' } } }],
    endpoints: { web: [slow, quick] },
  })
  const { slow: few = 0, quick: many = 0 } = await countBodies(proxy, 60)
  t.ok(few >= 1 && few <= 5, `${few} slow, ${many} quick`)
})

t.test('slow start: a new endpoint gets a share that grows', async (t) => {
  const clock = new ManualClock()
  const [old, fresh] = [await startNamed(t, 'old'), await startNamed(t, 'fresh')]
  const table = (endpoints: (typeof old)[]) => ({
    routes: [{ backend: { slowStart: { windowMs: 100_000 } } }],
    endpoints: { web: endpoints },
  })
  const random = seededRandom(freshSeed((text) => t.comment(text)))
  const proxy = await start(t, { clock, random, ...table([old]) })
  clock.advance(200_000)
  proxy.apply(table([old, fresh]))
  const { fresh: cold = 0 } = await countBodies(proxy, 200)
  // A tenth against one: 18 of 200.
  t.ok(cold > 3 && cold < 45, `${cold} of 200 while it is cold`)
  clock.advance(100_000)
  t.same(await countBodies(proxy, 100), { old: 50, fresh: 50 })
})

t.test('a Service that prefers zones is served from the own one, while that serves', async (t) => {
  const [here, there] = [await startNamed(t, 'here'), await startNamed(t, 'there')]
  const at = ({ address, port }: typeof here, zone: string) => ({
    ...{ address, port },
    places: { zones: [zone] },
  })
  const table = (...endpoints: readonly ReturnType<typeof at>[]) => ({
    routes: [{}],
    endpoints: { web: endpoints },
  })
  const proxy = await start(t, {
    flags: ['--zone', 'eu-1a'],
    ...table(at(here, 'eu-1a'), at(there, 'eu-1b')),
  })
  t.same(await countBodies(proxy, 10), { here: 10 })
  await here.close()
  t.same(await countBodies(proxy, 10), { there: 10 }, 'a retry leaves the zone')
  proxy.apply(table(at(there, 'eu-1b')))
  t.same(await countBodies(proxy, 2), { there: 2 })
})
