import t from 'tap'
import { systemClock } from '../../shared/clock.ts'
import { filterKinds } from '../../shared/routing/filters/kinds.ts'
import { emptyRouter, findRoute } from '../../shared/routing/router/router.ts'
import {
  type Route,
  serviceOf,
  type TableDelta,
  type Upstream,
} from '../../shared/routing/table.ts'
import { compileContext } from '../../shared/routing/testing/filter-stage.ts'
import { type RouteSketch, routeOf } from '../../shared/routing/testing/route.ts'
import { createRecorder } from '../observe/recorder.ts'
import { createSlots } from '../observe/slot-allocator.ts'
import { Breakers } from '../upstream/circuit-breaker.ts'
import type { EndpointPool } from '../upstream/endpoint-pool.ts'
import { HealthChecks } from '../upstream/health-checks.ts'
import { testPools } from '../upstream/testing/pools.ts'
import type { LiveRoute } from './live-route.ts'
import { RouteSet } from './route-set.ts'

const route = (host: string, path: string, service: string, rest: RouteSketch = {}): Route =>
  routeOf({ host, path, service, namespace: 'd', ...rest })

/** A route's backend. */
const forwardOf = (live: LiveRoute | undefined) => live?.backend.destination.only

const upstreamOf = (service: string, ...numbers: number[]): Upstream => ({
  key: `d/${service}:80`,
  endpoints: numbers.map((number) => ({ address: `10.0.0.${number}`, port: 80 })),
})

/** A worker's routes; `apply` takes routes by host, and upstreams (undefined removes one). */
function setUp() {
  const { pools, time } = testPools()
  const recorder = createRecorder({ slots: createSlots(() => {}) })
  const random = () => 0
  const asked: EndpointPool[] = []
  const checks = new HealthChecks({
    time,
    random,
    call(pool, _, onResult) {
      asked.push(pool)
      queueMicrotask(() => onResult({ status: 200, fields: '', body: Buffer.alloc(0) }))
      return () => {}
    },
  })
  const set = new RouteSet({
    pools,
    checks,
    breakers: new Breakers(1, time),
    random,
    builder: {
      recorder,
      limits: { connectTimeoutMs: 1, responseTimeoutMs: 1, sendTimeoutMs: 1 },
      kinds: filterKinds,
      conditions: systemClock,
      balancing: { random, time },
      context: (routeKey) => compileContext({ routeKey }),
    },
  })
  let router = emptyRouter<LiveRoute>()
  let version = 0
  const apply = (
    hosts: Readonly<Record<string, readonly Route[]>>,
    upstreams: Readonly<Record<string, Upstream | undefined>> = {},
    fallback?: TableDelta['fallback'],
  ) => {
    version += 1
    const delta: TableDelta = {
      version,
      hosts: new Map(Object.entries(hosts)),
      upstreams: new Map(Object.entries(upstreams)),
      ...(fallback === undefined ? {} : { fallback }),
    }
    const before = router
    router = set.apply(router, delta)
    return router !== before
  }
  const find = (host: string, path = '/') => findRoute(router, host, path)
  return { set, apply, find, checks, asked, time }
}

const web = { 'd/web:80': upstreamOf('web', 1, 2) }

t.test('routes and upstreams of a delta are served', async (t) => {
  const { apply, find } = setUp()
  t.equal(apply({ 'a.test': [route('a.test', '/', 'web')] }, web), true)
  const live = find('a.test', '/x')
  t.equal(live && serviceOf(live.route), 'web')
  t.equal(live?.pipeline, undefined, 'a route that asks for nothing pays for nothing')
  t.same(
    forwardOf(live)?.upstream.pools.map((pool) => pool.name),
    ['10.0.0.1:80', '10.0.0.2:80'],
  )
  t.equal(find('b.test'), undefined)
})

t.test('hosts that did not change live on as they are', async (t) => {
  const { apply, find } = setUp()
  const both = { 'a.test': [route('a.test', '/', 'web')], 'b.test': [route('b.test', '/', 'web')] }
  apply(both, web)
  const before = find('a.test')
  apply({ 'b.test': [] })
  t.equal(find('a.test'), before)
  t.equal(find('b.test'), undefined)
})

t.test('new endpoints reach routes without building them anew', async (t) => {
  const { apply, find } = setUp()
  apply({ 'a.test': [route('a.test', '/', 'web')] }, web)
  const before = find('a.test')
  t.equal(apply({}, { 'd/web:80': upstreamOf('web', 2, 3) }), false, 'the router is the same')
  t.equal(find('a.test'), before)
  t.same(
    forwardOf(before)?.upstream.pools.map((pool) => pool.name),
    ['10.0.0.2:80', '10.0.0.3:80'],
  )
})

