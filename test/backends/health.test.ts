// Endpoints and Services that do not serve as they should: outliers, health checks and circuit breakers, over real sockets.
import t, { type Test } from 'tap'
import type { HealthCheck } from '../../shared/routing/backend.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { startBlackhole } from '../support/blackhole.ts'
import { connectRaw } from '../support/raw-client.ts'
import type { ScriptedUpstream } from '../support/upstream.ts'
import { answer, type Backend, countBodies, send, start, startNamed } from './stage.ts'

const refusing = { address: '127.0.0.1', port: 1 }

/** An upstream that answers with its name and a status that can be set. */
async function startMoody(t: Test, name: string) {
  const mood = { status: 200 }
  const upstream = await startNamed(t, name, { onRequest: () => answer(name, mood.status) })
  return { upstream, mood }
}

async function startWith(t: Test, backend: Backend, endpoints: readonly ScriptedUpstream[]) {
  const clock = new ManualClock()
  const proxy = await start(t, { clock, routes: [{ backend }], endpoints: { web: endpoints } })
  return { clock, proxy }
}

// ── outliers ────────────────────────────────────────────────────────────────────────────────────

t.test('5xx in a row eject an endpoint where a route counts them', async (t) => {
  const [good, bad] = [await startMoody(t, 'good'), await startMoody(t, 'bad')]
  bad.mood.status = 500
  const outlier = { consecutive5xx: 3, ejectMs: 5000 }
  const { clock, proxy } = await startWith(t, { outlier }, [good.upstream, bad.upstream])
  t.same(await countBodies(proxy, 6), { good: 3, bad: 3 })
  t.same(await countBodies(proxy, 10), { good: 10 }, 'three in a row')
  clock.advance(100)
  await eventually('counted', () => proxy.counter('weir_endpoints', { state: 'ejected' }) === 1)
  t.equal(proxy.counter('weir_endpoints', { state: 'serving' }), 1)
  bad.mood.status = 200
  clock.advance(5100)
  t.same(await countBodies(proxy, 10), { good: 5, bad: 5 })
})

t.test('without being asked 5xx say nothing against an endpoint', async (t) => {
  const [good, bad] = [await startMoody(t, 'good'), await startMoody(t, 'bad')]
  bad.mood.status = 503
  const { proxy } = await startWith(t, {}, [good.upstream, bad.upstream])
  t.same(await countBodies(proxy, 40), { good: 20, bad: 20 })
})

t.test('when all answer 5xx at most half are ejected', async (t) => {
  const moody = [await startMoody(t, 'a'), await startMoody(t, 'b'), await startMoody(t, 'c')]
  for (const { mood } of moody) mood.status = 502
  const outlier = { consecutive5xx: 1 }
  const upstreams = moody.map(({ upstream }) => upstream)
  const { proxy } = await startWith(t, { outlier }, upstreams)
  await countBodies(proxy, 6)
  t.equal(Object.keys(await countBodies(proxy, 12)).length, 2)
})

// ── health checks ───────────────────────────────────────────────────────────────────────────────

const check: HealthCheck = {
  path: '/ready',
  host: 'check.test',
  intervalMs: 1000,
  timeoutMs: 500,
  healthy: 2,
  unhealthy: 2,
  statuses: [{ from: 200, to: 299 }],
}

