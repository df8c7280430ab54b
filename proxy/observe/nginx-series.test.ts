import t from 'tap'
import { routeOf } from '../../shared/routing/testing/route.ts'
import { tableWith } from '../../shared/routing/testing/table.ts'
import { parseExposition, sampleValue } from '../../shared/testing/exposition.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import type { RequestRecord } from './record.ts'
import { createRecorder } from './recorder.ts'
import { createSlots } from './slot-allocator.ts'
import { createSlotCollector } from './slot-collector.ts'
import type { RoutePlace } from './slots.ts'
import { exampleRecord } from './testing/records.ts'

const prefix = 'nginx_ingress_controller_'
const exporter = { namespace: 'edge', className: 'k8s.io/ingress-nginx', pod: 'weir-1' }
const labels = {
  controller_namespace: 'edge',
  controller_class: 'k8s.io/ingress-nginx',
  controller_pod: 'weir-1',
  namespace: 'shop',
  ingress: 'front',
  service: 'web',
  canary: '',
  host: 'a.test',
  path: '/x',
  method: 'GET',
  status: '200',
}

function setUp(isLikeNginx = true) {
  const clock = new ManualClock()
  const collector = createSlotCollector(clock, isLikeNginx ? exporter : undefined)
  const announced: string[] = []
  const slots = createSlots((message) => {
    announced.push(message.metric)
    collector.accept(structuredClone(message), 1)
  })
  const recorder = createRecorder({ slots, isLikeNginx })
  const names = { namespace: 'shop', ingress: 'front', service: 'web' }
  const place: RoutePlace = {
    ...{ host: 'a.test', path: '/x', main: 'web', canary: '' },
    ...{ upstream: 'shop/web:80', isUnlogged: false },
  }
  const countersAt = (changes: Partial<RoutePlace> = {}, ingress = 'front', service = 'web') =>
    recorder.countersFor({ ...names, ingress, service }, { ...place, ...changes })
  const plain = countersAt()
  return {
    announced,
    clock,
    collector,
    recorder,
    countersAt,
    record: (changes: Partial<RequestRecord> = {}) =>
      recorder.record(exampleRecord({ counters: plain, ...changes })),
    scrape: () => parseExposition([...collector.pieces()].join('')),
  }
}

t.test('one request counts in all eight families, with their labels and buckets', async (t) => {
  const { record, scrape } = setUp()
  record({ totalMs: 30, connectMs: 2, upstreamMs: 11, responseMs: 20 })
  const exposed = scrape()
  const value = (name: string, more = {}) =>
    sampleValue(exposed, prefix + name, { ...labels, ...more })
  t.equal(value('requests'), 1)
  const durations = [
    { name: 'request_duration_seconds', below: '0.025', within: '0.05', sum: 0.03 },
    { name: 'connect_duration_seconds', below: undefined, within: '0.005', sum: 0.002 },
    { name: 'header_duration_seconds', below: '0.01', within: '0.025', sum: 0.013 },
    { name: 'response_duration_seconds', below: '0.01', within: '0.025', sum: 0.022 },
  ]
  for (const { name, below, within, sum } of durations) {
    if (below !== undefined) t.equal(value(`${name}_bucket`, { le: below }), 0, name)
    t.equal(value(`${name}_bucket`, { le: within }), 1, name)
    t.equal(value(`${name}_count`), 1, name)
    t.equal(value(`${name}_sum`), sum, name)
  }
  // GET /x HTTP/1.1, Host: a.test, 40 bytes of fields, 3 of body; HTTP/1.1 200 OK, 60 of fields, 1234 of body.
  t.equal(value('request_size_sum'), 17 + 14 + 40 + 2 + 3)
  t.equal(value('request_size_bucket', { le: '70' }), 0)
  t.equal(value('request_size_bucket', { le: '80' }), 1)
  t.equal(value('response_size_sum'), 17 + 60 + 2 + 1234)
  t.equal(value('response_size_bucket', { le: '100' }), 0)
  t.equal(value('bytes_sent_bucket', { le: '1000' }), 0)
  t.equal(value('bytes_sent_bucket', { le: '10000' }), 1)
})

