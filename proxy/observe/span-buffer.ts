// How finished spans leave a worker: gathered, and posted to the control thread in batches, which exports them.
//
// Invariant: a request never waits for its span. What nobody takes in time is dropped and counted, by whole batches.
import type { SpanData } from '../../shared/routing/span.ts'
import { families } from './families.ts'
import { add, type Slots } from './slots.ts'

/** Some finished spans on their way to the control thread. */
export interface SpansMessage {
  readonly kind: 'spans'
  readonly spans: readonly SpanData[]
  /** One Int32: batches on the way; whoever takes one subtracts 1 (`takeSpans` does). */
  readonly pending: SharedArrayBuffer
}

/** The worker's end. */
export interface SpanBuffer {
  add(span: SpanData): void
  /** Posts what was gathered; called every 100 ms and before the worker ends. */
  flush(): void
}

const batchSize = 256
// 4,096 spans per worker at most, should the control thread stand still.
const maxPendingBatches = 16

/** Makes the worker's end; `slots` gives the counter of dropped spans. */
export function createSpanBuffer(slots: Slots, post: (message: SpansMessage) => void): SpanBuffer {
  const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  const pending = new Int32Array(shared)
  let spans: SpanData[] = []

  function flush(): void {
    if (spans.length === 0) return
    if (Atomics.load(pending, 0) >= maxPendingBatches) {
      add(slots.counter(families.spansDropped.name, { reason: 'queue' }), spans.length)
    } else {
      Atomics.add(pending, 0, 1)
      post({ kind: 'spans', spans, pending: shared })
    }
    spans = []
  }

  return {
    add(span) {
      spans.push(span)
      if (spans.length >= batchSize) flush()
    },
    flush,
  }
}

/** The control thread's end: tells the worker that the batch arrived. */
export function takeSpans({ spans, pending }: SpansMessage): readonly SpanData[] {
  Atomics.sub(new Int32Array(pending), 0, 1)
  return spans
}
