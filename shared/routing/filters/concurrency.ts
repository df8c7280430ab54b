// How many requests may be in progress at a time, and who waits for whom?
//
//   request ─► place free? ──► upstream ──► finished: the place goes to one who waits
//                 │ no
//                 └─► queue (first in, first out; or last in, first out) ──too long, or no room──► 503
//
// The limit is the node's: each worker has an equal share, rounded up, so that at most `workers - 1` more can be in progress.
//
// Invariant: each admitted request gives its place back once, when its exchange is over, however that went.
// Invariant: who waits leaves the queue when its client goes away; nobody waits longer than `maxWaitMs`.
import { failures } from '../failure.ts'
import { compileRequestKey, faultOfRequestKey, type RequestKey } from '../request-key.ts'
import { exceptFor, faultOfExceptions } from './exceptions.ts'
import type {
  Cancel,
  CompileContext,
  Filter,
  FilterKind,
  RequestStep,
  RequestView,
  ResponseStep,
  SharedCounters,
  Verdict,
} from './kind.ts'

/** Bounds the requests in progress, tunnels included. */
export interface ConcurrencyFilter extends Filter {
  readonly kind: 'concurrency'
  /** `route`: all requests of the route share the limit. */
  readonly key: RequestKey | { readonly from: 'route' }
  /** Routes with the same text share their places; absent: each route has its own. */
  readonly account?: string
  /** Client addresses (CIDRs) that are not counted. */
  readonly except?: readonly string[]
  /** Requests at a time, ≥ 1. */
  readonly limit: number
  /** How many may wait, over the whole node; 0: none. */
  readonly queue: number
  readonly order: 'fifo' | 'lifo'
  readonly maxWaitMs: number
  /** Of refusals, 400 to 599. */
  readonly status: number
  /** Of who waited too long; absent: that of the others. */
  readonly lateStatus?: number
  /** A place is free again when the response has begun; absent: when it has ended. */
  readonly until?: 'head'
}

const maxCount = 1_000_000
const maxWaitMs = 600_000

export const concurrencyKind: FilterKind<ConcurrencyFilter> = {
  kind: 'concurrency',
  isGuard: true,
  defaults: { key: { from: 'route' }, queue: 0, order: 'fifo', maxWaitMs: 10_000, status: 503 },
  fault(filter) {
    const { key, limit, queue, except, status, lateStatus = status } = filter
    if (limit === undefined) return 'there is no limit'
    if (!isCount(limit, 1)) return `the limit must be a whole number from 1 to ${maxCount}`
    if (!isCount(queue, 0)) return `the queue must be a whole number from 0 to ${maxCount}`
    if (!(filter.maxWaitMs >= 1 && filter.maxWaitMs <= maxWaitMs)) {
      return 'the wait must be 1 ms to 10 minutes'
    }
    if (![status, lateStatus].every((each) => each >= 400 && each <= 599)) {
      return 'the status must be 400 to 599'
    }
    return faultOfExceptions(except) ?? (key.from === 'route' ? undefined : faultOfRequestKey(key))
  },
  compile(filter, context) {
    const enter = compileEntrance(filter, context)
    const refusal = refusalOf(filter.status)
    const step =
      filter.queue === 0 ? withoutQueue(enter, refusal) : withQueue(enter, filter, refusal)
    return {
      request: exceptFor(filter.except, step),
      ...(filter.until === 'head' && { response: releaseStep }),
    }
  },
}

const releaseStep: ResponseStep = {
  includesOwn: false,
  kind: 'sync',
  decide(response) {
    for (const release of places.get(response.request) ?? []) release()
    return undefined
  },
}

// Of requests that are in progress: how each gives back the places that it needs until its response has begun.
const places = new WeakMap<RequestView, (() => void)[]>()

function isCount(count: number, least: number): boolean {
  return Number.isSafeInteger(count) && count >= least && count <= maxCount
}

type Refusal = Exclude<Verdict, undefined>

function refusalOf(status: number): Refusal {
  if (status === failures['concurrency-limited'].status) return 'concurrency-limited'
  return {
    status,
    code: 'concurrency-limited',
    headers: [['content-type', 'text/plain']],
    body: `${status} concurrency-limited\n${failures['concurrency-limited'].text}\n`,
  }
}

function withoutQueue(enter: (request: RequestView) => Gate, refusal: Refusal): RequestStep {
  return {
    kind: 'sync',
    decide: (request) => (enter(request).admit(request) ? undefined : refusal),
  }
}

function withQueue(
  enter: (request: RequestView) => Gate,
  filter: ConcurrencyFilter,
  refusal: Refusal,
): RequestStep & { readonly kind: 'async' } {
  return {
    kind: 'async',
    timeoutMs: filter.maxWaitMs,
    onTimeout: filter.lateStatus === undefined ? refusal : refusalOf(filter.lateStatus),
    start(request, settle) {
      const gate = enter(request)
      if (!gate.admit(request)) return gate.wait(request, settle, refusal)
      settle(undefined)
      return () => {}
    },
  }
}

