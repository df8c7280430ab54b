// What a control thread counts and how everything is exported: the one owner of prom-client.
// Families that are counted elsewhere (slots of worker threads) are rendered by their own source and appended as text:
// prom-client needs 176 ms of blocked event loop for 2,500 histogram series (slot-collector.test.ts has the measure).
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

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
}

/** A distribution. */
export interface HistogramMetric {
  observe(value: number, labels?: Labels): void
}

/** The metrics of one program. */
export interface MetricsRegistry {
  /** Content-Type of `render`'s text. */
  readonly contentType: string
  counter(options: MetricOptions): CounterMetric
  /** `collect` runs at each scrape and may set the gauge then. */
  gauge(options: MetricOptions & { readonly collect?: (gauge: GaugeMetric) => void }): GaugeMetric
  histogram(options: MetricOptions & { readonly bounds: readonly number[] }): HistogramMetric
  /** Adds families that are rendered elsewhere: whole blocks of HELP, TYPE and samples, each line with its line feed. */
  registerSource(render: () => string | Promise<string>): void
  /** Gives all metrics in Prometheus's text format 0.0.4. */
  render(): Promise<string>
}

/** Makes an empty registry; `nodeMetrics` adds process, heap, garbage collection and event loop lag. */
export function createRegistry(options: { readonly nodeMetrics: boolean }): MetricsRegistry {
  const registry = new Registry()
  const registers = [registry]
  const sources: (() => string | Promise<string>)[] = []
  if (options.nodeMetrics) collectDefaultMetrics({ register: registry })

  return {
    contentType: registry.contentType,
    counter({ name, help, labelNames = [] }) {
      const counter = new Counter({ name, help, labelNames, registers })
      return { add: (amount, labels = {}) => counter.inc(labels, amount) }
    },
    gauge({ name, help, labelNames = [], collect }) {
      const wrapped: GaugeMetric = { set: (value, labels = {}) => gauge.set(labels, value) }
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
    registerSource(render) {
      sources.push(render)
    },
    async render() {
      const parts = [await registry.metrics()]
      for (const render of sources) parts.push(await render())
      return parts.join('')
    },
  }
}