t.test('routes of one Service share its upstream, connections and health', async (t) => {
  const { apply, find } = setUp()
  apply({ 'a.test': [route('a.test', '/', 'web')], 'b.test': [route('b.test', '/', 'web')] }, web)
  t.equal(forwardOf(find('a.test'))?.upstream, forwardOf(find('b.test'))?.upstream)
  t.equal(forwardOf(find('a.test'))?.upstream.references, 2)
})

t.test('a route whose Service does not exist has an upstream that is not known', async (t) => {
  const { apply, find } = setUp()
  apply({ 'a.test': [route('a.test', '/', 'web')] })
  const upstream = forwardOf(find('a.test'))?.upstream
  t.equal(upstream?.isKnown, false)
  apply({}, web)
  t.equal(forwardOf(find('a.test'))?.upstream, upstream, 'and fills when the Service comes')
  t.equal(upstream?.isKnown, true)
  apply({}, { 'd/web:80': undefined })
  t.equal(upstream?.isKnown, false, 'and empties when it goes')
  t.same(upstream?.pools, [])
})

t.test('an upstream that nobody names and the table has not is forgotten', async (t) => {
  const { apply, find } = setUp()
  const routes = { 'a.test': [route('a.test', '/', 'web')] }
  apply(routes, web)
  const first = forwardOf(find('a.test'))?.upstream
  apply({ 'a.test': [] }, { 'd/web:80': undefined })
  t.equal(first?.references, 0)
  t.same(first?.pools, [])
  apply(routes, web)
  t.not(forwardOf(find('a.test'))?.upstream, first)
  apply({ 'a.test': [] })
  apply(routes)
  t.equal(forwardOf(find('a.test'))?.upstream.isKnown, true, 'one that the table has stays')
})

t.test('the fallback comes, changes, goes and keeps its upstream', async (t) => {
  const { set, apply } = setUp()
  apply({}, web, { route: route('', '/', 'web') })
  const first = set.fallback
  t.equal(forwardOf(first)?.upstream.references, 1)
  apply({ 'a.test': [] })
  t.equal(set.fallback, first, 'a delta that does not name it leaves it')
  apply({}, {}, { route: route('', '/', 'other') })
  t.equal(set.fallback && serviceOf(set.fallback.route), 'other')
  t.equal(forwardOf(first)?.upstream.references, 0)
  apply({}, {}, { route: undefined })
  t.equal(set.fallback, undefined)
})

t.test('policies are compiled when a route is built', async (t) => {
  const { apply, find } = setUp()
  apply(
    { 'a.test': [route('a.test', '/', 'web', { backend: { limits: { maxBodyBytes: 5 } } })] },
    web,
  )
  t.equal(find('a.test')?.backend.maxBodyBytes, 5)
})

t.test('a breaker lives on when its route is built anew, and goes with the last one', async (t) => {
  const { apply, find } = setUp()
  const breaker = { consecutiveFailures: 1 }
  const guarded = (path: string) => route('a.test', path, 'web', { backend: { breaker } })
  const breakerAt = (path: string) => forwardOf(find('a.test', path))?.breaker
  apply({ 'a.test': [guarded('/')] }, web)
  const first = breakerAt('/')
  first?.noteFailure()
  apply({ 'a.test': [guarded('/'), guarded('/x')] })
  t.equal(breakerAt('/'), first)
  t.equal(breakerAt('/x'), first, 'equal rules share one')
  t.equal(breakerAt('/')?.isOpen, true)
  apply({ 'a.test': [] })
  apply({ 'a.test': [guarded('/')] })
  t.not(breakerAt('/'), first)
})

t.test('endpoints are checked as long as a route wants it', async (t) => {
  const { apply, checks, asked, time } = setUp()
  const check = {
    ...{ path: '/ready', intervalMs: 1000, timeoutMs: 100, healthy: 1, unhealthy: 1 },
    statuses: [{ from: 200, to: 299 }],
  }
  const checked = route('a.test', '/', 'web', { backend: { healthCheck: check } })
  const later = async () => {
    time.now += 1100
    checks.tick()
    await Promise.resolve()
    return asked.splice(0).map(({ name }) => name)
  }
  apply({ 'a.test': [checked] }, web)
  await later()
  t.same((await later()).toSorted(), ['10.0.0.1:80', '10.0.0.2:80'])
  apply({ 'a.test': [route('a.test', '/', 'web')] })
  t.same(await later(), [])
})

t.test('regular expressions are anchored at the start; a bad one matches nothing', async (t) => {
  const { apply, find } = setUp()
  const regex = (path: string, service: string) =>
    route('a.test', path, service, { pathType: 'Regex' })
  apply({ 'a.test': [regex('/v[0-9]+/', 'good'), regex('/(', 'bad')] })
  t.equal(serviceOf(find('a.test', '/v12/x')?.route ?? routeOf()), 'good')
  t.equal(find('a.test', '/x/v12/'), undefined)
  t.equal(find('a.test', '/('), undefined)
})
