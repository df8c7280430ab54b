// Which slots count a request in ingress-nginx's words (`--metrics-like ingress-nginx`)? As route-series.ts, by more labels: host
// and path of the rule, method, status, and whether a canary served. Off, no route has such counters.
//
// Invariant: host and path are those that an Ingress declares, never a client's: what a client sends makes no series.
import { answerKey, answerLabels } from './answer-key.ts'
import { nginxRequestFamilies as families } from './nginx-families.ts'
import { requestBytes, responseBytes } from './request-sizes.ts'
import { createHistogram, observe, observeValue, type SlotHistogram } from './slot-histogram.ts'
import { add, pathKey, type Slot, type Slots } from './slots.ts'

/** What a route says about the requests that it gets. */
export interface NginxLabels {
  readonly namespace: string
  readonly ingress: string
  /** The main Service of the rule, whichever served. */
  readonly service: string
  /** As declared, `_` where none is, as ingress-nginx names that server. */
  readonly host: string
  readonly path: string
  /** `namespace-service-port` where a canary served, else empty. */
  readonly canary: string
}

/** What is counted of a finished request: as in a RequestRecord. */
export interface CountedRequest {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly query: string
  readonly status: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly fieldBytesIn: number
  readonly fieldBytesOut: number
  readonly totalMs: number
  readonly upstreamMs: number
  readonly responseMs: number
  readonly connectMs: number
}

/** The label of a host; none is `_`. */
export function nginxHost(host: string): string {
  return host === '' ? '_' : host
}

/** All such series in one worker. */
export class NginxSeries {
  readonly #slots: Slots
  readonly #byPath = new Map<string, PathSeries[]>()

  constructor(slots: Slots) {
    this.#slots = slots
  }

  /** Gives what a route, or one choice of it, is counted by. */
  handleOf(labels: NginxLabels): NginxCounters {
    return new NginxCounters(this, labels)
  }

  /** Finds the series of these labels, or begins them. */
  seriesOf(labels: NginxLabels): PathSeries {
    const key = pathKey(labels, labels.host, labels.path)
    const known = this.#byPath.get(key) ?? []
    const found = known.find((series) => series.labels.canary === labels.canary)
    if (found !== undefined) return found
    const series = new PathSeries(this.#slots, labels)
    this.#byPath.set(key, [...known, series])
    return series
  }

  /** Gives back all slots of these paths (`pathKey`). */
  forget(keys: readonly string[]): void {
    for (const key of keys) {
      for (const series of this.#byPath.get(key) ?? []) series.forget()
      this.#byPath.delete(key)
    }
  }
}

/** One route's way to its series. */
export class NginxCounters {
  readonly #all: NginxSeries
  readonly #labels: NginxLabels
  #series: PathSeries | undefined

  constructor(all: NginxSeries, labels: NginxLabels) {
    this.#all = all
    this.#labels = labels
  }

  /** Counts a finished request; after the first of its kind by two comparisons and one search by number. */
  count(record: CountedRequest): void {
    let series = this.#series
    if (series === undefined || series.isForgotten) {
      series = this.#all.seriesOf(this.#labels)
      this.#series = series
    }
    series.count(record)
  }
}

class PathSeries {
  readonly labels: NginxLabels
  readonly #slots: Slots
  readonly #byAnswer = new Map<number, AnswerSlots>()
  /** Its slots may belong to others now. */
  isForgotten = false

  constructor(slots: Slots, labels: NginxLabels) {
    this.#slots = slots
    this.labels = labels
  }

  count(record: CountedRequest): void {
    const key = answerKey(record.method, record.status)
    let slots = this.#byAnswer.get(key)
    if (slots === undefined) {
      slots = new AnswerSlots(this.#slots, { ...this.labels, ...answerLabels(key) })
      this.#byAnswer.set(key, slots)
    }
    slots.count(record)
  }

  /** Gives back its slots. */
  forget(): void {
    this.isForgotten = true
    for (const key of this.#byAnswer.keys()) {
      const labels = { ...this.labels, ...answerLabels(key) }
      for (const { name } of Object.values(families)) this.#slots.release(name, labels)
    }
  }
}

/** The slots of one method and status. */
class AnswerSlots {
  readonly #slots: Slots
  readonly #labels: Readonly<Record<string, string>>
  readonly #requests: Slot
  readonly #request: SlotHistogram
  readonly #requestSize: SlotHistogram
  readonly #responseSize: SlotHistogram
  readonly #bytesSent: SlotHistogram
  /** From the first request on that an endpoint answered. */
  #upstream: UpstreamSlots | undefined

  constructor(slots: Slots, labels: Readonly<Record<string, string>>) {
    this.#slots = slots
    this.#labels = labels
    this.#requests = slots.counter(families.requests.name, labels)
    this.#request = createHistogram(slots, families.request, labels)
    this.#requestSize = createHistogram(slots, families.requestSize, labels)
    this.#responseSize = createHistogram(slots, families.responseSize, labels)
    this.#bytesSent = createHistogram(slots, families.bytesSent, labels)
  }

  count(record: CountedRequest): void {
    add(this.#requests, 1)
    observe(this.#request, record.totalMs)
    const sent = responseBytes(record)
    observeValue(this.#requestSize, requestBytes(record))
    observeValue(this.#responseSize, sent)
    observeValue(this.#bytesSent, sent)
    if (record.upstreamMs <= 0) return
    this.#upstream ??= upstreamSlots(this.#slots, this.#labels)
    observe(this.#upstream.connect, record.connectMs)
    observe(this.#upstream.header, record.connectMs + record.upstreamMs)
    observe(this.#upstream.response, record.connectMs + record.responseMs)
  }
}

interface UpstreamSlots {
  readonly connect: SlotHistogram
  readonly header: SlotHistogram
  readonly response: SlotHistogram
}

function upstreamSlots(slots: Slots, labels: Readonly<Record<string, string>>): UpstreamSlots {
  return {
    connect: createHistogram(slots, families.connect, labels),
    header: createHistogram(slots, families.header, labels),
    response: createHistogram(slots, families.response, labels),
  }
}
