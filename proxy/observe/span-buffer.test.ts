// How do spans leave a worker, and what becomes of those that nobody takes?
import t from 'tap'
import { createSlots } from './slot-allocator.ts'
import { createSpanBuffer, type SpansMessage, takeSpans } from './span-buffer.ts'
import { span } from './testing/span.ts'

function stage() {
  const posted: SpansMessage[] = []
  const slots = createSlots(() => {})
  const buffer = createSpanBuffer(slots, (message) => void posted.push(message))
  const counter = slots.counter('weir_spans_dropped_total', { reason: 'queue' })
  return { buffer, posted, dropped: () => counter.page[counter.at] }
}

t.test('in batches, at once when one is full', async (t) => {
  const { buffer, posted } = stage()
  buffer.flush()
  t.equal(posted.length, 0, 'nothing is not posted')
  for (let at = 0; at < 300; at += 1) buffer.add(span)
  t.equal(posted.length, 1)
  buffer.flush()
  t.strictSame(
    posted.map(({ spans }) => spans.length),
    [256, 44],
  )
})

t.test(
  'a control thread that takes none costs spans, and goes on where it comes back',
  async (t) => {
    const { buffer, posted, dropped } = stage()
    for (let at = 0; at < 20 * 256; at += 1) buffer.add(span)
    t.equal(posted.length, 16)
    t.equal(dropped(), 4 * 256)
    const [first] = posted
    t.equal(first && takeSpans(first).length, 256)
    for (let at = 0; at < 256; at += 1) buffer.add(span)
    t.equal(posted.length, 17)
    t.equal(dropped(), 4 * 256)
  },
)
