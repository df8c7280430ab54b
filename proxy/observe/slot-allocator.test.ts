import fc from 'fast-check'
import t from 'tap'
import { createSlots } from './slot-allocator.ts'
import { add, type Slot, type SlotsMessage } from './slots.ts'

t.test('the same metric and labels give the same slot, in any order', async (t) => {
  const messages: SlotsMessage[] = []
  const slots = createSlots((message) => messages.push(message))
  const first = slots.counter('m', { a: '1', b: '2' })
  t.equal(slots.counter('m', { b: '2', a: '1' }), first)
  t.not(slots.counter('m', { a: '1', b: '3' }), first)
  t.not(slots.counter('n', { a: '1', b: '2' }), first)
  t.equal(messages.length, 3, 'each slot is announced once')
})

t.test('what is added shows through the announced page', async (t) => {
  const messages: SlotsMessage[] = []
  const slots = createSlots((message) => messages.push(message))
  slots.histogram('h', {}, 3)
  const slot = slots.counter('m', {})
  add(slot, 2)
  add(slot, -0.5)
  const [histogram, counter] = messages
  t.match(histogram, { kind: 'slots', metric: 'h', at: 0, size: 5 })
  t.match(counter, { kind: 'slots', metric: 'm', at: 5, size: 1 })
  t.equal(new Float64Array(counter?.page ?? new SharedArrayBuffer(0))[5], 1.5)
})

t.test('slots never overlap, however many pages they fill', async (t) => {
  const taken = new Map<SharedArrayBuffer, Set<number>>()
  const slots = createSlots(({ page, at, size }) => {
    const indices = taken.get(page) ?? new Set()
    taken.set(page, indices)
    for (let i = at; i < at + size; i += 1) {
      if (indices.has(i) || i >= page.byteLength / 8) throw new Error(`slot ${i} is taken`)
      indices.add(i)
    }
  })
  for (let i = 0; i < 2000; i += 1) {
    slots.histogram('h', { i: String(i) }, 16)
    slots.counter('m', { i: String(i) })
  }
  t.equal(taken.size, 5)
})

t.test('a histogram larger than a page is refused', async (t) => {
  const slots = createSlots(() => {})
  t.throws(() => slots.histogram('h', {}, 10_000), RangeError)
})

t.test('a slot that was given back is empty and used again, by one of its size', async (t) => {
  const messages: SlotsMessage[] = []
  const slots = createSlots((message) => messages.push(message))
  const kept = slots.counter('m', { i: 'kept' })
  const counter = slots.counter('m', { i: '1' })
  const histogram = slots.histogram('h', { i: '1' }, 3)
  add(counter, 7)
  add(histogram, 8)
  slots.release('m', { i: '1' })
  slots.release('h', { i: '1' })
  slots.release('h', { i: 'never there' })
  t.match(slots.histogram('h', { i: '2' }, 3), { page: kept.page, at: histogram.at })
  t.match(slots.counter('m', { i: '2' }), { page: kept.page, at: counter.at })
  t.equal(counter.page[counter.at], 0)
  t.equal(histogram.page[histogram.at], 0)
  t.not(slots.counter('m', { i: '1' }).at, counter.at, 'the same labels get a slot of their own')
  t.equal(messages.length, 6, 'each is announced anew')
})

t.test('a page without slots goes; what comes and goes needs no more pages', async (t) => {
  const pages = new Set<SharedArrayBuffer>()
  const slots = createSlots(({ page }) => pages.add(page))
  const labels = (i: number) => ({ i: String(i) })
  for (let i = 0; i < 2000; i += 1) slots.histogram('h', labels(i), 16)
  t.equal(pages.size, 5)
  // All but the last: its page stays.
  for (let i = 0; i < 1999; i += 1) slots.release('h', labels(i))
  const before = new Set(pages)
  for (let round = 0; round < 20; round += 1) {
    for (let i = 0; i < 450; i += 1) slots.histogram('h', labels(i), 16)
    for (let i = 0; i < 450; i += 1) slots.release('h', labels(i))
  }
  const fresh = pages.difference(before)
  t.ok(fresh.size <= 20, `${fresh.size} pages, one a time`)
  slots.histogram('h', labels(0), 16)
  t.equal(pages.difference(before).size, fresh.size, 'the page that stayed has room')
})

t.test('any order of taking and giving back leaves each slot to one series', async () => {
  const step = fc.record({
    name: fc.integer({ min: 0, max: 30 }),
    buckets: fc.constantFrom(0, 14, 1000),
    isRelease: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const slots = createSlots(() => {})
      const held = new Map<string, { readonly slot: Slot; readonly mark: number }>()
      for (const [mark, { name, buckets, isRelease }] of steps.entries()) {
        const key = `${name} ${buckets}`
        const before = held.get(key)
        if (before !== undefined && before.slot.page[before.slot.at] !== before.mark) {
          throw new Error(`${key} was written by another`)
        }
        const metric = `m${buckets}`
        const labels = { name: String(name) }
        if (isRelease) {
          slots.release(metric, labels)
          held.delete(key)
        } else {
          const slot =
            buckets === 0 ? slots.counter(metric, labels) : slots.histogram(metric, labels, buckets)
          if (before === undefined && slot.page[slot.at] !== 0) throw new Error(`${key}: not empty`)
          slot.page.fill(mark, slot.at, slot.at + (buckets === 0 ? 1 : buckets + 2))
          held.set(key, { slot, mark })
        }
      }
    }),
  )
})
