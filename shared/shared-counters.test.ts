import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import t from 'tap'
import { createCounterMemory, openCounterTable } from './shared-counters.ts'
import { assertProperty } from './testing/assert-property.ts'
import type { TakingTask } from './testing/taking-worker.ts'

interface Stage {
  now: number
  take(key: string, intervalMs: number, burst: number): number
}

/** A table whose time, in ms, the test sets. */
function setStage(cells?: number): Stage {
  const memory = createCounterMemory(cells)
  const table = openCounterTable({ memory, nowMicros: () => stage.now * 1000 })
  const stage: Stage = { now: 0, take: (...of) => table.take(...of) }
  return stage
}

const budgets = [
  { intervalMs: 1000, burst: 1, granted: 1, waitMs: 1000, why: 'a burst of 1 is one at a time' },
  { intervalMs: 1000, burst: 3, granted: 3, waitMs: 1000, why: 'a burst comes at once' },
  { intervalMs: 600, burst: 100, granted: 100, waitMs: 600, why: '100 a minute' },
  { intervalMs: 0.1, burst: 2, granted: 2, waitMs: 0.1, why: '10,000 a second' },
  { intervalMs: 86_400_000, burst: 1, granted: 1, waitMs: 86_400_000, why: 'one a day' },
]

for (const { intervalMs, burst, granted, waitMs, why } of budgets) {
  t.test(why, async (t) => {
    const stage = setStage()
    for (let at = 0; at < granted; at += 1) t.equal(stage.take('a', intervalMs, burst), 0)
    t.equal(stage.take('a', intervalMs, burst), waitMs)
    t.equal(stage.take('a', intervalMs, burst), waitMs, 'what is refused costs nothing')
    t.equal(stage.take('b', intervalMs, burst), 0, 'another key has its own')
    stage.now += waitMs
    t.equal(stage.take('a', intervalMs, burst), 0, 'it has refilled by one')
    t.equal(stage.take('a', intervalMs, burst), waitMs)
    stage.now += waitMs * (burst + 5)
    for (let at = 0; at < granted; at += 1) t.equal(stage.take('a', intervalMs, burst), 0)
    t.equal(stage.take('a', intervalMs, burst), waitMs, 'it refills to the burst and not beyond')
  })
}

t.test('a table with room for all decides as a plain bucket of tokens does', async (t) => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', '192.0.2.1', ''),
    afterMs: fc.nat(50),
  })
  assertProperty(
    t,
    fc.property(
      fc.array(step, { maxLength: 200 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 5 }),
      (steps, intervalMs, burst) => {
        const stage = setStage(1024)
        const buckets = new Map<string, { tokens: number; at: number }>()
        for (const { key, afterMs } of steps) {
          stage.now += afterMs
          const before = buckets.get(key) ?? { tokens: burst, at: stage.now }
          const refilled = before.tokens + (stage.now - before.at) / intervalMs
          const tokens = Math.min(burst, refilled)
          // Floats: a token is there when less than a millionth of it is missing.
          const isThere = tokens > 1 - 1e-6
          const waitMs = stage.take(key, intervalMs, burst)
          buckets.set(key, { tokens: isThere ? tokens - 1 : tokens, at: stage.now })
          const expected = isThere ? 0 : (1 - tokens) * intervalMs
          if (Math.abs(waitMs - expected) > 0.01) return false
        }
        return true
      },
    ),
  )
})

t.test('a full table forgives and never denies', async (t) => {
  const stage = setStage(64)
  const perDay = 86_400_000
  let refused = 0
  for (let at = 0; at < 5000; at += 1) {
    // Each stranger is new and spends its whole budget, so that no cell has refilled.
    if (stage.take(`stranger ${at}`, perDay, 2) !== 0) refused += 1
    if (stage.take(`stranger ${at}`, perDay, 2) !== 0) refused += 1
  }
  t.equal(refused, 0, 'a new key is never refused for what others did')
  t.equal(stage.take('late', perDay, 1), 0)
  t.not(stage.take('late', perDay, 1), 0, 'and has a budget of its own all the same')
})

t.test('cells that have refilled are taken before one in debt', async (t) => {
  const stage = setStage(8)
  t.equal(stage.take('debtor', 1_000_000, 1), 0)
  for (let at = 0; at < 200; at += 1) {
    stage.now += 10
    t.equal(stage.take(`visitor ${at}`, 1, 1), 0)
  }
  t.not(stage.take('debtor', 1_000_000, 1), 0, 'it is still remembered')
})

t.test('the hash has its own key in each process', async (t) => {
  const headers = [createCounterMemory(8), createCounterMemory(8)].map((memory) =>
    Buffer.from(new Uint8Array(memory, 0, 8)).toString('hex'),
  )
  t.not(headers[0], headers[1])
})

for (const cells of [0, 4, 12, 100]) {
  t.test(`${cells} cells are refused`, async (t) => {
    t.throws(() => createCounterMemory(cells), RangeError)
  })
}

t.test('threads at once take exactly what is there', async (t) => {
  const memory = createCounterMemory()
  const gate = new SharedArrayBuffer(4)
  const keys = ['a', 'b', 'c']
  const task: TakingTask = { memory, keys, takes: 30_000, intervalMs: 1000, burst: 5000, gate }
  const file = new URL('./testing/taking-worker.ts', import.meta.url)
  const threads = Array.from({ length: 4 }, () => new Worker(file, { workerData: task }))
  const answers = threads.map((thread) => once(thread, 'message'))
  await Promise.all(threads.map((thread) => once(thread, 'online')))
  Atomics.store(new Int32Array(gate), 0, 1)
  Atomics.notify(new Int32Array(gate), 0)
  const counts = (await Promise.all(answers)).map(([count]) => Number(count))
  t.comment(`each thread took ${counts.join(', ')}`)
  t.equal(
    counts.reduce((sum, count) => sum + count, 0),
    keys.length * 5000,
  )
})
