import t from 'tap'
import { failures } from '../../shared/routing/failure.ts'
import { parseExposition, sampleValue } from '../../shared/testing/exposition.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import type { RequestRecord } from './record.ts'
import { createRecorder } from './recorder.ts'
import { createSlots } from './slot-allocator.ts'
import { createSlotCollector } from './slot-collector.ts'
import { add, type Slots } from './slots.ts'
import { exampleRecord } from './testing/records.ts'

const names = { ingress: 'front', namespace: 'shop', service: 'web' }

function setUp() {
  const collector = createSlotCollector(new ManualClock())
  const slots = createSlots((message) => collector.accept(structuredClone(message), 1))
  const lines: RequestRecord[] = []
  const write = (record: RequestRecord) => lines.push({ ...record })
  const accessLog = { write, fields: undefined }
  const recorder = createRecorder({ slots, accessLog })
  const counters = recorder.countersFor({ namespace: 'shop', ingress: 'front', service: 'web' })
  return {
    recorder,
    lines,
    record: (changes: Partial<RequestRecord>) =>
      recorder.record(exampleRecord({ counters, ...changes })),
    scrape: async () => parseExposition([...collector.pieces()].join('')),
  }
}

t.test('requests count by route, method and status', async (t) => {
  const { record, scrape, lines } = setUp()
  record({})
  record({})
  record({ status: 503 })
  record({ method: 'POST' })
  const families = await scrape()
  const total = (labels: Record<string, string>) =>
    sampleValue(families, 'weir_requests_total', { ...names, ...labels })
  t.equal(total({ method: 'GET', status: '200' }), 2)
  t.equal(total({ method: 'GET', status: '503' }), 1)
  t.equal(total({ method: 'POST', status: '200' }), 1)
  t.equal(lines.length, 4)
})

t.test('a failure counts by its code and route, what went well does not', async (t) => {
  const { record, scrape } = setUp()
  record({ status: 503, error: 'no-endpoints' })
  record({ status: 503, error: 'no-endpoints' })
  record({ status: 200, error: 'upstream-reset' })
  record({ status: 429, error: 'rate-limited' })
  record({ status: 302, error: 'redirect' })
  record({ status: 503 })
  record({ counters: undefined, status: 404, error: 'no-route' })
  const families = await scrape()
  const total = (code: string, labels: Record<string, string> = names) =>
    sampleValue(families, 'weir_failures_total', { ...labels, code })
  t.equal(total('no-endpoints'), 2)
  t.equal(total('upstream-reset'), 1, 'the answer was cut after its status had been sent')
  t.equal(total('rate-limited'), 1, 'a policy may refuse by a code of its own')
  t.equal(total('redirect'), undefined)
  t.equal(total('no-route', { ingress: '', namespace: '', service: '' }), 1)
  t.equal(
    families.get('weir_failures_total')?.samples.length,
    4,
    'an upstream’s own 503 is not Weir’s',
  )
})

t.test('methods a client invents share one label', async (t) => {
  const { record, scrape } = setUp()
  for (const method of ['BREW', 'get', '', 'X'.repeat(1000)]) record({ method })
  const labels = { ...names, method: 'OTHER', status: '200' }
  t.equal(sampleValue(await scrape(), 'weir_requests_total', labels), 4)
})

t.test('a request without a route counts with empty labels', async (t) => {
  const { record, scrape } = setUp()
  record({ counters: undefined, status: 404 })
  const families = await scrape()
  const none = { ingress: '', namespace: '', service: '' }
  t.equal(
    sampleValue(families, 'weir_requests_total', { ...none, method: 'GET', status: '404' }),
    1,
  )
  t.equal(sampleValue(families, 'weir_request_duration_seconds_count', none), 1)
})

t.test('durations land in the bucket whose bound they reach', async (t) => {
  const { record, scrape } = setUp()
  for (const totalMs of [0, 0.5, 0.51, 2.5, 60_000, 60_001, Number.NaN]) {
    record({ totalMs, upstreamMs: 0, overheadMs: 0 })
  }
  const families = await scrape()
  const upTo = (le: string) =>
    sampleValue(families, 'weir_request_duration_seconds_bucket', { ...names, le })
  t.equal(upTo('0.0005'), 3, 'the bound belongs to its bucket; what is no number counts as 0')
  t.equal(upTo('0.001'), 4)
  t.equal(upTo('0.0025'), 5)
  t.equal(upTo('30'), 5)
  t.equal(upTo('60'), 6)
  t.equal(upTo('+Inf'), 7)
  const sum = sampleValue(families, 'weir_request_duration_seconds_sum', names) ?? Number.NaN
  t.ok(Math.abs(sum - 120.00451) < 1e-9, String(sum))
})

t.test('time that did not happen is not a duration of 0', async (t) => {
  const { record, scrape } = setUp()
  record({ upstreamMs: 0, overheadMs: 0 })
  let families = await scrape()
  t.equal(sampleValue(families, 'weir_upstream_duration_seconds_count', names), undefined)
  t.equal(sampleValue(families, 'weir_proxy_overhead_seconds_count'), 0)
  record({ upstreamMs: 7, overheadMs: 0.02 })
  families = await scrape()
  t.equal(sampleValue(families, 'weir_upstream_duration_seconds_sum', names), 0.007)
  t.equal(sampleValue(families, 'weir_proxy_overhead_seconds_bucket', { le: '0.00001' }), 0)
  t.equal(sampleValue(families, 'weir_proxy_overhead_seconds_bucket', { le: '0.000025' }), 1)
})

