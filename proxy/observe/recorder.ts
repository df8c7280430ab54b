// What is counted when a request ends, and at what cost: a few additions, no search but the bucket's, no allocation after
// the first request of its kind. Slots are made when first needed, so that an idle route costs nothing.
import { type FailureCode, failures } from '../../shared/routing/failure.ts'
import type { AccessLog } from './access-log.ts'
import { connectionProtocols, families } from './families.ts'
import { type NginxCounters, NginxSeries, nginxHost } from './nginx-series.ts'
import type { RequestRecord } from './record.ts'
import { type RouteCounters, SeriesOfRoutes } from './route-series.ts'
import { createHistogram, observe } from './slot-histogram.ts'
import { add, type RouteNames, type RoutePlace, type Slot, type Slots } from './slots.ts'

/** Counts what happens in one worker. */
export interface Recorder {
  /** Gives the counters of a route, or of one choice of it; called when the route is built. The same names count together. */
  countersFor(names: RouteNames, place?: RoutePlace): RouteCounters
  /** Frees what was counted for these routes (`routeKey`, `pathKey`): their series are exported no more. */
  forget(routes: readonly string[]): void
  /** Counts and logs one finished request. Never throws and keeps no reference. */
  record(record: RequestRecord): void
  /** Fields of requests that the log shows, in lower case; undefined: none. */
  readonly loggedFields: readonly string[] | undefined
  /** One more attempt at an upstream. */
  readonly retries: Slot
  /** A retry that the budget did not allow. */
  readonly retriesRefused: Slot
  /** A client connection that was turned away. */
  readonly connectionsRefused: Slot
  /** Connections of HTTP/2 that were cut, by what their clients did. */
  readonly sessionsCut: { readonly resets: Slot; readonly flood: Slot; readonly settings: Slot }
  /** TLS that is passed on unread: connections, and bytes from clients (`in`) and to them. */
  readonly passthrough: { readonly connections: Slot; readonly in: Slot; readonly out: Slot }
  /** Failed attempts at an upstream; the exchange adds 1 per attempt, `record` adds none. */
  upstreamErrors(code: FailureCode): Slot
  /** Client connections now: the engine adds 1 and -1. */
  readonly connections: { readonly [protocol in 'http1' | 'http2' | 'tls']: ConnectionSlots }
  /** Upstream connections now: the engine adds 1 and -1. */
  readonly upstreamConnections: { readonly busy: Slot; readonly idle: Slot }
  /** Endpoints now: the engine sets them with each tick. */
  readonly endpoints: { readonly serving: Slot; readonly ejected: Slot; readonly unhealthy: Slot }
}

/** Connections of one protocol, by what they are at. */
export interface ConnectionSlots {
  readonly active: Slot
  readonly idle: Slot
  readonly tunnel: Slot
}

function connectionSlots(slots: Slots, protocol: string): ConnectionSlots {
  const of = (state: string) => slots.counter(families.connections.name, { protocol, state })
  return { active: of('active'), idle: of('idle'), tunnel: of('tunnel') }
}

/** What a recorder needs; without `accessLog` nothing is logged. */
export interface RecorderOptions {
  readonly slots: Slots
  /** Counts in the words of ingress-nginx as well (`--metrics-like`). */
  readonly isLikeNginx?: boolean | undefined
  readonly accessLog?: Pick<AccessLog, 'write' | 'fields'> | undefined
}

/** Makes the recorder of one worker. */
export function createRecorder({ slots, isLikeNginx, accessLog }: RecorderOptions): Recorder {
  const byRoute = new SeriesOfRoutes(slots)
  const nginx = isLikeNginx === true ? new NginxSeries(slots) : undefined
  const unrouted = byRoute.handleOf({ namespace: '', ingress: '', service: '' })
  const overhead = createHistogram(slots, families.proxyOverhead, {})
  const lost = slots.counter(families.recordsLost.name, {})
  const errors = new Map<FailureCode, Slot>()
  for (const code of failureCodes()) {
    if (failures[code].side === 'upstream') errors.set(code, errorSlot(slots, code))
  }

  function count(record: RequestRecord): void {
    const counters = record.counters ?? unrouted
    counters.nginx?.count(record)
    const series = byRoute.seriesOf(counters)
    add(series.requests(record.method, record.status), 1)
    if (record.error !== '' && isFailure(record)) add(series.failures(record.error), 1)
    if (record.tunnel) return
    observe(series.duration, record.totalMs)
    if (record.upstreamMs > 0) observe(series.upstream, record.upstreamMs)
    if (record.overheadMs > 0) observe(overhead, record.overheadMs)
  }

  /** What an option of the proxy asks for has no Ingress, and so no host that is declared. */
  function nginxCounters(
    { namespace, ingress }: RouteNames,
    { host, path, main, canary }: RoutePlace,
  ): NginxCounters | undefined {
    if (ingress === '') return undefined
    const labels = { namespace, ingress, service: main, host: nginxHost(host), path }
    return nginx?.handleOf({ ...labels, canary: canary.replace(/[/:]/g, '-') })
  }

  return {
    countersFor: (names, place) =>
      byRoute.handleOf(names, place && nginxCounters(names, place), place),
    get loggedFields() {
      return accessLog?.fields
    },
    forget(routes) {
      byRoute.forget(routes)
      nginx?.forget(routes)
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
    passthrough: {
      connections: slots.counter(families.passthroughConnections.name, {}),
      in: slots.counter(families.passthroughBytes.name, { direction: 'in' }),
      out: slots.counter(families.passthroughBytes.name, { direction: 'out' }),
    },
    sessionsCut: {
      resets: slots.counter(families.sessionsCut.name, { reason: 'resets' }),
      flood: slots.counter(families.sessionsCut.name, { reason: 'flood' }),
      settings: slots.counter(families.sessionsCut.name, { reason: 'settings' }),
    },
    upstreamErrors(code) {
      let slot = errors.get(code)
      if (slot === undefined) {
        slot = errorSlot(slots, code)
        errors.set(code, slot)
      }
      return slot
    },
    connections: {
      http1: connectionSlots(slots, connectionProtocols.http1),
      http2: connectionSlots(slots, connectionProtocols.http2),
      tls: connectionSlots(slots, connectionProtocols.tls),
    },
    upstreamConnections: {
      busy: slots.counter(families.upstreamConnections.name, { state: 'busy' }),
      idle: slots.counter(families.upstreamConnections.name, { state: 'idle' }),
    },
    endpoints: {
      serving: slots.counter(families.endpoints.name, { state: 'serving' }),
      ejected: slots.counter(families.endpoints.name, { state: 'ejected' }),
      unhealthy: slots.counter(families.endpoints.name, { state: 'unhealthy' }),
    },
  }
}

/** A redirect is an answer of Weir's own as well, but nobody needs to be told. */
function isFailure({ error, status }: RequestRecord): boolean {
  return status >= 400 || error in failures
}

function errorSlot(slots: Slots, code: FailureCode): Slot {
  return slots.counter(families.upstreamErrors.name, { code })
}

function failureCodes(): FailureCode[] {
  return Object.keys(failures).filter((code): code is FailureCode => code in failures)
}
