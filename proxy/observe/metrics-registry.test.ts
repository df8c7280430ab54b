import { text as readText } from 'node:stream/consumers'
import t from 'tap'
import type { Problem } from '../../shared/problem.ts'
import { routeOf } from '../../shared/routing/testing/route.ts'
import { tableWith } from '../../shared/routing/testing/table.ts'
import { parseExposition, sampleValue } from '../../shared/testing/exposition.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { createProxyMetrics } from './metrics-registry.ts'
import { createSlots } from './slot-allocator.ts'
import { add } from './slots.ts'

function setUp(watchAges: Record<string, number> = {}, nodeMetrics = false) {
  const metrics = createProxyMetrics({
    clock: new ManualClock(),
    version: '1.2.3',
    maxConnections: 20_000,
    watchAges: () => watchAges,
    nodeMetrics,
  })
  return {
    metrics,
    scrape: async () => parseExposition(await readText(metrics.pieces())),
  }
}

t.test('everything shows from the start, problems at 0 for each reason', async (t) => {
  const { scrape } = setUp()
  const exposed = await scrape()
  t.equal(sampleValue(exposed, 'weir_routes'), 0)
  t.equal(sampleValue(exposed, 'weir_workers'), 0)
  t.equal(sampleValue(exposed, 'weir_worker_restarts_total'), 0)
  t.equal(sampleValue(exposed, 'weir_route_update_seconds_count'), 0)
  t.equal(sampleValue(exposed, 'weir_access_log_dropped_total'), 0)
  t.equal(sampleValue(exposed, 'weir_connections_limit'), 20_000)
  t.equal(sampleValue(exposed, 'weir_draining'), 0)
  const build = { version: '1.2.3', node: process.versions.node }
  t.equal(sampleValue(exposed, 'weir_build_info', build), 1)
  t.ok(
    Number(exposed.get('weir_route_problems')?.samples.length) >= 20,
    'reasons without one show 0',
  )
  t.ok(exposed.get('weir_route_problems')?.samples.every(({ value }) => value === 0))
})

t.test('what the control thread knows is exported', async (t) => {
  const ages = { ingresses: 1500, services: 0 }
  const { metrics, scrape } = setUp(ages)
  const routes = [routeOf({ host: 'a.test' }), routeOf({ host: 'b.test' })]
  metrics.setTable(tableWith(routes))
  metrics.setWorkers(4)
  metrics.addWorkerRestart()
  metrics.observeUpdate(20)
  metrics.addDroppedLogLines(9)
  metrics.setDraining()
  let exposed = await scrape()
  t.equal(sampleValue(exposed, 'weir_routes'), 2)
  t.equal(sampleValue(exposed, 'weir_draining'), 1)
  t.equal(sampleValue(exposed, 'weir_workers'), 4)
  t.equal(sampleValue(exposed, 'weir_worker_restarts_total'), 1)
  t.equal(sampleValue(exposed, 'weir_route_update_seconds_sum'), 0.02)
  t.equal(sampleValue(exposed, 'weir_route_update_seconds_bucket', { le: '0.025' }), 1)
  t.equal(sampleValue(exposed, 'weir_access_log_dropped_total'), 9)
  t.equal(sampleValue(exposed, 'weir_kube_watch_age_seconds', { resource: 'ingresses' }), 1.5)
  ages.ingresses = 2500
  exposed = await scrape()
  t.equal(sampleValue(exposed, 'weir_kube_watch_age_seconds', { resource: 'ingresses' }), 2.5)
})

t.test('problems that are gone go back to 0', async (t) => {
  const { metrics, scrape } = setUp()
  const conflict: Problem = {
    reason: 'conflict',
    kind: 'Ingress',
    namespace: 'shop',
    name: 'front',
    field: '',
    message: 'x',
    remedy: 'y',
  }
  metrics.setProblems([conflict, conflict, { ...conflict, reason: 'invalid-host' }])
  const value = async (reason: string) =>
    sampleValue(await scrape(), 'weir_route_problems', { reason })
  t.equal(await value('conflict'), 2)
  t.equal(await value('invalid-host'), 1)
  metrics.setProblems([])
  t.equal(await value('conflict'), 0)
})

t.test('Node runtime metrics are part of the text', async (t) => {
  const exposed = await setUp({}, true).scrape()
  t.ok(exposed.has('nodejs_eventloop_lag_p99_seconds'))
  t.ok(exposed.has('process_resident_memory_bytes'))
})

t.test('in the words of ingress-nginx, what its dashboards ask of the whole proxy', async (t) => {
  const clock = new ManualClock()
  const nginx = { namespace: 'edge', className: 'k8s.io/ingress-nginx', pod: 'weir-1' }
  const options = { clock, version: '', maxConnections: 1, watchAges: () => ({}), nginx }
  const metrics = createProxyMetrics({ ...options, nodeMetrics: false })
  const scrape = async () => parseExposition(await readText(metrics.pieces()))
  const labels = {
    controller_namespace: 'edge',
    controller_class: 'k8s.io/ingress-nginx',
    controller_pod: 'weir-1',
  }
  const prefix = 'nginx_ingress_controller_'
  let exposed = await scrape()
  const value = (name: string, more = {}) =>
    sampleValue(exposed, prefix + name, { ...labels, ...more })
  t.equal(value('config_hash'), 0)
  t.equal(value('config_last_reload_successful'), 0)
  t.equal(value('nginx_process_connections', { state: 'active' }), 0)

  const slots = createSlots((message) => metrics.slots.accept(message, 0))
  for (const [protocol, state, count] of [
    ['HTTP/1.1', 'active', 3],
    ['HTTP/2.0', 'idle', 5],
    ['TLS', 'tunnel', 2],
  ] as const) {
    add(slots.counter('weir_connections', { protocol, state }), count)
  }
  metrics.setTable(tableWith([routeOf()]))
  exposed = await scrape()
  t.equal(value('config_hash'), 1)
  t.equal(value('success'), 1)
  t.equal(value('errors'), 0)
  t.equal(value('config_last_reload_successful'), 1)
  t.equal(value('config_last_reload_successful_timestamp_seconds'), clock.wallNow() / 1000)
  t.equal(value('nginx_process_connections', { state: 'active' }), 10)
  t.equal(value('nginx_process_connections', { state: 'writing' }), 5)
  t.equal(value('nginx_process_connections', { state: 'waiting' }), 5)
  t.ok(Number(value('nginx_process_cpu_seconds_total')) > 0)
  t.ok(Number(value('nginx_process_resident_memory_bytes')) > 1e6)
})