const kinds: readonly {
  readonly why: string
  readonly record: Partial<RequestRecord>
  readonly expected: Record<string, string>
  readonly isUpstream?: boolean
}[] = [
  {
    why: 'a refusal has no upstream',
    record: { status: 403, upstreamMs: 0 },
    expected: { status: '403' },
    isUpstream: false,
  },
  {
    why: 'a method of the client’s own',
    record: { method: 'BREW' },
    expected: { method: 'OTHER' },
  },
  { why: 'a tunnel', record: { status: 101, tunnel: true }, expected: { status: '101' } },
]
for (const { why, record: changes, expected, isUpstream = true } of kinds) {
  t.test(`${why} counts`, async (t) => {
    const { record, scrape } = setUp()
    record(changes)
    const exposed = scrape()
    const all = { ...labels, ...expected }
    t.equal(sampleValue(exposed, `${prefix}requests`, all), 1)
    t.equal(sampleValue(exposed, `${prefix}request_duration_seconds_count`, all), 1)
    t.equal(
      sampleValue(exposed, `${prefix}response_duration_seconds_count`, all),
      isUpstream ? 1 : undefined,
    )
  })
}

const places: readonly {
  readonly why: string
  readonly place: Partial<RoutePlace>
  readonly service?: string
  readonly expected: Record<string, string>
}[] = [
  { why: 'a rule without host', place: { host: '' }, expected: { host: '_' } },
  { why: 'a wildcard is one host', place: { host: '*.a.test' }, expected: { host: '*.a.test' } },
  {
    why: 'a canary counts for the Service of its rule, and is named',
    place: { canary: 'shop/web-next:http' },
    service: 'web-next',
    expected: { service: 'web', canary: 'shop-web-next-http' },
  },
]
for (const { why, place, service, expected } of places) {
  t.test(`${why}`, async (t) => {
    const { record, scrape, countersAt } = setUp()
    record({ counters: countersAt(place, 'front', service) })
    t.equal(sampleValue(scrape(), `${prefix}requests`, { ...labels, ...expected }), 1)
  })
}

t.test(
  'what a client sends makes no series: host, path, and requests without a route',
  async (t) => {
    const { record, scrape, countersAt } = setUp()
    for (const host of ['a.test', 'b.test', 'c.test']) record({ host, path: `/x/${host}` })
    record({ counters: undefined, status: 404 })
    record({ counters: countersAt({ host: '' }, '') })
    const samples = scrape().get(`${prefix}requests`)?.samples ?? []
    t.strictSame(samples, [{ name: `${prefix}requests`, labels, value: 3 }])
  },
)

t.test('two routes of one path count together', async (t) => {
  const { record, scrape, countersAt } = setUp()
  record({ counters: countersAt() })
  record({ counters: countersAt() })
  t.equal(sampleValue(scrape(), `${prefix}requests`, labels), 2)
})

t.test('off, nothing is allocated and no family is named', async (t) => {
  const { record, scrape, announced } = setUp(false)
  record()
  t.ok([...scrape().keys()].every((name) => name.startsWith('weir_')))
  t.ok(announced.length > 0)
  t.ok(announced.every((name) => name.startsWith('weir_')))
})

t.test(
  'a path that is gone leaves, one that stays goes on, and its slots are used again',
  async (t) => {
    const { record, scrape, countersAt, collector, recorder, clock } = setUp()
    const route = (path: string) => routeOf({ path, namespace: 'shop', name: 'front' })
    collector.setTable(tableWith([route('/x'), route('/y')]))
    const old = countersAt({ path: '/y' })
    record()
    record({ counters: old })
    collector.setTable(tableWith([route('/x')]))
    const forget = () =>
      collector.forgetGone((keys) => {
        t.strictSame(keys, ['shop/front/web/a.test/y'])
        recorder.forget(keys)
        return [1]
      })
    scrape()
    clock.advance(15 * 60_000 + 1)
    forget()
    collector.noteForgotten(['shop/front/web/a.test/y'], 1)
    t.equal(sampleValue(scrape(), `${prefix}requests`, { ...labels, path: '/y' }), undefined)
    t.equal(sampleValue(scrape(), `${prefix}requests`, labels), 1)
    // What was in flight then counts anew.
    record({ counters: old })
    t.equal(sampleValue(scrape(), `${prefix}requests`, { ...labels, path: '/y' }), 1)
    t.equal(sampleValue(scrape(), `${prefix}requests`, labels), 1)
  },
)
