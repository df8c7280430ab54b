// What all workers counted, as one text: sums each series over the slots of every worker, when scraped.
// Invariant: counters never go back. A worker that ended leaves its counts behind, its gauges go with it.
// Invariant: a scrape holds the routes of now, not every route there ever was (preview environments come and go).
import type { Clock } from '../../shared/clock.ts'
import { type Route, type RouteTable, serviceOf } from '../../shared/routing/table.ts'
import { type Family, families } from './families.ts'
import { keyOf } from './slot-allocator.ts'
import type { SlotsMessage } from './slots.ts'

/** Gathers the slots of all threads. */
export interface SlotCollector {
  /** Takes note of a new slot; `worker` names the thread that adds to it, one name per life of a thread. */
  accept(message: SlotsMessage, worker: number): void
  /** Keeps the counts of a thread that ended, and drops its gauges and its pages. */
  retire(worker: number): void
  /** Says which routes are served; the series of others are left out 15 minutes later, and return with their route. */
  setTable(table: RouteTable): void
  /** Renders every family in Prometheus's text format, in pieces: whoever takes them lets other work run in between. */
  pieces(): Iterable<string>
}

interface Part {
  readonly worker: number
  readonly page: Float64Array
  readonly at: number
}

interface Series {
  /** `a="1",b="2"`, or empty. */
  readonly labels: string
  /** What `routeKey` makes of its route; empty for a series that belongs to none. */
  readonly route: string
  parts: Part[]
  /** What threads that ended had counted. */
  readonly retired: Float64Array
}

// Long enough for what was still in flight to be counted and scraped.
const hideAfterMs = 15 * 60_000

// 250 histograms are some 4,500 lines and half a MB: about 2 ms.
const seriesPerPiece = 250

/** Makes a collector of the families in families.ts; slots of other metrics are refused. */
export function createSlotCollector(clock: Pick<Clock, 'now'>): SlotCollector {
  const list: readonly Family[] = Object.values(families)
  const counted = new Set<string>()
  // Routes that are no longer served, and since when.
  const gone = new Map<string, number>()
  const byMetric = new Map(list.map(({ name }) => [name, new Map<string, Series>()]))

  return {
    accept({ metric, labels, page, at, size }, worker) {
      const known = byMetric.get(metric)
      if (known === undefined) throw new Error(`No metric family is named ${metric}.`)
      const key = keyOf(metric, labels)
      let series = known.get(key)
      if (series === undefined) {
        const retired = new Float64Array(size)
        series = { labels: labelText(labels), route: routeKey(labels), parts: [], retired }
        known.set(key, series)
        if (series.route !== '') counted.add(series.route)
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
    setTable({ routes, fallback }) {
      const served = new Set(routes.map(seriesKey))
      if (fallback !== undefined) served.add(seriesKey(fallback))
      for (const route of counted) {
        if (served.has(route)) gone.delete(route)
        else if (!gone.has(route)) gone.set(route, clock.now())
      }
    },
    *pieces() {
      const goneBefore = clock.now() - hideAfterMs
      let text = ''
      let left = seriesPerPiece
      for (const family of list) {
        text += `# HELP ${family.name} ${helpText(family.help)}\n# TYPE ${family.name} ${family.kind}\n`
        for (const series of byMetric.get(family.name)?.values() ?? []) {
          if ((gone.get(series.route) ?? Number.POSITIVE_INFINITY) < goneBefore) continue
          text += seriesText(family, series)
          left -= 1
          if (left > 0) continue
          yield text
          text = ''
          left = seriesPerPiece
        }
      }
      yield text
    },
  }
}

interface RouteNames {
  readonly namespace?: string
  readonly ingress?: string
  readonly service?: string
}

function seriesKey(route: Route): string {
  const { namespace, name } = route.owner
  return routeKey({ namespace, ingress: name, service: serviceOf(route) })
}

function routeKey({ namespace = '', ingress = '', service = '' }: RouteNames): string {
  return ingress === '' ? '' : `${namespace}/${ingress}/${service}`
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
