import t from 'tap'
import { createSlots } from './slot-allocator.ts'
import { add, type SlotsMessage } from './slots.ts'

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
