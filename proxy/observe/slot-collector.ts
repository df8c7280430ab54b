// What all workers counted, as one text: sums each series over the slots of every worker, when scraped.
// Invariant: counters never go back. A worker that ended leaves its counts behind, its gauges go with it.
// Invariant: a scrape holds the routes of now, not every route there ever was (preview environments come and go), and so does
// the memory: what a route that is gone had counted is forgotten here and in the workers (slots.ts says how).
import type { Clock } from '../../shared/clock.ts'
import { entriesOf } from '../../shared/routing/sharded-map.ts'
import { type Route, type RouteTable, servicesOf } from '../../shared/routing/table.ts'
import { type Family, families } from './families.ts'
import { exporterLabels, type NginxExporter, nginxRequestFamilies } from './nginx-families.ts'
import { nginxHost } from './nginx-series.ts'
import { helpText, labelText, seriesText } from './series-text.ts'
import { keyOf } from './slot-allocator.ts'
import { pathKey, routeKey, type SlotsMessage } from './slots.ts'

/** Gathers the slots of all threads. */
export interface SlotCollector {
  /** Takes note of a new slot; `worker` names the thread that adds to it, one name per life of a thread. */
  accept(message: SlotsMessage, worker: number): void
  /** Keeps the counts of a thread that ended, and drops its gauges and its pages. */
  retire(worker: number): void
  /** Says which routes are served; the series of others are left out 15 minutes later. */
  setTable(table: RouteTable): void
  /**
   * Forgets the series that are left out by now; called every minute. `tell` has the workers give their slots back and names
   * those who were told; each answers by `noteForgotten`.
   */
  forgetGone(tell: (routes: readonly string[]) => readonly number[]): void
  /** A worker has given back the slots of these routes: what it announces from now on is new. */
  noteForgotten(routes: readonly string[], worker: number): void
  /** Renders every family in Prometheus's text format, in pieces: whoever takes them lets other work run in between. */
  pieces(): Iterable<string>
  /** The sum of a counter or gauge now; 0 while there is no such series. */
  total(family: Family, labels: Readonly<Record<string, string>>): number
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
  /** Of a series that belongs to one. */
  readonly route: CountedRoute | undefined
  parts: Part[]
  /** What threads that ended had counted. */
  retired: Float64Array | undefined
}

type SeriesByKey = Map<string, Series>

/** A route that was counted, served or not. */
interface CountedRoute {
  /** Monotonic ms; undefined while it is served. */
  goneSince: number | undefined
  /** Where its series are. */
  readonly series: [of: SeriesByKey, key: string][]
}

// Long enough for what was still in flight to be counted and scraped.
const hideAfterMs = 15 * 60_000

const own: readonly Family[] = Object.values(families)
const ofNginx: readonly Family[] = Object.values(nginxRequestFamilies)

// 250 histograms are some 4,500 lines and half a MB: about 2 ms.
const seriesPerPiece = 250

/** Makes a collector of the families in families.ts, and of those of ingress-nginx as `nginx`; other slots are refused. */
export function createSlotCollector(
  clock: Pick<Clock, 'now'>,
  nginx?: NginxExporter,
): SlotCollector {
  return new Collector(clock, nginx)
}

class Collector implements SlotCollector {
  readonly #clock: Pick<Clock, 'now'>
  readonly #families: readonly Family[]
  readonly #byMetric: ReadonlyMap<string, SeriesByKey>
  /** Labels of all series of ingress-nginx's families; undefined when there are none. */
  readonly #nginxLabels: string | undefined
  readonly #routes = new Map<string, CountedRoute>()
  /** Routes whose slots each worker was told to give back and has not yet. */
  readonly #awaited = new Map<number, Set<string>>()
  #table: RouteTable | undefined
  #tableSince = 0
  /** What the table says is noted at the routes. */
  #isNoted = true

  constructor(clock: Pick<Clock, 'now'>, nginx: NginxExporter | undefined) {
    this.#clock = clock
    this.#nginxLabels = nginx && exporterLabels(nginx)
    this.#families = nginx === undefined ? own : [...own, ...ofNginx]
    this.#byMetric = new Map(this.#families.map(({ name }) => [name, new Map()]))
  }

  accept({ metric, labels, page, at, size }: SlotsMessage, worker: number): void {
    const known = this.#byMetric.get(metric)
    if (known === undefined) throw new Error(`No metric family is named ${metric}.`)
    const route = keyOfLabels(labels)
    // Announced before the worker heard that its slots are free: they may be another series' by now.
    if (this.#awaited.get(worker)?.has(route) === true) return
    const key = keyOf(metric, labels)
    let series = known.get(key)
    if (series === undefined) {
      const counted = route === '' ? undefined : this.#routeOf(route)
      series = { labels: labelText(labels), size, route: counted, parts: [], retired: undefined }
      counted?.series.push([known, key])
      known.set(key, series)
    }
    series.parts.push({ worker, page: new Float64Array(page), at })
  }

  /** A route may be counted when it is gone already: something was in flight. */
  #routeOf(key: string): CountedRoute {
    let route = this.#routes.get(key)
    if (route === undefined) {
      route = { goneSince: undefined, series: [] }
      this.#routes.set(key, route)
      if (this.#table !== undefined && this.#isNoted) {
        this.#tableSince = this.#clock.now()
        this.#isNoted = false
      }
    }
    return route
  }

