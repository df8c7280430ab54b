import { Worker } from 'node:worker_threads'
import t from 'tap'
import type { Route } from '../../shared/routing/table.ts'
import { routeOf } from '../../shared/routing/testing/route.ts'
import { tableWith } from '../../shared/routing/testing/table.ts'
import { parseExposition, sampleValue } from '../../shared/testing/exposition.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { connectionProtocols, families } from './families.ts'
import type { RequestRecord } from './record.ts'
import { createRecorder, type Recorder } from './recorder.ts'
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
    recorder.record(
      exampleRecord({
        counters: recorder.countersFor({ namespace: 'n', ingress: 'i', service: 's' }),
      }),
    )
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
      const active = { protocol: connectionProtocols.http1, state: 'active' }
      t.equal(sampleValue(exposed, connections.name, active), 0)
    }
  },
)

const names = { ingress: 'front', namespace: 'shop', service: 'web' }

/** A collector with threads that obey it, and the count of one route's requests as a scrape shows it. */
function world(...ids: number[]) {
  const clock = new ManualClock()
  const collector = createSlotCollector(clock)
  const threads = new Map<number, Recorder>()
  const start = (id: number) => {
    const slots = createSlots((message) => collector.accept(message, id))
    const recorder = createRecorder({ slots })
    threads.set(id, recorder)
    return recorder
  }
  for (const id of ids) start(id)
  const obey = (routes: readonly string[], id: number) => {
    threads.get(id)?.forget(routes)
    collector.noteForgotten(routes, id)
  }
  const told: string[] = []
  return {
    clock,
    collector,
    start,
    obey,
    told,
    record: (id: number, changes: Partial<RequestRecord> = {}) => {
      const recorder = threads.get(id)
      const counters = recorder?.countersFor({
        namespace: 'shop',
        ingress: 'front',
        service: 'web',
      })
      recorder?.record(exampleRecord({ counters, ...changes }))
    },
    count: () => sampleValue(scrape(collector), `${requestDuration.name}_count`, names),
    serve: (...routes: Route[]) => collector.setTable(tableWith(routes)),
    /** As the control thread does each minute; without `isLate` the threads obey at once. */
    sweep: (isLate = false) =>
      collector.forgetGone((routes) => {
        told.push(...routes)
        if (!isLate) for (const id of threads.keys()) obey(routes, id)
        return isLate ? [...threads.keys()] : []
      }),
  }
}

const front = routeOf({ namespace: 'shop', name: 'front' })

t.test('the series of a route that is gone leave after 15 minutes', async (t) => {
  const { clock, collector, record, count, serve, sweep, told } = world(0)
  record(0)
  record(0, { counters: undefined })
  serve(front)
  clock.advance(3_600_000)
  sweep()
  t.equal(count(), 1, 'not while it is served')

  serve()
  clock.advance(600_000)
  sweep()
  serve()
  t.equal(count(), 1, 'the last counts can still be scraped')
  serve(front)
  t.equal(count(), 1, 'it goes on where it was')
  serve()
  sweep()
  clock.advance(899_000)
  t.equal(count(), 1)
  clock.advance(2000)
  t.equal(count(), undefined)
  t.same(told, [])
  sweep()
  t.same(told, ['shop/front/web'])
  const none = { ingress: '', namespace: '', service: '' }
  t.equal(
    sampleValue(scrape(collector), `${requestDuration.name}_count`, none),
    1,
    'what belongs to no route stays',
  )
  t.equal(sampleValue(scrape(collector), retries.name), 0)
  sweep()
  t.equal(told.length, 1, 'once')

  serve(front)
  t.equal(count(), undefined)
  record(0)
  t.equal(count(), 1, 'a route that returns later counts anew')
})

t.test('the fallback is served, too', async (t) => {
  const { clock, collector, record, count, sweep } = world(0)
  record(0)
  collector.setTable(tableWith([], [], front))
  clock.advance(3_600_000)
  sweep()
  t.equal(count(), 1)
})

t.test('the series of each choice of a route stay', async (t) => {
  const { clock, record, count, serve, sweep } = world(0)
  record(0)
  const choice = (service: string) => ({ upstream: `shop/${service}:80`, service, weight: 1 })
  const choices = [choice('other'), choice('web')]
  serve(routeOf({ namespace: 'shop', name: 'front', backend: { choices } }))
  clock.advance(3_600_000)
  sweep()
  t.equal(count(), 1)
})

t.test('what was in flight when its route was forgotten shows, and leaves as well', async (t) => {
  const { clock, record, count, serve, sweep, told } = world(0)
  record(0)
  serve()
  sweep()
  clock.advance(901_000)
  sweep()
  t.equal(count(), undefined)
  record(0, { tunnel: true, status: 101 })
  record(0)
  t.equal(count(), 1)
  sweep()
  clock.advance(899_000)
  sweep()
  t.equal(count(), 1)
  clock.advance(2000)
  sweep()
  t.equal(count(), undefined)
  t.same(told, ['shop/front/web', 'shop/front/web'])
})

t.test(
  'a slot that was announced before its thread heard of the end counts for nobody',
  async (t) => {
    const { clock, collector, record, count, serve, sweep, obey, told } = world(0, 1)
    record(0)
    record(1)
    serve()
    sweep()
    clock.advance(901_000)
    sweep(true)
    t.same(told, ['shop/front/web'])
    // Thread 1 has not heard yet; the route comes back meanwhile.
    record(1, { status: 404 })
    serve(front)
    obey(told, 0)
    record(0)
    t.equal(count(), 1, 'of the thread that has')
    const late = { ...names, method: 'GET', status: '404' }
    t.equal(sampleValue(scrape(collector), requests.name, late), undefined)
    record(1)
    obey(told, 1)
    t.equal(count(), 1)
    record(1)
    record(1)
    t.equal(count(), 3)
    clock.advance(3_600_000)
    sweep()
    t.equal(count(), 3)
  },
)

t.test('a thread that ends without a word is awaited no more', async (t) => {
  const { clock, collector, start, record, count, serve, sweep } = world(0)
  record(0)
  serve()
  sweep()
  clock.advance(901_000)
  sweep(true)
  collector.retire(0)
  start(1)
  serve(front)
  record(1)
  t.equal(count(), 1, 'its counts are gone with the route')
})

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
    const counters = recorder.countersFor({
      namespace: 'shop',
      ingress: `ingress-${i}`,
      service: `service-${i}`,
    })
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
