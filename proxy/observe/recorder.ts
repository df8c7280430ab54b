// What is counted when a request ends, and at what cost: a few additions, no search but the bucket's, no allocation after
// the first request of its kind. Slots are made when first needed, so that an idle route costs nothing.
import { type FailureCode, failures } from '../../shared/routing/failure.ts'
import type { AccessLog } from './access-log.ts'
import { families } from './families.ts'
import type { RequestRecord } from './record.ts'
import { createHistogram, observe, type SlotHistogram } from './slot-histogram.ts'
import { add, type RouteCounters, type Slot, type Slots } from './slots.ts'

/** Counts what happens in one worker. */
export interface Recorder {
  /** Gives the counters of a route; called when the route is built. The same names give the same counters. */
  countersFor(namespace: string, ingress: string, service: string): RouteCounters
  /** Counts and logs one finished request. Never throws and keeps no reference. */
  record(record: RequestRecord): void
  /** One more attempt at an upstream. */
  readonly retries: Slot
  /** A retry that the budget did not allow. */
  readonly retriesRefused: Slot
  /** A client connection that was turned away. */
  readonly connectionsRefused: Slot
  /** Failed attempts at an upstream; the exchange adds 1 per attempt, `record` adds none. */
  upstreamErrors(code: FailureCode): Slot
  /** Client connections now: the engine adds 1 and -1. */
  readonly connections: { readonly active: Slot; readonly idle: Slot; readonly tunnel: Slot }
  /** Upstream connections now: the engine adds 1 and -1. */
  readonly upstreamConnections: { readonly busy: Slot; readonly idle: Slot }
}

/** What a recorder needs; without `accessLog` nothing is logged. */
export interface RecorderOptions {
  readonly slots: Slots
  readonly accessLog?: AccessLog | undefined
}

/** Makes the recorder of one worker. */
export function createRecorder({ slots, accessLog }: RecorderOptions): Recorder {
  const byRoute = new Map<string, RouteSeries>()
  const unrouted = new RouteSeries('', '', '')
  const overhead = createHistogram(slots, families.proxyOverhead, {})
  const lost = slots.counter(families.recordsLost.name, {})
  const errors = new Map<FailureCode, Slot>()
  for (const code of failureCodes()) {
    if (failures[code].side === 'upstream') errors.set(code, errorSlot(slots, code))
  }

  function count(record: RequestRecord): void {
    const counters = record.counters
    const series = counters instanceof RouteSeries ? counters : unrouted
    add(requestSlot(slots, series, record.method, record.status), 1)
    if (record.error !== '' && isFailure(record)) add(failureSlot(slots, series, record.error), 1)
    if (record.tunnel) return
    series.duration ??= createHistogram(slots, families.requestDuration, series.labels)
    observe(series.duration, record.totalMs)
    if (record.upstreamMs > 0) {
      series.upstream ??= createHistogram(slots, families.upstreamDuration, series.labels)
      observe(series.upstream, record.upstreamMs)
    }
    if (record.overheadMs > 0) observe(overhead, record.overheadMs)
  }

  return {
    countersFor(namespace, ingress, service) {
      // No Kubernetes name contains a slash.
      const key = `${namespace}/${ingress}/${service}`
      let series = byRoute.get(key)
      if (series === undefined) {
        series = new RouteSeries(namespace, ingress, service)
        byRoute.set(key, series)
      }
      return series
    },
    record(record) {
      try {
        count(record)
        accessLog?.write(record)
      } catch {
        // A request is never failed by its bookkeeping; the loss shows in a metric.
        add(lost, 1)
      }
    },
    retries: slots.counter(families.retries.name, {}),
    retriesRefused: slots.counter(families.retriesRefused.name, {}),
    connectionsRefused: slots.counter(families.connectionsRefused.name, {}),
    upstreamErrors(code) {
      let slot = errors.get(code)
      if (slot === undefined) {
        slot = errorSlot(slots, code)
        errors.set(code, slot)
      }
      return slot
    },
    connections: {
      active: slots.counter(families.connections.name, { state: 'active' }),
      idle: slots.counter(families.connections.name, { state: 'idle' }),
      tunnel: slots.counter(families.connections.name, { state: 'tunnel' }),
    },
    upstreamConnections: {
      busy: slots.counter(families.upstreamConnections.name, { state: 'busy' }),
      idle: slots.counter(families.upstreamConnections.name, { state: 'idle' }),
    },
  }
}

/** What `countersFor` hands out: the slots of one route, made when first needed. */
class RouteSeries implements RouteCounters {
  readonly namespace: string
  readonly ingress: string
  readonly service: string
  readonly labels: Readonly<Record<string, string>>
  /** By method and status, see `requestSlot`. */
  readonly requests = new Map<number, Slot>()
  /** By code, see `failureSlot`. */
  readonly failures = new Map<string, Slot>()
  duration: SlotHistogram | undefined
  upstream: SlotHistogram | undefined

  constructor(namespace: string, ingress: string, service: string) {
    this.namespace = namespace
    this.ingress = ingress
    this.service = service
    this.labels = { ingress, namespace, service }
  }
}

function requestSlot(slots: Slots, series: RouteSeries, method: string, status: number): Slot {
  const index = methodIndex(method)
  const key = index * 1000 + status
  const found = series.requests.get(key)
  if (found !== undefined) return found
  const labels = { ...series.labels, method: methods[index] ?? 'OTHER', status: String(status) }
  const slot = slots.counter(families.requests.name, labels)
  series.requests.set(key, slot)
  return slot
}

// A client may send any token as its method: what is not listed shares one label, or it could fill the memory.
const methods = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT', 'TRACE']

function methodIndex(method: string): number {
  if (method === 'GET') return 0
  const index = methods.indexOf(method)
  return index === -1 ? methods.length : index
}

/** A redirect is an answer of Weir's own as well, but nobody needs to be told. */
function isFailure({ error, status }: RequestRecord): boolean {
  return status >= 400 || error in failures
}

function failureSlot(slots: Slots, series: RouteSeries, code: string): Slot {
  const found = series.failures.get(code)
  if (found !== undefined) return found
  const slot = slots.counter(families.failures.name, { ...series.labels, code })
  series.failures.set(code, slot)
  return slot
}

function errorSlot(slots: Slots, code: FailureCode): Slot {
  return slots.counter(families.upstreamErrors.name, { code })
}

function failureCodes(): FailureCode[] {
  return Object.keys(failures).filter((code): code is FailureCode => code in failures)
}