t.test('an endpoint whose checks fail is passed over until they pass again', async (t) => {
  const [good, bad] = [await startMoody(t, 'good'), await startMoody(t, 'bad')]
  const { clock, proxy } = await startWith(t, { healthCheck: check }, [good.upstream, bad.upstream])
  const checksOf = ({ requests }: ScriptedUpstream) =>
    requests.filter(({ target }) => target === '/ready')
  /** Lets `times` more checks of an endpoint be answered. */
  const untilChecked = async (upstream: ScriptedUpstream, times: number) => {
    const wanted = checksOf(upstream).length + times
    await eventually(
      'checked',
      () => checksOf(upstream).filter((it) => it.complete).length >= wanted,
      () => clock.advance(100),
    )
    // Its answer is on the way.
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.same(await countBodies(proxy, 4), { good: 2, bad: 2 }, 'a new endpoint is healthy')
  bad.mood.status = 404
  await untilChecked(bad.upstream, 2)
  t.same(await countBodies(proxy, 6), { good: 6 })
  clock.advance(100)
  await eventually('counted', () => proxy.counter('weir_endpoints', { state: 'unhealthy' }) === 1)
  bad.mood.status = 200
  await untilChecked(bad.upstream, 2)
  t.same(await countBodies(proxy, 6), { good: 3, bad: 3 })
  const [first] = checksOf(bad.upstream)
  t.equal(first?.method, 'GET')
  t.same(
    first?.fields.filter(([name]) => /host|user-agent/i.test(name)),
    [
      ['Host', 'check.test'],
      ['User-Agent', 'weir-health-check'],
    ],
  )
  t.equal(
    proxy.log().filter(({ path }) => path === '/ready').length,
    0,
    "checks are not the clients' traffic",
  )

  proxy.apply({ routes: [{}], endpoints: { web: [good.upstream, bad.upstream] } })
  const before = checksOf(bad.upstream).length
  clock.advance(10_000)
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.equal(checksOf(bad.upstream).length, before, 'no route asks any more')
})

t.test('when all are unhealthy they serve all the same', async (t) => {
  const { upstream, mood } = await startMoody(t, 'web')
  const healthCheck = { ...check, unhealthy: 1 }
  const { clock, proxy } = await startWith(t, { healthCheck }, [upstream])
  mood.status = 500
  await eventually(
    'checked',
    () => upstream.requests.length > 0,
    () => clock.advance(100),
  )
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.equal((await send(proxy)).body, 'web')
})

// ── circuit breakers ────────────────────────────────────────────────────────────────────────────

t.test('after failures in a row requests fail at once, then single ones try', async (t) => {
  const { upstream, mood } = await startMoody(t, 'web')
  const breaker = { consecutiveFailures: 3, openMs: 5000 }
  const { clock, proxy } = await startWith(t, { breaker }, [upstream])
  const statuses = async (times: number) => {
    const seen: number[] = []
    for (let count = 0; count < times; count += 1) seen.push((await send(proxy)).status)
    return seen
  }
  mood.status = 500
  t.same(await statuses(5), [500, 500, 500, 503, 503])
  t.match(await send(proxy), { status: 503, body: /circuit-open/ })
  t.equal(upstream.requests.length, 3, 'nothing reaches the Service')
  clock.advance(5100)
  t.same(await statuses(2), [500, 503], 'one tries, and fails')
  mood.status = 200
  clock.advance(5100)
  t.same(await statuses(3), [200, 200, 200])
})

t.test('refused connections open it, too', async (t) => {
  const proxy = await start(t, {
    routes: [{ backend: { breaker: { consecutiveFailures: 2 } } }],
    endpoints: { web: [refusing] },
  })
  const bodies = [await send(proxy), await send(proxy), await send(proxy)].map(({ body }) => body)
  t.match(bodies, [/connect-failed/, /connect-failed/, /circuit-open/])
})

t.test('more requests in flight than it allows are refused', async (t) => {
  const waiting: (() => void)[] = []
  const upstream = await startNamed(t, 'web', {
    onRequest: (_, side) => {
      waiting.push(() => side.send(answer('web')))
      return undefined
    },
  })
  const { proxy } = await startWith(t, { breaker: { maxRequests: 2 } }, [upstream])
  const held = [send(proxy), send(proxy)]
  await eventually('two are in flight', () => waiting.length === 2)
  t.match(await send(proxy), { status: 503, body: /circuit-full/ })
  for (const respond of waiting.splice(0)) respond()
  t.same(
    (await Promise.all(held)).map(({ status }) => status),
    [200, 200],
  )
  const again = send(proxy)
  await eventually('the next one is in flight', () => waiting.length === 1)
  for (const respond of waiting.splice(0)) respond()
  t.equal((await again).status, 200)
})

t.test('more connections being opened than it allows are refused', async (t) => {
  const hole = await startBlackhole()
  t.teardown(() => hole.close())
  const proxy = await start(t, {
    flags: ['--retries', '0'],
    routes: [{ backend: { breaker: { maxPending: 1 } } }],
    endpoints: { web: [hole] },
  })
  const client = await connectRaw(proxy.port)
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await eventually('one is being opened', () => proxy.plane.inFlight === 1)
  t.match(await send(proxy), { status: 503, body: /circuit-full/ })
  client.close()
  await eventually('it is given up', () => proxy.plane.inFlight === 0)
})
