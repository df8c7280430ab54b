// Every metric that the proxy exports: what the workers count in slots, and what the control thread knows by itself.
import type { Clock } from '../../shared/clock.ts'
import { createRegistry } from '../../shared/metrics.ts'
import type { Problem, ProblemReason } from '../../shared/problem.ts'
import { entriesOf } from '../../shared/routing/sharded-map.ts'
import { emptyTable, type RouteTable } from '../../shared/routing/table.ts'
import { families } from './families.ts'
import { faultSlot } from './filter-faults.ts'
import type { NginxExporter } from './nginx-families.ts'
import { NginxProcess } from './nginx-process.ts'
import { createSlots } from './slot-allocator.ts'
import { createSlotCollector, type SlotCollector } from './slot-collector.ts'
import { add } from './slots.ts'

/** The proxy's metrics, as its control thread sees them. */
export interface ProxyMetrics {
  /** Takes the workers' slot messages. */
  readonly slots: SlotCollector
  /** The table being served now. */
  setTable(table: RouteTable): void
  /** Counts the problems of now by reason; reasons without one show 0. */
  setProblems(problems: readonly Problem[]): void
  /** One change, from its event to the moment when the last worker had applied it. */
  observeUpdate(durationMs: number): void
  setWorkers(running: number): void
  addWorkerRestart(): void
  /** A worker never came back from this filter. */
  addStuckFilter(filter: string): void
  /** The proxy is on its way out. */
  setDraining(): void
  /** Lines of the access log that the sink dropped (`createLineSink`'s onDrop). */
  addDroppedLogLines(lines: number): void
  addExportedSpans(spans: number): void
  addDroppedSpans(spans: number, reason: 'queue' | 'export'): void
  /** Gives the text for `/metrics`, in pieces that end with a line. */
  pieces(): AsyncIterable<string>
}

/** What the metrics need to know. */
export interface ProxyMetricsOptions {
  readonly clock: Pick<Clock, 'now' | 'wallNow'>
  /** Weir's version. */
  readonly version: string
  /** Connections served at a time, over all workers. */
  readonly maxConnections: number
  /** ms since each watched resource was last known to be fresh (`Feed.ages`). */
  readonly watchAges: () => Readonly<Record<string, number>>
  /** When certificates expire; absent: there is no port for TLS. */
  readonly certificateExpiries?: () => Iterable<CertificateExpiry>
  /** Says the same in the words of ingress-nginx, as this one of its controllers. Absent: not. */
  readonly nginx?: NginxExporter | undefined
  /** Process, heap, garbage collection and event loop lag of the control thread; true unless said otherwise. */
  readonly nodeMetrics?: boolean
}

/** When the certificate of a Secret expires. */
export interface CertificateExpiry {
  readonly namespace: string
  readonly secret: string
  /** Wall-clock ms. */
  readonly validTo: number
}

const reasons = {
  'invalid-object': 0,
  'invalid-host': 0,
  'invalid-path': 0,
  'invalid-backend': 0,
  'unsupported-backend': 0,
  'service-missing': 0,
  'port-missing': 0,
  'external-name-refused': 0,
  'external-name-unresolved': 0,
  'auth-url-refused': 0,
  'backend-url-refused': 0,
  'invalid-eskip': 0,
  'ignored-filter': 0,
  conflict: 0,
  'unknown-annotation': 0,
  'invalid-annotation': 0,
  'unknown-config-key': 0,
  'invalid-config-key': 0,
  'unreadable-file': 0,
  'unread-kind': 0,
  'missing-permission': 0,
  'asset-missing': 0,
  'asset-unusable': 0,
  'certificate-missing': 0,
  'certificate-unusable': 0,
  'certificate-expired': 0,
  'left-out': 0,
  'filter-closed': 0,
} as const satisfies Record<ProblemReason, 0>

// Workers are named by numbers from 0 up; the control thread counts in slots too, where a family is shared.
const controlThread = -1

const updateBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Makes the proxy's metrics; all that can be counted is at 0 from the start, so that a first event is seen as a rise. */
export function createProxyMetrics(options: ProxyMetricsOptions): ProxyMetrics {
  const registry = createRegistry({ nodeMetrics: options.nodeMetrics ?? true })
  const slots = createSlotCollector(options.clock, options.nginx)
  registry.registerSource(() => slots.pieces())
  const nginx = options.nginx && createNginxProcess(options.nginx, slots, options.clock)
  if (nginx !== undefined) registry.registerSource(() => nginx.pieces())

  const own = createSlots((message) => slots.accept(message, controlThread))
  const dropped = own.counter(families.accessLogDropped.name, {})
  const spansExported = own.counter(families.spansExported.name, {})
  const spansDropped = {
    queue: own.counter(families.spansDropped.name, { reason: 'queue' }),
    export: own.counter(families.spansDropped.name, { reason: 'export' }),
  }

  let served = emptyTable
  registry.gauge({
    name: 'weir_routes',
    help: 'Routes being served.',
    collect(gauge) {
      let count = 0
      for (const [, routes] of entriesOf(served.hosts)) count += routes.length
      gauge.set(count)
    },
  })
  const problems = registry.gauge({
    name: 'weir_route_problems',
    help: 'Faults in Kubernetes objects and manifests now, by reason; /routes?problems lists them.',
    labelNames: ['reason'],
  })
  const updates = registry.histogram({
    name: 'weir_route_update_seconds',
    help: 'From the event of a change to its routes being applied in every worker.',
    bounds: updateBounds,
  })
  registry.gauge({
    name: 'weir_kube_watch_age_seconds',
    help: 'Time since a watched resource was last known to be fresh.',
    labelNames: ['resource'],
    collect(gauge) {
      for (const [resource, ms] of Object.entries(options.watchAges())) {
        gauge.set(ms / 1000, { resource })
      }
    },
  })
  const { certificateExpiries = () => [] } = options
  registry.gauge({
    name: 'weir_certificate_expiry_timestamp_seconds',
    help: 'When the certificate of a Secret that hosts name expires, in seconds since 1970.',
    labelNames: ['namespace', 'secret'],
    collect(gauge) {
      gauge.reset()
      for (const { namespace, secret, validTo } of certificateExpiries()) {
        gauge.set(validTo / 1000, { namespace, secret })
      }
    },
  })
  const workers = registry.gauge({ name: 'weir_workers', help: 'Data-plane threads running.' })
  const restarts = registry.counter({
    name: 'weir_worker_restarts_total',
    help: 'Data-plane threads started anew after one ended by a fault.',
  })
  registry
    .gauge({
      name: 'weir_connections_limit',
      help: 'Client connections served at a time, at most.',
    })
    .set(options.maxConnections)
  const draining = registry.gauge({
    name: 'weir_draining',
    help: '1 while the proxy is on its way out: health is 503, requests are still served.',
  })
  const build = registry.gauge({
    name: 'weir_build_info',
    help: 'Always 1; the labels say what is running.',
    labelNames: ['version', 'node'],
  })
  build.set(1, { version: options.version, node: process.versions.node })

  function setProblems(list: readonly Problem[]): void {
    const counts = new Map<string, number>(Object.entries(reasons))
    for (const { reason } of list) counts.set(reason, (counts.get(reason) ?? 0) + 1)
    for (const [reason, count] of counts) problems.set(count, { reason })
  }
  setProblems([])

  return {
    slots,
    setTable(table) {
      served = table
      nginx?.noteTable()
      slots.setTable(table)
    },
    setProblems,
    observeUpdate: (durationMs) => updates.observe(durationMs / 1000),
    setWorkers: (running) => workers.set(running),
    addDroppedLogLines: (lines) => add(dropped, lines),
    addExportedSpans: (spans) => add(spansExported, spans),
    addDroppedSpans: (spans, reason) => add(spansDropped[reason], spans),
    setDraining: () => draining.set(1),
    addWorkerRestart: () => restarts.add(1),
    addStuckFilter: (filter) => add(faultSlot(own, filter, 'stuck'), 1),
    pieces: () => registry.pieces(),
  }
}

function createNginxProcess(
  exporter: NginxExporter,
  slots: SlotCollector,
  clock: Pick<Clock, 'wallNow'>,
): NginxProcess {
  return new NginxProcess({
    exporter,
    slots,
    clock,
    usage: () => {
      const { user, system } = process.cpuUsage()
      return { cpuMicros: user + system, residentBytes: process.memoryUsage.rss() }
    },
  })
}
