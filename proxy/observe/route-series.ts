// Which slots count the requests of a route? Made when first needed, so that an idle route costs nothing, and given back when
// its series are exported no more.
//
// A route holds a handle; routes of the same names share the series behind it. What is still in flight when a series is
// forgotten counts for a new one of the same names: nothing is ever added to a slot that was given back.
import { answerKey, answerLabels } from './answer-key.ts'
import { families } from './families.ts'
import type { NginxCounters } from './nginx-series.ts'
import { createHistogram, type SlotHistogram } from './slot-histogram.ts'
import { type RouteNames, type RoutePlace, routeKey, type Slot, type Slots } from './slots.ts'

/** All series of routes in one worker. */
export class SeriesOfRoutes {
  readonly #slots: Slots
  readonly #byRoute = new Map<string, RouteSeries>()

  constructor(slots: Slots) {
    this.#slots = slots
  }

  /** Gives what a route is counted by. */
  handleOf(names: RouteNames, nginx?: NginxCounters, place?: RoutePlace): RouteCounters {
    return new RouteCounters(names, nginx, place)
  }

  /** Finds the series of a handle; costs two comparisons unless it is the first request. */
  seriesOf(counters: RouteCounters): RouteSeries {
    const known = counters.series
    if (known !== undefined && !known.isForgotten) return known
    const key = routeKey(counters)
    let series = this.#byRoute.get(key)
    if (series === undefined) {
      series = new RouteSeries(this.#slots, counters)
      this.#byRoute.set(key, series)
    }
    counters.series = series
    return series
  }

  /** Gives back all slots of these routes (`routeKey`). */
  forget(routes: readonly string[]): void {
    for (const key of routes) {
      this.#byRoute.get(key)?.forget()
      this.#byRoute.delete(key)
    }
  }
}

/** One route's way to its series: looked up when the route is built, never per request. */
export class RouteCounters implements RouteNames {
  readonly namespace: string
  readonly ingress: string
  readonly service: string
  /** In the words of ingress-nginx as well; undefined where nobody asked for them. */
  readonly nginx: NginxCounters | undefined
  /** For the access log; undefined for what is no route. */
  readonly place: RoutePlace | undefined
  readonly isUnlogged: boolean
  series: RouteSeries | undefined

  constructor(
    { namespace, ingress, service }: RouteNames,
    nginx: NginxCounters | undefined,
    place?: RoutePlace,
  ) {
    this.place = place
    this.isUnlogged = place?.isUnlogged === true
    this.namespace = namespace
    this.ingress = ingress
    this.service = service
    this.nginx = nginx
  }
}

type Labels = Readonly<Record<string, string>>

/** The slots of all routes of the same names. */
export class RouteSeries {
  readonly #slots: Slots
  readonly #labels: Labels
  /** By method and status. */
  readonly #requests = new Map<number, Slot>()
  /** By code. */
  readonly #failures = new Map<string, Slot>()
  #duration: SlotHistogram | undefined
  #upstream: SlotHistogram | undefined
  /** Its slots may belong to others now. */
  isForgotten = false

  constructor(slots: Slots, { namespace, ingress, service }: RouteNames) {
    this.#slots = slots
    this.#labels = { ingress, namespace, service }
  }

  requests(method: string, status: number): Slot {
    const key = answerKey(method, status)
    const found = this.#requests.get(key)
    if (found !== undefined) return found
    const slot = this.#slots.counter(families.requests.name, this.#requestLabels(key))
    this.#requests.set(key, slot)
    return slot
  }

  failures(code: string): Slot {
    const found = this.#failures.get(code)
    if (found !== undefined) return found
    const slot = this.#slots.counter(families.failures.name, { ...this.#labels, code })
    this.#failures.set(code, slot)
    return slot
  }

  get duration(): SlotHistogram {
    this.#duration ??= createHistogram(this.#slots, families.requestDuration, this.#labels)
    return this.#duration
  }

  get upstream(): SlotHistogram {
    this.#upstream ??= createHistogram(this.#slots, families.upstreamDuration, this.#labels)
    return this.#upstream
  }

  /** Gives back its slots. */
  forget(): void {
    this.isForgotten = true
    const slots = this.#slots
    for (const key of this.#requests.keys()) {
      slots.release(families.requests.name, this.#requestLabels(key))
    }
    for (const code of this.#failures.keys()) {
      slots.release(families.failures.name, { ...this.#labels, code })
    }
    slots.release(families.requestDuration.name, this.#labels)
    slots.release(families.upstreamDuration.name, this.#labels)
  }

  #requestLabels(key: number): Labels {
    return { ...this.#labels, ...answerLabels(key) }
  }
}
