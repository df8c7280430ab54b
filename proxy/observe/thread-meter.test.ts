import t from 'tap'
import { parseExposition, sampleValue } from '../../shared/testing/exposition.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { createSlots } from './slot-allocator.ts'
import { createSlotCollector } from './slot-collector.ts'
import { createThreadMeter } from './thread-meter.ts'

function setUp() {
  const clock = new ManualClock()
  const collector = createSlotCollector(clock)
  const used = { cpuMicros: 0, busyMs: 0 }
  const start = (worker: number, place: number) =>
    createThreadMeter({
      slots: createSlots((message) => collector.accept(message, worker)),
      place,
      clock,
      tickMs: 100,
      cpuMicros: () => used.cpuMicros,
      busyMs: () => used.busyMs,
    })
  const value = (name: string, labels: Record<string, string>) =>
    sampleValue(parseExposition([...collector.pieces()].join('')), name, labels)
  return { clock, collector, used, start, value }
}

t.test('a tick that comes late is a delay, one in time is none', async (t) => {
  const { clock, start, value } = setUp()
  const meter = start(0, 0)
  meter.tick()
  t.equal(value('weir_worker_loop_delay_seconds_count', { worker: '0' }), 0, 'the first has no due')
  clock.advance(100)
  meter.tick()
  clock.advance(340)
  meter.tick()
  clock.advance(100)
  meter.tick()
  t.equal(value('weir_worker_loop_delay_seconds_count', { worker: '0' }), 3)
  t.equal(value('weir_worker_loop_delay_seconds_sum', { worker: '0' }), 0.24)
  t.equal(value('weir_worker_loop_delay_seconds_bucket', { worker: '0', le: '0.001' }), 2)
  t.equal(value('weir_worker_loop_delay_seconds_bucket', { worker: '0', le: '0.25' }), 3)
})

t.test('processor time and busy time continue when a worker is replaced', async (t) => {
  const { collector, used, start, value } = setUp()
  const first = start(0, 1)
  used.cpuMicros = 1_500_000
  used.busyMs = 2000
  first.tick()
  t.equal(value('weir_worker_cpu_seconds_total', { worker: '1' }), 1.5)
  t.equal(value('weir_worker_busy_seconds_total', { worker: '1' }), 2)
  collector.retire(0)
  used.cpuMicros = 250_000
  used.busyMs = 500
  start(7, 1).tick()
  t.equal(value('weir_worker_cpu_seconds_total', { worker: '1' }), 1.75, 'never goes back')
  t.equal(value('weir_worker_busy_seconds_total', { worker: '1' }), 2.5)
})
