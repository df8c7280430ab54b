// Counters that cost one addition on the request path: numbers in pages of shared memory.
// A worker allocates a slot the first time it needs one and tells the control thread which metric and labels it stands for;
// the control thread sums the slots of all workers when it is scraped. Pages outlive a crashed worker, so counters never go back.
//
// How the slots of a route that is gone are used again:
//   control: its series have left /metrics ──forget-series──► worker: frees its slots ──series-forgotten──► control
// Invariant: between the two the control thread takes no slot of that route from that worker, so nothing reads a slot that
// may already belong to another series.

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

/** From the control thread to a worker: the slots of these routes (`routeKey`) are free. */
export interface ForgetSeriesMessage {
  readonly kind: 'forget-series'
  readonly routes: readonly string[]
}

/** The worker's answer, when it has freed them. Slots that it announces later are new ones. */
export interface SeriesForgottenMessage {
  readonly kind: 'series-forgotten'
  readonly routes: readonly string[]
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

/** Sets a gauge. */
export function set({ page, at }: Slot, value: number): void {
  page[at] = value
}

/** Makes slots. The same metric and labels give the same slot, so two routes of one Service share their counters. */
export interface Slots {
  /** A counter or a gauge: one number. */
  counter(metric: string, labels: Readonly<Record<string, string>>): Slot
  /** A histogram with `buckets` finite upper bounds: `buckets` own counts, then +Inf's, then the sum. */
  histogram(metric: string, labels: Readonly<Record<string, string>>, buckets: number): Slot
  /** Frees a slot for other series. Whoever read it has let go of it, and nobody adds to it any more. */
  release(metric: string, labels: Readonly<Record<string, string>>): void
}

/** Whose requests are counted. */
export interface RouteNames {
  readonly namespace: string
  readonly ingress: string
  readonly service: string
}

/** Where a route is, for metrics that tell its paths apart and for the access log. */
export interface RoutePlace {
  /** As in a Match: empty for any. */
  readonly host: string
  readonly path: string
  /** The route's own Service, where a choice is counted that is not it. */
  readonly main: string
  /** Key of the upstream of a canary; empty for what is none. */
  readonly canary: string
  /** Key of the route's own upstream; empty where it forwards to none. */
  readonly upstream: string
  /** Its requests are not in the access log. */
  readonly isUnlogged: boolean
}

/** One text per route that is counted; no Kubernetes name contains a slash. */
export function routeKey({ namespace, ingress, service }: RouteNames): string {
  return `${namespace}/${ingress}/${service}`
}

/** One text per path of a route that is counted by host and path as well; no host contains a slash. */
export function pathKey(names: RouteNames, host: string, path: string): string {
  return `${routeKey(names)}/${host}${path}`
}
