// The control thread: feed → table → workers, with the admin port beside it. The data plane runs in the workers.
//
//   feed ─► TableKeeper ─► WorkerPool ─► (each worker) DataPlane          admin port, control socket, shutdown: here
import { hostname } from 'node:os'
import type { Clock } from '../../shared/clock.ts'
import type { ControlStatus } from '../../shared/control-socket.ts'
import type { Feed } from '../../shared/feed/feed.ts'
import { formatHostPort } from '../../shared/host-port.ts'
import { createLineSink, type Log } from '../../shared/log.ts'
import { filterKinds } from '../../shared/routing/filters/kinds.ts'
import { getEntry } from '../../shared/routing/sharded-map.ts'
import { emptyTable } from '../../shared/routing/table.ts'
import { createTranslator } from '../../shared/routing/translate.ts'
import { createLogWriter } from '../observe/access-log.ts'
import { createProxyMetrics, type ProxyMetrics } from '../observe/metrics-registry.ts'
import type { NginxExporter } from '../observe/nginx-families.ts'
import { takeSpans } from '../observe/span-buffer.ts'
import type { ProxySettings } from '../settings.ts'
import { startAdmin } from './admin/server.ts'
import { type ControlSocket, startControlSocket } from './control-socket.ts'
import { FilterWatch } from './filter-watch.ts'
import { createAssets } from './resolvers/assets.ts'
import { createExternalNames } from './resolvers/external-names.ts'
import { fetchText, fetchTextAt } from './resolvers/fetch-text.ts'
import { createPublicKeys } from './resolvers/public-keys.ts'
import { resolveName } from './resolvers/resolve-name.ts'
import { Shutdown } from './shutdown.ts'
import { SpanExport, spanTarget } from './span-export.ts'
import { type TableChange, TableKeeper } from './table-keeper.ts'
import { TlsKeeper } from './tls-keeper.ts'
import { translateOptions } from './translate-options.ts'
import { WorkerPool } from './worker-pool.ts'

/** What a control thread needs. */
export interface ControlThreadOptions {
  readonly settings: ProxySettings
  readonly version: string
  readonly clock: Clock
  readonly log: Log
  readonly feed: Feed
  /** Kinds of filters that `--filters` brings. */
  readonly ownFilters: readonly string[]
}

/** A running proxy. */
export interface RunningProxy {
  /** Drains and leaves, as after SIGTERM. */
  terminate(): void
  /** Resolves when the proxy has left. */
  whenLeft(): Promise<void>
}

const accessLogBytes = 8 << 20
const memoryCheckMs = 1000
// How often what routes that are gone had counted is looked for.
const forgetMs = 60_000

