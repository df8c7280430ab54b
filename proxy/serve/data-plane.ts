// One worker's data plane: accepts connections, gives each its exchange, applies changes of the table, and ends in good order.
//
// Invariant: a delta is applied in one turn of the event loop and the router is replaced by one assignment: a request sees
// one version only.

import { createCidrSet } from '../../shared/cidr.ts'
import type { Clock } from '../../shared/clock.ts'
import type { FailureCode } from '../../shared/routing/failure.ts'
import type {
  AssetData,
  AssetRef,
  FilterKind,
  KeyRef,
  SharedCounters,
  SharedStore,
} from '../../shared/routing/filters/kind.ts'
import { filterKinds } from '../../shared/routing/filters/kinds.ts'
import { emptyRouter } from '../../shared/routing/router/router.ts'
import { noServingRules, type ServingRules } from '../../shared/routing/serving-rules.ts'
import type { SpanData } from '../../shared/routing/span.ts'
import type { TableDelta } from '../../shared/routing/table.ts'
import { createClientRules } from '../http/client-rules.ts'
import { reasonOf } from '../http/reasons.ts'
import { createRequestIdSource } from '../http/request-id.ts'
import { closeLine, finalHead } from '../http1/head-writer.ts'
import type { TimedKeyAnswer, WorkerPorts } from '../messages.ts'
import { tickMs } from '../net/coarse-time.ts'
import { Listener } from '../net/listener.ts'
import type { FilterFault } from '../observe/filter-faults.ts'
import type { Recorder } from '../observe/recorder.ts'
import { add } from '../observe/slots.ts'
import type { ProxySettings } from '../settings.ts'
import { Breakers } from '../upstream/circuit-breaker.ts'
import { EndpointPools } from '../upstream/endpoint-pools.ts'
import { HealthChecks } from '../upstream/health-checks.ts'
import { RetryBudget } from '../upstream/retry.ts'
import { TlsContexts } from '../upstream/tls-contexts.ts'
import { AssetStore } from './asset-store.ts'
import { startCall } from './call.ts'
import { createCompileContext } from './compile-context.ts'
import type { FilterGuard } from './filter-guard.ts'
import { compileGuarded } from './guarded-stages.ts'
import type { HandshakeMeter } from './handshake-meter.ts'
import { KeyStore } from './key-store.ts'
import { probeForward } from './live-route.ts'
import { openClient } from './open-client.ts'
import { failureAnswer, ownLines, serverRuleOf } from './own-answers.ts'
import { passThrough } from './passthrough.ts'
import { PasswordThread } from './password-thread.ts'
import { RouteSet } from './route-set.ts'
import { TlsPort } from './tls-port.ts'
import { TunedSettings } from './tuned-settings.ts'
import type { WorkerState } from './worker-state.ts'

/** What a data plane needs. */
export interface DataPlaneOptions {
  readonly settings: ProxySettings
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  /** Gives that many unpredictable bytes, for request ids. */
  readonly randomBytes: (size: number) => Buffer
  readonly recorder: Recorder
  /** Budgets that all workers of this proxy share. */
  readonly shared: SharedCounters
  /** Counters that all nodes share; absent without `--valkey`. */
  readonly store?: SharedStore | undefined
  /** Counts TLS handshakes; needed with `--listen-tls` only. */
  readonly handshakes?: HandshakeMeter
  /** The kinds of filters; absent: those of Weir. */
  readonly kinds?: ReadonlyMap<string, FilterKind>
  /** Runs the code of filters of one's own; absent when there are none. */
  readonly guard?: FilterGuard | undefined
  /** Told what went wrong in a filter; of what is late, only that of one's own: Weir's own have a code for it. */
  readonly onFilterFault?: (fault: FilterFault) => void
  /** Told what objects say of all requests, when that changes. */
  readonly onRules?: (rules: ServingRules) => void
  /** Takes spans of traced requests; absent: there are none. */
  readonly onSpan?: (span: SpanData) => void
  /** Asks for a key of a load balancer, which `setKey` brings; absent: there are none. */
  readonly onKeyWanted?: (ref: KeyRef) => void
  /** Called with each tick, every 100 ms. */
  readonly onTick?: () => void
}

/** The data plane of one worker. */
export class DataPlane {
  readonly #settings: ProxySettings
  readonly #clock: Clock
  readonly #worker: WorkerState
  readonly #pools: EndpointPools
  readonly #checks: HealthChecks
  readonly #routes: RouteSet
  readonly #listener: Listener
  readonly #count = { open: 0, isRefusing: false }
  readonly #tls: TlsPort | undefined
  readonly #tuned: TunedSettings
  readonly #stopTicks: () => void
  readonly #onRules: DataPlaneOptions['onRules']
  #port = 0
  #tlsPort = 0

