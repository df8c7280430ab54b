// What all workers counted, as one text: sums each series over the slots of every worker, when scraped.
// Invariant: counters never go back. A worker that ended leaves its counts behind, its gauges go with it.
import { type Family, families } from './families.ts'
import { keyOf } from './slot-allocator.ts'
import type { SlotsMessage } from './slots.ts'

/** Gathers the slots of all threads. */
export interface SlotCollector {
  /** Takes note of a new slot; `worker` names the thread that adds to it, one name per life of a thread. */
  accept(message: SlotsMessage, worker: number): void
  /** Keeps the counts of a thread that ended, and drops its gauges and its pages. */
  retire(worker: number): void
  /** Renders every family in Prometheus's text format, in pieces, so that requests to this thread go on meanwhile. */
  render(): Promise<string>
}

interface Part {
  readonly worker: number
  readonly page: Float64Array
  readonly at: number
}

interface Series {
  /** `a="1",b="2"`, or empty. */
  readonly labels: string
  readonly size: number
  parts: Part[]
  /** What threads that ended had counted. */
  readonly retired: Float64Array
}

// 250 histograms are some 4,500 lines: about 2 ms without a pause.
const seriesPerTurn = 250

/** Makes a collector of the families in families.ts; slots of other metrics are refused. */
export function createSlotCollector(): SlotCollector {
  const list: readonly Family[] = Object.values(families)
  const byMetric = new Map(list.map(({ name }) => [name, new Map<string, Series>()]))

  return {
    accept({ metric, labels, page, at, size }, worker) {
      const known = byMetric.get(metric)
      if (known === undefined) throw new Error(`No metric family is named ${metric}.`)
      const key = keyOf(metric, labels)
      let series = known.get(key)
      if (series === undefined) {
        series = { labels: labelText(labels), size, parts: [], retired: new Float64Array(size) }
        known.set(key, series)
      }
      series.parts.push({ worker, page: new Float64Array(page), at })
    },
    retire(worker) {
      for (const { name, kind } of list) {
        for (const series of byMetric.get(name)?.values() ?? []) {
          const own = series.parts.filter((part) => part.worker === worker)
          if (own.length === 0) continue
          series.parts = series.parts.filter((part) => part.worker !== worker)
          if (kind !== 'gauge') addParts(series.retired, own)
        }
      }
    },
    async render() {
      let text = ''
      let left = seriesPerTurn
      for (const family of list) {
        text += `# HELP ${family.name} ${helpText(family.help)}\n# TYPE ${family.name} ${family.kind}\n`
        for (const series of byMetric.get(family.name)?.values() ?? []) {
          text += seriesText(family, series)
          left -= 1
          if (left > 0) continue
          left = seriesPerTurn
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      return text
    },
  }
}

function addParts(sum: Float64Array, parts: readonly Part[]): void {
  for (const { page, at } of parts) {
    for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] ?? 0) + (page[at + i] ?? 0)
  }
}

function seriesText(family: Family, series: Series): string {
  const values = series.retired.slice()
  addParts(values, series.parts)
  const { labels } = series
  const braces = labels === '' ? '' : `{${labels}}`
  if (family.kind !== 'histogram') return `${family.name}${braces} ${values[0]}\n`

  const { name, bounds } = family
  const bucket = labels === '' ? `${name}_bucket{le="` : `${name}_bucket{${labels},le="`
  let text = ''
  let count = 0
  // Slots hold each bucket's own count; Prometheus wants how many are at most `le`.
  for (const [i, bound] of bounds.entries()) {
    count += values[i] ?? 0
    text += `${bucket}${bound}"} ${count}\n`
  }
  count += values[bounds.length] ?? 0
  return `${text}${bucket}+Inf"} ${count}\n${name}_sum${braces} ${values[bounds.length + 1]}\n${name}_count${braces} ${count}\n`
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escapeLabel)}"`)
    .join(',')
}

function escapeLabel(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`
}

function helpText(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
