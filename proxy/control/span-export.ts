// Where do finished spans go? To the collector that options or the ConfigMap name, by OpenTelemetry's SDK, which is loaded
// when the first one is named: who traces nothing has none of it in memory.
//
// Invariant: no more than `maxQueue` spans wait. A collector that is slow or away costs spans, which are counted, and no more.
import { formatHostPort } from '../../shared/host-port.ts'
import type { Log } from '../../shared/log.ts'
import type { SpanRules } from '../../shared/routing/serving-rules.ts'
import type { SpanData } from '../../shared/routing/span.ts'

/** What an exporter needs to know. */
export interface SpanTarget {
  /** URL of the collector, without `/v1/traces`. */
  readonly endpoint: string
  readonly serviceName: string
  readonly version: string
  readonly maxQueue: number
  /** How long a span waits for others. */
  readonly delayMs: number
  readonly maxBatch: number
}

// Those of OpenTelemetry's SDKs.
const usual = { maxQueue: 2048, delayMs: 5000, maxBatch: 512 }

/** Says where spans go by the options, and by what objects say, which is stronger; undefined: nowhere. */
export function spanTarget(
  { otlpEndpoint, traceService }: SpanSettings,
  version: string,
  { host, port = 4318, serviceName = traceService, ...portions }: SpanRules = {},
): SpanTarget | undefined {
  const endpoint = host === undefined ? otlpEndpoint : `http://${formatHostPort(host, port)}`
  if (endpoint === undefined) return undefined
  return { endpoint, serviceName, version, ...usual, ...portions }
}

/** The options that say so. */
export interface SpanSettings {
  readonly otlpEndpoint: string | undefined
  readonly traceService: string
}

/** What becomes of spans. */
export interface SpanReport {
  onExported(count: number): void
  /** `queue`: too many waited; `export`: the collector did not take them, and why. */
  onDropped(count: number, reason: 'queue' | 'export', why: string): void
}

/** Sends spans to one collector. */
export interface SpanExporter {
  add(spans: readonly SpanData[]): void
  /** Sends what waits; resolves when that is done, or given up. */
  stop(): Promise<void>
}

export type OpenExporter = (target: SpanTarget, report: SpanReport) => SpanExporter

export interface SpanExportOptions {
  readonly log: Log
  /** Loads what opens exporters. */
  readonly load: () => Promise<OpenExporter>
  readonly countExported: (count: number) => void
  readonly countDropped: (count: number, reason: 'queue' | 'export') => void
}

/** The export of spans, of one collector after the other. */
export class SpanExport {
  readonly #options: SpanExportOptions
  #target = ''
  #exporter: SpanExporter | undefined
  /** Counts targets, so that what was loaded for an older one is not used. */
  #generation = 0
  #isFailing = false

  constructor(options: SpanExportOptions) {
    this.#options = options
  }

  /** Exports to `target` from now on; undefined: to nobody. What waits for another one is sent there still. Never rejects. */
  async setTarget(target: SpanTarget | undefined): Promise<void> {
    const name = JSON.stringify(target) ?? ''
    if (name === this.#target) return
    this.#target = name
    this.#generation += 1
    const generation = this.#generation
    const former = this.#exporter
    this.#exporter = undefined
    void former?.stop()
    if (target === undefined) return
    const { log, load } = this.#options
    const open = await load().catch((error: unknown) => {
      log.error({ error }, 'spans cannot be exported')
    })
    if (open === undefined || generation !== this.#generation) return
    this.#isFailing = false
    this.#exporter = open(target, this.#report(target.endpoint))
    log.info({ endpoint: target.endpoint }, 'exports spans of sampled requests')
  }

  add(spans: readonly SpanData[]): void {
    if (this.#exporter === undefined) this.#options.countDropped(spans.length, 'export')
    else this.#exporter.add(spans)
  }

  /** Sends what waits. */
  async stop(): Promise<void> {
    this.#generation += 1
    const exporter = this.#exporter
    this.#exporter = undefined
    await exporter?.stop()
  }

  /** Says once that a collector takes nothing, and once that it does again. */
  #report(endpoint: string): SpanReport {
    const { log, countExported, countDropped } = this.#options
    return {
      onExported: (count) => {
        countExported(count)
        if (this.#isFailing) log.info({ endpoint }, 'the collector takes spans again')
        this.#isFailing = false
      },
      onDropped: (count, reason, why) => {
        countDropped(count, reason)
        if (reason === 'queue' || this.#isFailing) return
        this.#isFailing = true
        log.warn({ endpoint, why }, 'the collector takes no spans: they are dropped')
      },
    }
  }
}
