// What a control thread counts and how everything is exported: the one owner of prom-client.
// Families that are counted elsewhere (slots of worker threads) are rendered by their own source and appended as text:
// prom-client needs 176 ms of blocked event loop for 2,500 histogram series (slot-collector.test.ts has the measure).
// By its files: the index loads its gateway and cluster parts, and with them Node's (1 MB resident; npm run test:image).
import Counter from 'prom-client/lib/counter.js'
import collectDefaultMetrics from 'prom-client/lib/defaultMetrics.js'
import Gauge from 'prom-client/lib/gauge.js'
import Histogram from 'prom-client/lib/histogram.js'
import Registry from 'prom-client/lib/registry.js'

/** The labels of one series. */
export type Labels = Readonly<Record<string, string>>

/** Name and meaning of a metric. Names end in their unit, counters in `_total`. */
export interface MetricOptions {
  readonly name: string
  readonly help: string
  readonly labelNames?: readonly string[]
}

/** A number that only grows. Without labels it shows as 0 from the start. */
export interface CounterMetric {
  add(amount: number, labels?: Labels): void
}

/** A number that goes up and down. */
export interface GaugeMetric {
  set(value: number, labels?: Labels): void
  /** Forgets all its series. */
  reset(): void
}

/** A distribution. */
export interface HistogramMetric {
  observe(value: number, labels?: Labels): void
}

/** The metrics of one program. */
export interface MetricsRegistry {
  counter(options: MetricOptions): CounterMetric
  /** `collect` runs at each scrape and may set the gauge then. */
  gauge(options: MetricOptions & { readonly collect?: (gauge: GaugeMetric) => void }): GaugeMetric
  histogram(options: MetricOptions & { readonly bounds: readonly number[] }): HistogramMetric
  /** Adds families that are rendered elsewhere: pieces of whole lines that together make whole families. */
  registerSource(pieces: () => Iterable<string>): void
  /** Gives all metrics in Prometheus's text format 0.0.4, and lets the event loop turn after each piece. */
  pieces(): AsyncIterable<string>
}

/** Makes an empty registry; `nodeMetrics` adds process, heap, garbage collection and event loop lag. */
export function createRegistry(options: { readonly nodeMetrics: boolean }): MetricsRegistry {
  const registry = new Registry()
  const registers = [registry]
  const sources: (() => Iterable<string>)[] = []
  if (options.nodeMetrics) collectDefaultMetrics({ register: registry })

  return {
    counter({ name, help, labelNames = [] }) {
      const counter = new Counter({ name, help, labelNames, registers })
      return { add: (amount, labels = {}) => counter.inc(labels, amount) }
    },
    gauge({ name, help, labelNames = [], collect }) {
      const wrapped: GaugeMetric = {
        set: (value, labels = {}) => gauge.set(labels, value),
        reset: () => gauge.reset(),
      }
      const gauge: Gauge = new Gauge({
        name,
        help,
        labelNames,
        registers,
        ...(collect === undefined ? {} : { collect: () => collect(wrapped) }),
      })
      return wrapped
    },
    histogram({ name, help, labelNames = [], bounds }) {
      const buckets = [...bounds]
      const histogram = new Histogram({ name, help, labelNames, buckets, registers })
      return { observe: (value, labels = {}) => histogram.observe(labels, value) }
    },
    registerSource(pieces) {
      sources.push(pieces)
    },
    async *pieces() {
      yield await registry.metrics()
      for (const pieces of sources) {
        for (const piece of pieces()) {
          yield piece
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
    },
  }
}