/** Starts a proxy; rejects with the system's error when a port cannot be had. */
export async function startProxy(options: ControlThreadOptions): Promise<RunningProxy> {
  const { settings, version, clock, log, feed, ownFilters } = options
  const metrics = createProxyMetrics({
    clock,
    version,
    maxConnections: settings.maxConnections,
    nginx: nginxExporter(settings),
    watchAges: () => feed.ages(),
    certificateExpiries: () => tls?.expiries() ?? [],
  })
  const sink = createLineSink({
    fd: 1,
    maxBufferedBytes: accessLogBytes,
    onDrop: (lines) => metrics.addDroppedLogLines(lines),
  })
  const writer = createLogWriter(sink)
  const spans = new SpanExport({
    log,
    load: async () => (await import('./otlp.ts')).openOtlpExporter,
    countExported: (count) => metrics.addExportedSpans(count),
    countDropped: (count, reason) => metrics.addDroppedSpans(count, reason),
  })
  await spans.setTarget(spanTarget(settings, version))
  const inUse = new AppliedVersions(clock, metrics)

  const pool = new WorkerPool({
    settings,
    clock,
    log,
    wholeTable: () => keeper.whole(),
    assets: () => assets.all(),
    tls: () => tls?.all() ?? [],
    findKey: (ref) => publicKeys.find(ref),
    onApplied: (version) => inUse.noteApplied(version),
    ownFilters,
    closedFilters: () => filterWatch.closed,
    onFilterFault: (message, worker) => {
      if (message.kind === 'filter-fault') filterWatch.noteFault(message, worker)
      else filterWatch.noteBlocked(message, worker)
    },
    onStuck: (worker, busy) => filterWatch.noteStuck(worker, busy),
    onSlots: (message, worker) => metrics.slots.accept(message, worker),
    onSeriesForgotten: (routes, worker) => metrics.slots.noteForgotten(routes, worker),
    onAccessLog: (message) => writer.accept(message),
    onSpans: (message) => spans.add(takeSpans(message)),
    onListening: (workers) => metrics.setWorkers(workers),
    onExit: (worker, isCrash) => {
      metrics.slots.retire(worker)
      if (isCrash) metrics.addWorkerRestart()
    },
  })
  const externalNames = createExternalNames({
    clock,
    log,
    resolve: resolveName,
    onChange: () => keeper.refresh(),
  })
  const publicKeys = createPublicKeys({ clock, log, fetchText, base: settings.albKeys })
  const translator = createTranslator(translateOptions(settings))
  const assets = createAssets({
    clock,
    log,
    objects: feed,
    kinds: filterKinds,
    filesBelow: settings.authFiles,
    upstreamOf: (key) => getEntry((keeper.table ?? emptyTable).upstreams, key),
    fetchAt: fetchTextAt,
    onAsset: (ref, data) => pool.setAsset(ref, data),
    onProblems: () => metrics.setProblems(allProblems()),
  })
  const filterWatch = new FilterWatch({
    clock,
    log,
    table: () => keeper.table ?? emptyTable,
    onClosed: (closed) => pool.setClosedFilters(closed),
    onProblems: () => metrics.setProblems(allProblems()),
    onStuck: (filter) => metrics.addStuckFilter(filter),
  })
  const tls =
    settings.listenTls &&
    new TlsKeeper({
      settings,
      clock,
      objects: feed,
      tell: (message) => pool.setTls(message),
      onProblems: () => metrics.setProblems(allProblems()),
    })
  const allProblems = () => [
    ...keeper.problems,
    ...assets.problems,
    ...(tls?.problems ?? []),
    ...filterWatch.problems,
  ]
  const keeper = new TableKeeper({
    clock,
    log,
    translate: (snapshot) => translator.translate(snapshot),
    complete: (table) => externalNames.complete(table),
    problemsOfCompletion: () => externalNames.problems(),
    onTable: (change) => {
      inUse.noteSent(change)
      metrics.setTable(change.table)
      void spans.setTarget(spanTarget(settings, version, change.table.serving?.spans))
      assets.noteDelta(change.delta)
      tls?.noteDelta(change.delta)
      const apply = () => pool.apply(change.delta)
      if (tls === undefined) apply()
      else tls.afterFirstLook(apply)
    },
    onProblems: () => metrics.setProblems(allProblems()),
  })

  const { port, tlsPort } = await pool.start()
  let controlSocket: ControlSocket | undefined
  const shutdown = new Shutdown({
    clock,
    log,
    drainSeconds: settings.drainSeconds,
    finishSeconds: settings.finishSeconds,
    hasController: settings.controlSocket !== undefined,
    drain: () => {
      metrics.setDraining()
      pool.drain()
    },
    finish: async (boundMs) => {
      await pool.finish(boundMs)
      stopMemoryWatch()
      stopForgetting()
      externalNames.stop()
      assets.stop()
      tls?.stop()
      filterWatch.stop()
      keeper.stop()
      await Promise.all([
        ...[feed.stop(), admin.close(), controlSocket?.close()],
        ...[spans.stop(), sink.close(2000)],
      ])
    },
  })
  const status = async (): Promise<ControlStatus> => ({
    state: shutdown.state,
    inFlight: await pool.countInFlight(),
    proxyProtocol: settings.proxyProtocol,
    h2c: settings.h2c,
  })
  const admin = await startAdmin({
    ...settings.admin,
    metrics: () => metrics.pieces(),
    isLive: () => pool.size > 0,
    whyNotReady: () => {
      if (!inUse.hasTable) return 'the first table of routes is not loaded yet'
      return shutdown.state === 'serving' ? undefined : shutdown.state
    },
    routes: () => ({
      table: keeper.table ?? emptyTable,
      problems: allProblems(),
    }),
    status,
    log,
  })
  const stopForgetting = clock.every(forgetMs, () =>
    metrics.slots.forgetGone((routes) => pool.forgetSeries(routes)),
  )
  const stopMemoryWatch = watchMemory(settings.maxMemoryMb, clock, pool)
  if (settings.controlSocket !== undefined) {
    controlSocket = await startControlSocket({
      path: settings.controlSocket,
      log,
      status,
      onHold: ({ boundSeconds }) => shutdown.hold(boundSeconds),
      onDrain: ({ reason, boundSeconds }) => shutdown.drain(reason, boundSeconds),
      onReleased: () => shutdown.release(),
    })
  }
  const places = {
    listen: formatHostPort(settings.listen.host, port),
    ...(settings.listenTls &&
      tlsPort && { listenTls: formatHostPort(settings.listenTls.host, tlsPort) }),
    admin: formatHostPort(settings.admin.host, admin.address.port),
  }
  inUse.onFirst = () => {
    log.info({ ...places, workers: settings.workers }, 'ready')
  }
  log.info(places, 'listening')
  feed.start(translator.kinds, (update) => keeper.take(update))
  return { terminate: () => shutdown.terminate(), whenLeft: () => shutdown.whenLeft() }
}

/** When was each version sent, and when do all workers serve it? */
class AppliedVersions {
  readonly #clock: Clock
  readonly #metrics: ProxyMetrics
  readonly #eventAt = new Map<number, number>()
  hasTable = false
  onFirst: () => void = () => {}

  constructor(clock: Clock, metrics: ProxyMetrics) {
    this.#clock = clock
    this.#metrics = metrics
  }

  noteSent({ delta, eventAtMs }: TableChange): void {
    this.#eventAt.set(delta.version, eventAtMs)
  }

  noteApplied(version: number): void {
    const now = this.#clock.now()
    for (const [sent, eventAt] of this.#eventAt) {
      if (sent > version) break
      this.#metrics.observeUpdate(now - eventAt)
      this.#eventAt.delete(sent)
    }
    if (this.hasTable) return
    this.hasTable = true
    this.onFirst()
  }
}

/** Tells the workers when the process uses more memory than it may; returns how to stop. */
function watchMemory(maxMemoryMb: number, clock: Clock, pool: WorkerPool): () => void {
  if (maxMemoryMb === 0) return () => {}
  return clock.every(memoryCheckMs, () => {
    pool.setMemoryTooHigh(process.memoryUsage.rss() > maxMemoryMb * 1_048_576)
  })
}

/** As which controller of ingress-nginx we appear; undefined when we do not. */
function nginxExporter(settings: ProxySettings): NginxExporter | undefined {
  if (settings.metricsLike === undefined) return undefined
  const classes = settings.controllerClass
  return {
    namespace: settings.podNamespace ?? 'default',
    // Where its class is taken over, what dashboards were set to.
    className: classes.find((value) => value === 'k8s.io/ingress-nginx') ?? classes[0] ?? '',
    pod: settings.podName ?? hostname(),
  }
}
