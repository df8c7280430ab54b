// Counters that cost one addition on the request path: numbers in pages of shared memory.
// A worker allocates a slot the first time it needs one and tells the control thread which metric and labels it stands for;
// the control thread sums the slots of all workers when it is scraped. Pages outlive a crashed worker, so counters never go back.

/** The worker's message about new slots; sent to the control thread before the slot is first used. */
export interface SlotsMessage {
  readonly kind: 'slots'
  readonly metric: string
  readonly labels: Readonly<Record<string, string>>
  readonly page: SharedArrayBuffer
  /** Index of the first Float64 in the page. */
  readonly at: number
  /** 1 for a counter or gauge; buckets + 2 for a histogram (each bucket's own count, then +Inf's, then the sum). */
  readonly size: number
}

/** One number in shared memory: `slot.page[slot.at] += 1` is the whole cost. */
export interface Slot {
  readonly page: Float64Array
  readonly at: number
}

/** Adds to a slot; `amount` may be negative for a gauge. The one writer of a page is the thread that made it. */
export function add(slot: Slot, amount: number): void {
  const { page, at } = slot
  page[at] = (page[at] ?? 0) + amount
}

/** Makes slots. The same metric and labels give the same slot, so two routes of one Service share their counters. */
export interface Slots {
  /** A counter or a gauge: one number. */
  counter(metric: string, labels: Readonly<Record<string, string>>): Slot
  /** A histogram with `buckets` finite upper bounds: `buckets` own counts, then +Inf's, then the sum. */
  histogram(metric: string, labels: Readonly<Record<string, string>>, buckets: number): Slot
}

/** The counters of one (namespace, ingress, service): looked up when a route is built, never per request. */
export interface RouteCounters {
  readonly namespace: string
  readonly ingress: string
  readonly service: string
}
