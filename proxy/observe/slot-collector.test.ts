import t from 'tap'
import { parseExposition, sampleValue } from '../../shared/testing/exposition.ts'
import { families } from './families.ts'
import { createRecorder } from './recorder.ts'
import { createSlots } from './slot-allocator.ts'
import { createSlotCollector } from './slot-collector.ts'
import { add } from './slots.ts'
import { exampleRecord } from './testing/records.ts'

const { requests, retries, connections, requestDuration } = families

t.test('every family is exported with HELP and TYPE, even without a series', async (t) => {
  const exposed = parseExposition(await createSlotCollector().render())
  for (const { name, kind, help } of Object.values(families)) {
    t.match(exposed.get(name), { type: kind, help }, name)
  }
})

t.test('a series is the sum over all workers', async (t) => {
  const collector = createSlotCollector()
  for (const worker of [0, 1, 2]) {
    const slots = createSlots((message) => collector.accept(structuredClone(message), worker))
    add(slots.counter(retries.name, {}), worker + 1)
    const recorder = createRecorder({ slots })
    recorder.record(exampleRecord({ counters: recorder.countersFor('n', 'i', 's') }))
  }
  const exposed = parseExposition(await collector.render())
  t.equal(sampleValue(exposed, retries.name), 6)
  const labels = { ingress: 'i', namespace: 'n', service: 's' }
  t.equal(sampleValue(exposed, `${requestDuration.name}_count`, labels), 3)
})

t.test('a worker that ended leaves its counts and takes its gauges', async (t) => {
  const collector = createSlotCollector()
  const first = createSlots((message) => collector.accept(message, 0))
  add(first.counter(retries.name, {}), 5)
  add(first.counter(connections.name, { state: 'active' }), 7)
  collector.retire(0)
  let exposed = parseExposition(await collector.render())
  t.equal(sampleValue(exposed, retries.name), 5)
  t.equal(sampleValue(exposed, connections.name, { state: 'active' }), 0)

  const second = createSlots((message) => collector.accept(message, 1))
  add(second.counter(retries.name, {}), 1)
  add(second.counter(connections.name, { state: 'active' }), 2)
  collector.retire(0)
  exposed = parseExposition(await collector.render())
  t.equal(sampleValue(exposed, retries.name), 6, 'retiring twice counts nothing twice')
  t.equal(sampleValue(exposed, connections.name, { state: 'active' }), 2)
})

t.test('label values cannot break the text', async (t) => {
  const collector = createSlotCollector()
  const slots = createSlots((message) => collector.accept(message, 0))
  const labels = { ingress: 'a"b', namespace: 'c\\d', service: 'e\nf', method: '}', status: ',' }
  add(slots.counter(requests.name, labels), 1)
  const exposed = parseExposition(await collector.render())
  t.equal(sampleValue(exposed, requests.name, labels), 1)
})

t.test('a metric that is not in the table is refused', async (t) => {
  const collector = createSlotCollector()
  const slots = createSlots((message) => collector.accept(message, 0))
  t.throws(() => slots.counter('weir_unknown_total', {}), /weir_unknown_total/)
})

t.test('2,500 histograms are rendered in turns, each a fraction of the whole', async (t) => {
  const collector = createSlotCollector()
  const slots = createSlots((message) => collector.accept(message, 0))
  const recorder = createRecorder({ slots })
  for (let i = 0; i < 1250; i += 1) {
    const counters = recorder.countersFor('shop', `ingress-${i}`, `service-${i}`)
    recorder.record(exampleRecord({ counters }))
  }
  let turns = 0
  let isDone = false
  const count = () => {
    turns += 1
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  const start = performance.now()
  const text = await collector.render()
  isDone = true
  t.comment(
    `${text.length} characters, ${(performance.now() - start).toFixed(1)} ms, ${turns} turns`,
  )
  t.ok(turns >= 10, `the event loop turned ${turns} times meanwhile`)
  t.equal(parseExposition(text).get(requestDuration.name)?.samples.length, 1250 * 19)
})