t.test('a tunnel counts as 101 and stays out of the durations', async (t) => {
  const { record, scrape, lines } = setUp()
  record({ tunnel: true, status: 101, totalMs: 3_600_000 })
  const families = await scrape()
  const labels = { ...names, method: 'GET', status: '101' }
  t.equal(sampleValue(families, 'weir_requests_total', labels), 1)
  t.equal(sampleValue(families, 'weir_request_duration_seconds_count', names), undefined)
  t.equal(lines.length, 1)
})

t.test('what can be counted shows as 0 from the start', async (t) => {
  const { recorder, scrape } = setUp()
  let families = await scrape()
  for (const [code, { side }] of Object.entries(failures)) {
    const expected = side === 'upstream' ? 0 : undefined
    t.equal(sampleValue(families, 'weir_upstream_errors_total', { code }), expected, code)
  }
  t.equal(sampleValue(families, 'weir_retries_total'), 0)
  add(recorder.upstreamErrors('connect-failed'), 1)
  add(recorder.upstreamErrors('internal-error'), 1)
  add(recorder.retries, 1)
  add(recorder.retriesRefused, 2)
  add(recorder.connectionsRefused, 3)
  add(recorder.connections.http1.active, 2)
  add(recorder.connections.http1.active, -1)
  add(recorder.connections.http1.idle, 3)
  add(recorder.connections.http2.tunnel, 4)
  add(recorder.upstreamConnections.busy, 5)
  add(recorder.upstreamConnections.idle, 6)
  families = await scrape()
  t.equal(sampleValue(families, 'weir_upstream_errors_total', { code: 'connect-failed' }), 1)
  t.equal(sampleValue(families, 'weir_upstream_errors_total', { code: 'internal-error' }), 1)
  t.equal(sampleValue(families, 'weir_retries_total'), 1)
  t.equal(sampleValue(families, 'weir_retries_refused_total'), 2)
  t.equal(sampleValue(families, 'weir_connections_refused_total'), 3)
  const states = ['active', 'idle', 'tunnel'].map((state) =>
    ['HTTP/1.1', 'HTTP/2.0', 'TLS'].map((protocol) =>
      sampleValue(families, 'weir_connections', { protocol, state }),
    ),
  )
  t.strictSame(states, [
    [1, 0, 0],
    [3, 0, 0],
    [0, 4, 0],
  ])
  t.equal(sampleValue(families, 'weir_upstream_connections', { state: 'busy' }), 5)
  t.equal(sampleValue(families, 'weir_upstream_connections', { state: 'idle' }), 6)
})

t.test('the same names count together', async (t) => {
  const { recorder, record, scrape } = setUp()
  record({})
  record({
    counters: recorder.countersFor({ namespace: 'shop', ingress: 'front', service: 'web' }),
  })
  record({
    counters: recorder.countersFor({ namespace: 'shop', ingress: 'front', service: 'other' }),
  })
  const total = async (service: string) =>
    sampleValue(await scrape(), 'weir_request_duration_seconds_count', { ...names, service })
  t.equal(await total('web'), 2)
  t.equal(await total('other'), 1)
})

t.test('what is forgotten is given back, and what was in flight counts anew', async (t) => {
  const announced: string[] = []
  const free: string[] = []
  const place = (metric: string, labels: object) => `${metric} ${JSON.stringify(labels)}`
  const slots: Slots = {
    counter(metric, labels) {
      announced.push(place(metric, labels))
      return { page: new Float64Array(1), at: 0 }
    },
    histogram(metric, labels, buckets) {
      announced.push(place(metric, labels))
      return { page: new Float64Array(buckets + 2), at: 0 }
    },
    release: (metric, labels) => free.push(place(metric, labels)),
  }
  const recorder = createRecorder({ slots })
  announced.length = 0
  const counters = recorder.countersFor({ namespace: 'shop', ingress: 'front', service: 'web' })
  const all = () => {
    recorder.record(exampleRecord({ counters, status: 503, error: 'no-endpoints' }))
    recorder.record(exampleRecord({ counters, method: 'BREW', upstreamMs: 0 }))
    recorder.record(exampleRecord({ counters, status: 999, tunnel: true }))
  }
  all()
  const first = announced.splice(0)
  t.equal(first.length, 6)
  recorder.forget(['shop/front/other', 'shop/front/web'])
  t.same(free.sort(), first.sort(), 'each slot, and no other')
  recorder.forget(['shop/front/web'])
  t.equal(free.length, 6, 'once')
  all()
  t.same(announced.sort(), first, 'new slots for the same series')
})

t.test('a fault in the bookkeeping fails no request', async (t) => {
  const collector = createSlotCollector(new ManualClock())
  const slots = createSlots((message) => collector.accept(message, 1))
  const accessLog = {
    write() {
      throw new Error('broken')
    },
    fields: undefined,
  }
  createRecorder({ slots, accessLog }).record(exampleRecord({}))
  const families = parseExposition([...collector.pieces()].join(''))
  t.equal(sampleValue(families, 'weir_records_lost_total'), 1)
})
