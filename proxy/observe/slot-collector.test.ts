import { Worker } from 'node:worker_threads'
import t from 'tap'
import { parseExposition, sampleValue } from '../../shared/testing/exposition.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { families } from './families.ts'
import { createRecorder } from './recorder.ts'
import { createSlots } from './slot-allocator.ts'
import { createSlotCollector, type SlotCollector } from './slot-collector.ts'
import { add, type SlotsMessage } from './slots.ts'
import { exampleRecord } from './testing/records.ts'

const { requests, retries, connections, requestDuration } = families

t.test('every family is exported with HELP and TYPE, even without a series', async (t) => {
  const exposed = scrape(createSlotCollector(new ManualClock()))
  for (const { name, kind, help } of Object.values(families)) {
    t.match(exposed.get(name), { type: kind, help }, name)
  }
})

t.test('a series is the sum over all workers', async (t) => {
  const collector = createSlotCollector(new ManualClock())
  for (const worker of [0, 1, 2]) {
    const slots = createSlots((message) => collector.accept(structuredClone(message), worker))
    add(slots.counter(retries.name, {}), worker + 1)
    const recorder = createRecorder({ slots })
    recorder.record(exampleRecord({ counters: recorder.countersFor('n', 'i', 's') }))
  }
  const exposed = scrape(collector)
  t.equal(sampleValue(exposed, retries.name), 6)
  const labels = { ingress: 'i', namespace: 'n', service: 's' }
  t.equal(sampleValue(exposed, `${requestDuration.name}_count`, labels), 3)
})

t.test('a worker that ended leaves its counts and takes its gauges', async (t) => {
  const collector = createSlotCollector(new ManualClock())
  const first = createSlots((message) => collector.accept(message, 0))
  add(first.counter(retries.name, {}), 5)
  add(first.counter(connections.name, { state: 'active' }), 7)
  collector.retire(0)
  let exposed = scrape(collector)
  t.equal(sampleValue(exposed, retries.name), 5)
  t.equal(sampleValue(exposed, connections.name, { state: 'active' }), 0)

  const second = createSlots((message) => collector.accept(message, 1))
  add(second.counter(retries.name, {}), 1)
  add(second.counter(connections.name, { state: 'active' }), 2)
  collector.retire(0)
  exposed = scrape(collector)
  t.equal(sampleValue(exposed, retries.name), 6, 'retiring twice counts nothing twice')
  t.equal(sampleValue(exposed, connections.name, { state: 'active' }), 2)
})

t.test(
  'the counts of a thread that is killed stay, and those of its successor join them',
  async (t) => {
    const collector = createSlotCollector(new ManualClock())
    for (const id of [0, 1]) {
      const worker = new Worker(new URL('./testing/counting-worker.ts', import.meta.url))
      const { promise, resolve } = Promise.withResolvers<void>()
      worker.on('message', (message: SlotsMessage | { kind: 'counted' }) => {
        if (message.kind === 'slots') collector.accept(message, id)
        else resolve()
      })
      await promise
      await worker.terminate()
      collector.retire(id)
      const exposed = scrape(collector)
      t.equal(sampleValue(exposed, retries.name), id + 1)
      t.equal(sampleValue(exposed, connections.name, { state: 'active' }), 0)
    }
  },
)

t.test(
  'the series of a route that is gone are left out after a while and return with it',
  async (t) => {
    const clock = new ManualClock()
    const collector = createSlotCollector(clock)
    const recorder = createRecorder({
      slots: createSlots((message) => collector.accept(message, 0)),
    })
    const { route } = exampleRecord({})
    const routes = route === undefined ? [] : [route]
    const labels = { ingress: 'front', namespace: 'shop', service: 'web' }
    const count = () => sampleValue(scrape(collector), `${requestDuration.name}_count`, labels)
    recorder.record(exampleRecord({ counters: recorder.countersFor('shop', 'front', 'web') }))
    recorder.record(exampleRecord({ route: undefined }))
    collector.setTable({ routes, upstreams: [] })
    clock.advance(3_600_000)
    t.equal(count(), 1)

    collector.setTable({ routes: [], upstreams: [] })
    clock.advance(600_000)
    collector.setTable({ routes: [], upstreams: [] })
    t.equal(count(), 1, 'the last counts can still be scraped')
    clock.advance(301_000)
    t.equal(count(), undefined)
    const none = { ingress: '', namespace: '', service: '' }
    t.equal(
      sampleValue(scrape(collector), `${requestDuration.name}_count`, none),
      1,
      'what belongs to no route stays',
    )
    t.equal(sampleValue(scrape(collector), retries.name), 0)

    collector.setTable({ routes, upstreams: [] })
    t.equal(count(), 1, 'it goes on where it was')
    collector.setTable(
      route === undefined
        ? { routes, upstreams: [] }
        : { routes: [], upstreams: [], fallback: route },
    )
    clock.advance(3_600_000)
    t.equal(count(), 1, 'the fallback is served too')
  },
)

t.test('label values cannot break the text', async (t) => {
  const collector = createSlotCollector(new ManualClock())
  const slots = createSlots((message) => collector.accept(message, 0))
  const labels = { ingress: 'a"b', namespace: 'c\\d', service: 'e\nf', method: '}', status: ',' }
  add(slots.counter(requests.name, labels), 1)
  const exposed = scrape(collector)
  t.equal(sampleValue(exposed, requests.name, labels), 1)
})

t.test('a metric that is not in the table is refused', async (t) => {
  const collector = createSlotCollector(new ManualClock())
  const slots = createSlots((message) => collector.accept(message, 0))
  t.throws(() => slots.counter('weir_unknown_total', {}), /weir_unknown_total/)
})

t.test('2,500 histograms are rendered in pieces, each a fraction of the whole', async (t) => {
  const collector = createSlotCollector(new ManualClock())
  const slots = createSlots((message) => collector.accept(message, 0))
  const recorder = createRecorder({ slots })
  for (let i = 0; i < 1250; i += 1) {
    const counters = recorder.countersFor('shop', `ingress-${i}`, `service-${i}`)
    recorder.record(exampleRecord({ counters }))
  }
  const start = performance.now()
  const pieces = [...collector.pieces()]
  t.comment(`${pieces.length} pieces, all of them in ${(performance.now() - start).toFixed(1)} ms`)
  t.ok(pieces.length >= 15)
  for (const piece of pieces) {
    t.ok(piece.length < 1_000_000 && piece.endsWith('\n'), `${piece.length} characters`)
  }
  const exposed = parseExposition(pieces.join(''))
  t.equal(exposed.get(requestDuration.name)?.samples.length, 1250 * 19)
})

function scrape(collector: SlotCollector) {
  return parseExposition([...collector.pieces()].join(''))
}