// By worker (its shared counters stand for it) and by key, as long as somebody is behind the gate: a route that is rebuilt
// finds the requests of the one before, and nothing is left of keys and routes that are gone.
const gatesOfWorkers = new WeakMap<SharedCounters, Map<string, Gate>>()

/** Makes the function that finds the gate of a request. */
function compileEntrance(
  filter: ConcurrencyFilter,
  { shared, routeKey, workers }: CompileContext,
): (request: RequestView) => Gate {
  const gates = gatesOfWorkers.get(shared) ?? new Map<string, Gate>()
  gatesOfWorkers.set(shared, gates)
  const limit = Math.ceil(filter.limit / workers)
  const queue = Math.ceil(filter.queue / workers)
  const owner = filter.account === undefined ? routeKey : `account ${filter.account}`
  const prefix = `${owner} ${JSON.stringify(filter.key)} `
  const keyOf = filter.key.from === 'route' ? () => '' : compileRequestKey(filter.key)
  return (request) => {
    const key = prefix + keyOf(request)
    let gate = gates.get(key)
    if (gate === undefined) {
      gate = new Gate(() => gates.delete(key))
      gates.set(key, gate)
    }
    gate.setTerms(limit, queue, filter.order, filter.until === 'head')
    return gate
  }
}

interface Waiter {
  readonly request: RequestView
  readonly settle: (verdict: Verdict) => void
}

/** The places of one key in one worker. */
class Gate {
  readonly #onEmpty: () => void
  #limit = 1
  #maxWaiting = 0
  #order: ConcurrencyFilter['order'] = 'fifo'
  #isUntilHead = false
  #inProgress = 0
  /** In the order of arrival. */
  readonly #waiting = new WaitingList<Waiter>()
  #isHandingOn = false

  /** `onEmpty` is told when nobody is in progress and nobody waits. */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty
  }

  /** The terms of the route as it is now. */
  setTerms(
    limit: number,
    maxWaiting: number,
    order: ConcurrencyFilter['order'],
    isUntilHead: boolean,
  ): void {
    this.#isUntilHead = isUntilHead
    this.#limit = limit
    this.#maxWaiting = maxWaiting
    this.#order = order
  }

  /** Takes a place for `request` until it is over; false when there is none. */
  admit(request: RequestView): boolean {
    if (this.#inProgress >= this.#limit) return false
    this.#inProgress += 1
    let isReleased = false
    const release = () => {
      if (isReleased) return
      isReleased = true
      this.#inProgress -= 1
      this.#handOn()
    }
    if (this.#isUntilHead) places.set(request, [...(places.get(request) ?? []), release])
    request.whenFinished(() => {
      places.delete(request)
      release()
    })
    return true
  }

  /** Waits for a place; `settle` may be called at once. Who has to go gets the `refusal`. */
  wait(request: RequestView, settle: (verdict: Verdict) => void, refusal: Refusal): Cancel {
    if (this.#waiting.size >= this.#maxWaiting) {
      // Last in, first out: who has waited longest is the one whose client has most likely given up.
      const loser = this.#order === 'lifo' ? this.#waiting.takeFirst() : undefined
      if (loser === undefined) {
        settle(refusal)
        return () => {}
      }
      loser.settle(refusal)
    }
    return this.#waiting.add({ request, settle })
  }

  /** Gives free places to those who wait. */
  #handOn(): void {
    // Who is admitted may be over before it returns: a loop here, not one level of the stack for each.
    if (this.#isHandingOn) return
    this.#isHandingOn = true
    try {
      while (this.#inProgress < this.#limit) {
        const next = this.#order === 'lifo' ? this.#waiting.takeLast() : this.#waiting.takeFirst()
        if (next === undefined) break
        this.admit(next.request)
        next.settle(undefined)
      }
    } finally {
      this.#isHandingOn = false
    }
    if (this.#inProgress === 0 && this.#waiting.size === 0) this.#onEmpty()
  }
}

interface Link<T> {
  readonly value: T
  before: Link<T> | undefined
  after: Link<T> | undefined
  isIn: boolean
}

/** A list that gives up any of its values, wherever it is, at the same small cost. */
class WaitingList<T> {
  #first: Link<T> | undefined
  #last: Link<T> | undefined
  size = 0

  /** Appends a value; the returned function takes it out again. */
  add(value: T): () => void {
    const link: Link<T> = { value, before: this.#last, after: undefined, isIn: true }
    if (this.#last === undefined) this.#first = link
    else this.#last.after = link
    this.#last = link
    this.size += 1
    return () => this.#remove(link)
  }

  takeFirst(): T | undefined {
    return this.#take(this.#first)
  }

  takeLast(): T | undefined {
    return this.#take(this.#last)
  }

  #take(link: Link<T> | undefined): T | undefined {
    if (link !== undefined) this.#remove(link)
    return link?.value
  }

  #remove(link: Link<T>): void {
    if (!link.isIn) return
    link.isIn = false
    this.size -= 1
    if (link.before === undefined) this.#first = link.after
    else link.before.after = link.after
    if (link.after === undefined) this.#last = link.before
    else link.after.before = link.before
  }
}