  retire(worker: number): void {
    this.#awaited.delete(worker)
    for (const { name, kind } of this.#families) {
      for (const series of this.#byMetric.get(name)?.values() ?? []) {
        const own = series.parts.filter((part) => part.worker === worker)
        if (own.length === 0) continue
        series.parts = series.parts.filter((part) => part.worker !== worker)
        if (kind === 'gauge') continue
        series.retired ??= new Float64Array(series.size)
        addParts(series.retired, own)
      }
    }
  }

  /** Only taken note of: a change among 16,000 routes must not wait for their names to be looked through. */
  setTable(table: RouteTable): void {
    this.#table = table
    this.#tableSince = this.#clock.now()
    this.#isNoted = false
  }

  #noteTable(): void {
    const table = this.#table
    if (this.#isNoted || table === undefined) return
    this.#isNoted = true
    const served = new Set<string>()
    const serve = (route: Route): void => {
      for (const key of keysOfRoute(route, this.#nginxLabels !== undefined)) served.add(key)
    }
    for (const [, routes] of entriesOf(table.hosts)) routes.forEach(serve)
    if (table.fallback !== undefined) serve(table.fallback)
    for (const [key, route] of this.#routes) {
      if (served.has(key)) route.goneSince = undefined
      else route.goneSince ??= this.#tableSince
    }
  }

  forgetGone(tell: (routes: readonly string[]) => readonly number[]): void {
    this.#noteTable()
    const now = this.#clock.now()
    const keys: string[] = []
    for (const [key, route] of this.#routes) {
      if (!isLeftOut(route, now)) continue
      for (const [known, seriesKey] of route.series) known.delete(seriesKey)
      this.#routes.delete(key)
      keys.push(key)
    }
    if (keys.length === 0) return
    for (const worker of tell(keys)) {
      const awaited = this.#awaited.get(worker) ?? new Set()
      this.#awaited.set(worker, awaited)
      for (const key of keys) awaited.add(key)
    }
  }

  noteForgotten(routes: readonly string[], worker: number): void {
    const awaited = this.#awaited.get(worker)
    for (const key of routes) awaited?.delete(key)
    if (awaited?.size === 0) this.#awaited.delete(worker)
  }

  total({ name }: Family, labels: Readonly<Record<string, string>>): number {
    const series = this.#byMetric.get(name)?.get(keyOf(name, labels))
    return series === undefined ? 0 : (sumOf(series)[0] ?? 0)
  }

  *pieces(): Iterable<string> {
    this.#noteTable()
    const now = this.#clock.now()
    let text = ''
    let left = seriesPerPiece
    for (const family of this.#families) {
      // Kept once, not with each of what may be many series.
      const common = ofNginx.includes(family) ? `${this.#nginxLabels},` : ''
      text += `# HELP ${family.name} ${helpText(family.help)}\n# TYPE ${family.name} ${family.kind}\n`
      for (const series of this.#byMetric.get(family.name)?.values() ?? []) {
        if (series.route !== undefined && isLeftOut(series.route, now)) continue
        text += seriesText(family, common + series.labels, sumOf(series))
        left -= 1
        if (left > 0) continue
        yield text
        text = ''
        left = seriesPerPiece
      }
    }
    yield text
  }
}

function isLeftOut({ goneSince }: CountedRoute, now: number): boolean {
  return goneSince !== undefined && goneSince < now - hideAfterMs
}

function keysOfRoute(route: Route, isByPath: boolean): string[] {
  const { namespace, name: ingress } = route.owner
  const { host, path } = route.match
  const names = servicesOf(route).map((service) => ({ namespace, ingress, service }))
  const keys = names.map(keyOfLabels)
  if (!isByPath) return keys
  const place = { host: nginxHost(host), path }
  return [...keys, ...names.map((labels) => keyOfLabels({ ...labels, ...place }))]
}

/** Empty for a series that belongs to no route that could go. */
function keyOfLabels({
  namespace = '',
  ingress = '',
  service = '',
  host,
  path,
}: Readonly<Record<string, string>>): string {
  if (ingress === '') return ''
  const names = { namespace, ingress, service }
  return host === undefined || path === undefined ? routeKey(names) : pathKey(names, host, path)
}

function sumOf({ size, parts, retired }: Series): Float64Array {
  const values = retired?.slice() ?? new Float64Array(size)
  addParts(values, parts)
  return values
}

function addParts(sum: Float64Array, parts: readonly Part[]): void {
  for (const { page, at } of parts) {
    for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] ?? 0) + (page[at + i] ?? 0)
  }
}