  constructor(options: DataPlaneOptions) {
    const { settings, clock, random, recorder, guard } = options
    this.#settings = settings
    this.#clock = clock
    this.#onRules = options.onRules
    this.#tuned = new TunedSettings(settings)
    this.#worker = createWorkerState(options, this.#tuned)
    this.#pools = new EndpointPools(
      this.#tuned.current,
      this.#worker.time,
      recorder.upstreamConnections,
      recorder.endpoints,
      new TlsContexts((ref) => this.#worker.assets.get(ref)),
    )
    this.#checks = new HealthChecks({
      time: this.#worker.time,
      random,
      call: (pool, request, onResult) =>
        startCall(this.#worker, probeForward(pool, request.timeoutMs), request, onResult),
    })
    this.#routes = new RouteSet({
      pools: this.#pools,
      checks: this.#checks,
      breakers: new Breakers(settings.workers, this.#worker.time),
      random,
      builder: {
        recorder,
        limits: this.#worker.limits,
        kinds: options.kinds ?? filterKinds,
        compile:
          guard &&
          ((route) => (kind, filter, context) =>
            compileGuarded(guard, route, kind, filter, context)),
        conditions: {
          wallNow: () => clock.wallNow(),
          isDraining: () => this.#worker.isDraining,
        },
        balancing: { random, time: this.#worker.time },
        context: (routeKey, place) =>
          createCompileContext(this.#worker, routeKey, place, (key) => this.#routes.upstream(key)),
      },
    })
    const places = {
      count: this.#count,
      maxConnections: Math.ceil(settings.maxConnections / settings.workers),
      proxyProtocol: settings.proxyProtocol,
      proxyProtocolFrom: createCidrSet(settings.proxyProtocolFrom),
      proxyProtocolTimeoutMs: settings.proxyProtocolTimeoutMs,
    }
    const onRefused = () => add(recorder.connectionsRefused, 1)
    this.#listener = new Listener({
      ...places,
      time: this.#worker.time,
      refusal: () => {
        onRefused()
        return this.#wholeAnswer('over-capacity')
      },
      onConnection: (accepted, header) => openClient(this.#worker, accepted, this.#port, header),
    })
    const { handshakes: meter } = options
    if (settings.listenTls !== undefined && meter !== undefined) {
      this.#tls = new TlsPort({
        time: this.#worker.time,
        settings,
        wallNow: () => clock.wallNow(),
        listener: places,
        meter,
        onRefused,
        plainHttpAnswer: () => this.#wholeAnswer('plain-http'),
        policies: this.#routes.policies,
        version: () => this.#worker.router,
        secretOf: (name) => this.#worker.assets.get({ kind: 'secret', name }),
        onConnection: (connection, header, facts) =>
          openClient(this.#worker, connection, this.#tlsPort, header, facts),
        onPassed: (accepted, header, serverName, route) =>
          passThrough(
            this.#worker,
            { accepted, header, serverName, localPort: this.#tlsPort },
            route,
          ),
      })
    }
    this.#stopTicks = clock.every(tickMs, () => {
      this.#tick()
      options.onTick?.()
    })
  }

  /** Starts to accept connections; resolves with the ports. `tlsPort` counts with `--listen-tls` only. */
  async listen(
    port: number,
    tlsPort: number | undefined,
    isPortShared: boolean,
  ): Promise<WorkerPorts> {
    const { listen, listenTls } = this.#settings
    this.#port = await this.#listener.listen(listen.host, port, isPortShared)
    if (this.#tls === undefined || listenTls === undefined) return { port: this.#port }
    this.#tlsPort = await this.#tls.listen(listenTls.host, tlsPort ?? listenTls.port, isPortShared)
    return { port: this.#port, tlsPort: this.#tlsPort }
  }

  /** Applies a change of the table. */
  apply(delta: TableDelta): void {
    this.#worker.router = this.#routes.apply(this.#worker.router, delta)
    this.#worker.fallback = this.#routes.fallback
    if (delta.serving !== undefined) {
      this.#onRules?.(delta.serving)
      this.#worker.spans.isOpen = areSpansExported(this.#settings, delta.serving)
      this.#tuned.apply(delta.serving)
      this.#worker.clientRules = createClientRules(this.#settings, delta.serving)
      this.#worker.server = serverRuleOf(this.#settings.serverHeader, delta.serving)
    }
    if (delta.certificates !== undefined) this.#tls?.setRefs(delta.certificates)
    this.#worker.isSynced = true
  }

  /** Takes over what the control thread fetched for filters; undefined: it is gone. */
  setAsset(ref: AssetRef, data: AssetData | undefined): void {
    this.#worker.assets.set(ref, data)
  }

  /** Takes over the certificate of a Secret (`namespace/name`); undefined: there is none that could be served. */
  setCertificate(name: string, data: AssetData | undefined): void {
    this.#tls?.setCertificate(name, data)
  }

  /** Seals TLS tickets with these 48 bytes from now on. */
  setTicketKeys(keys: Uint8Array): void {
    this.#tls?.setTicketKeys(keys)
  }

  /** Takes over what the control thread found out about a key. */
  setKey(ref: KeyRef, answer: TimedKeyAnswer): void {
    this.#worker.keys.set(ref, answer)
  }

  /** Refuses or accepts new connections, by the memory that the process uses. */
  setRefusing(isRefusing: boolean): void {
    this.#count.isRefusing = isRefusing
  }

  /** Requests and tunnels that are not finished. */
  get inFlight(): number {
    return this.#worker.inFlight
  }

  /** From now on health answers 503 and each response closes its connection. */
  drain(): void {
    this.#worker.isDraining = true
  }

  /** Stops accepting, closes idle connections, cuts tunnels, and resolves when requests are finished or `boundMs` is over. */
  async finish(boundMs: number): Promise<void> {
    this.drain()
    this.#listener.close()
    this.#tls?.close()
    const { exchanges, connections, tunnels } = this.#worker
    for (const tunnel of tunnels) tunnel.cut()
    const end = this.#clock.now() + boundMs
    while (exchanges.size + tunnels.size > 0 && this.#clock.now() < end) {
      for (const connection of connections) connection.closeIdle()
      await new Promise<void>((resolve) => this.#clock.after(tickMs / 2, resolve))
    }
    for (const connection of connections) connection.abort()
    this.#stopTicks()
    this.#checks.close()
    this.#pools.closeIdle()
    await this.#worker.passwords.stop()
  }

  #tick(): void {
    const worker = this.#worker
    const now = this.#clock.now()
    worker.time.now = now
    worker.dateLine = dateLine(this.#clock.wallNow(), worker.dateLine)
    // After what has arrived was read: a thread that got no CPU for a while must not call others late. Without this, two
    // seconds of that made every connection that was being opened a 504.
    setImmediate(() => {
      this.#listener.tick(now)
      this.#tls?.tick(now)
      for (const connection of worker.connections) connection.tick(now)
      for (const exchange of worker.exchanges) exchange.tick(now)
      for (const tunnel of worker.tunnels) tunnel.tick(now)
      for (const call of worker.calls) call.tick(now)
      this.#checks.tick()
      this.#pools.tick()
    })
  }

  /** The page of a failure for whoever cannot be served at all. */
  #wholeAnswer(code: FailureCode): string {
    const answer = failureAnswer(code)
    const fields = ownLines(answer) + this.#worker.dateLine + this.#worker.server.line
    const head = finalHead(answer.status, reasonOf(answer.status), fields, false, closeLine)
    return `${head}${answer.body}`
  }
}

function createWorkerState(options: DataPlaneOptions, tuned: TunedSettings): WorkerState {
  const {
    settings,
    clock,
    random,
    randomBytes,
    recorder,
    guard,
    onFilterFault = () => {},
  } = options
  return {
    clock,
    workers: settings.workers,
    shared: options.shared,
    store: options.store,
    random,
    time: { now: clock.now() },
    clientLimits: tuned.current,
    allowsH2c: settings.h2c,
    http2MaxStreams: settings.http2MaxStreams,
    sessionsCut: recorder.sessionsCut,
    clientRules: createClientRules(settings, noServingRules),
    server: serverRuleOf(settings.serverHeader, noServingRules),
    limits: {
      connectTimeoutMs: settings.connectTimeoutMs,
      responseTimeoutMs: settings.responseTimeoutMs,
      sendTimeoutMs: settings.responseTimeoutMs,
      tunnelIdleTimeoutMs: settings.tunnelIdleTimeoutMs,
      maxRetries: settings.retries,
    },
    recorder,
    spans: {
      isOpen: areSpansExported(settings, noServingRules),
      add: (span) => options.onSpan?.(span),
    },
    retryBudget: new RetryBudget(settings.retryBudgetPercent),
    healthPath: settings.healthPath,
    upgradeProtocols: new Set(settings.upgradeProtocols),
    createRequestId: createRequestIdSource(randomBytes),
    router: emptyRouter(),
    fallback: undefined,
    isSynced: false,
    isDraining: false,
    dateLine: dateLine(clock.wallNow(), ''),
    inFlight: 0,
    exchanges: new Set(),
    connections: new Set(),
    tunnels: new Set(),
    connectionGauges: recorder.connections,
    calls: new Set(),
    assets: new AssetStore(),
    keys: new KeyStore(clock, options.onKeyWanted),
    passwords: new PasswordThread(),
    guard,
    reportFault(fault) {
      const isOwn = guard?.indexOf(fault.filter) !== undefined
      if (fault.reason !== 'timed-out' || isOwn) onFilterFault(fault)
    },
  }
}

/** Somebody takes them: a collector of the options, or of what objects say. */
function areSpansExported({ otlpEndpoint }: ProxySettings, { spans }: ServingRules): boolean {
  return otlpEndpoint !== undefined || spans?.host !== undefined
}

// The second that the current line is for, so that the text is made once per second and not per tick.
function dateLine(wallMs: number, before: string): string {
  const text = new Date(wallMs).toUTCString()
  return before.includes(text) ? before : `Date: ${text}\r\n`
}
