import fc from 'fast-check'
import t from 'tap'
import {
  type ContextSketch,
  compileContext,
  type RequestSketch,
  requestView,
  runStep,
  type StagedContext,
  type StagedRequest,
  type StepRun,
} from '../testing/filter-stage.ts'
import { type ConcurrencyFilter, concurrencyKind } from './concurrency.ts'
import type { Verdict } from './kind.ts'

const plain: ConcurrencyFilter = {
  kind: 'concurrency',
  key: { from: 'route' },
  limit: 1,
  queue: 10,
  order: 'fifo',
  maxWaitMs: 1000,
  status: 503,
}

interface Visit {
  readonly view: StagedRequest
  readonly run: StepRun
  /** `in`: admitted, `waits`, or what it was told. */
  readonly state: string
}

function visitOf(view: StagedRequest, run: StepRun): Visit {
  return {
    view,
    run,
    get state() {
      if (run.verdicts.length === 0) return 'waits'
      return stateOf(run.verdicts[0])
    },
  }
}

function stateOf(verdict: Verdict): string {
  if (verdict === undefined) return 'in'
  return typeof verdict === 'string' ? verdict : String(verdict.status)
}

/** The filter at work: each call is one request that comes. */
function gate(parts: Partial<ConcurrencyFilter> = {}, context: StagedContext | ContextSketch = {}) {
  const compiled = 'clock' in context ? context : compileContext(context)
  const { request } = concurrencyKind.compile({ ...plain, ...parts }, compiled)
  return (sketch: RequestSketch = {}): Visit => {
    const view = requestView(sketch)
    return visitOf(view, runStep(request, view))
  }
}

const states = (visits: readonly Visit[]) => visits.map(({ state }) => state)
const refused = 'concurrency-limited'

t.test('without a queue, who finds no place is refused', async (t) => {
  const come = gate({ limit: 2, queue: 0 })
  const [first, ...rest] = [come(), come(), come()]
  t.strictSame(states([first, ...rest]), ['in', 'in', refused])
  first.view.finish()
  t.strictSame(states([come(), come()]), ['in', refused])
})

t.test('routes of one account share its places; excepted networks need none', async (t) => {
  const context = compileContext({ routeKey: 'one' })
  const terms = { limit: 1, queue: 0, account: 'a', except: ['198.51.100.0/24'], status: 429 }
  const come = gate(terms, context)
  const elsewhere = gate(terms, { ...context, routeKey: 'two' })
  const first = come()
  t.strictSame(states([first, elsewhere()]), ['in', '429'])
  t.equal(elsewhere({ clientAddress: '198.51.100.1' }).state, 'in')
  t.equal(gate({ ...terms, account: 'b' }, context)().state, 'in', 'another account')
  first.view.finish()
  t.equal(elsewhere().state, 'in')
})

for (const outcome of [{ status: 200 }, { status: 499 }, { status: 502 }]) {
  t.test(`a place is given back after ${outcome.status}`, async (t) => {
    const come = gate()
    const [first, second] = [come(), come()]
    t.strictSame(states([first, second]), ['in', 'waits'])
    first.view.finish(outcome)
    t.equal(second.state, 'in')
  })
}

t.test('first in, first out', async (t) => {
  const come = gate()
  const [first, second, third] = [come(), come(), come()]
  first.view.finish()
  t.strictSame(states([second, third]), ['in', 'waits'])
  second.view.finish()
  t.equal(third.state, 'in')
})

t.test('last in, first out', async (t) => {
  const come = gate({ order: 'lifo' })
  const [first, second, third] = [come(), come(), come()]
  first.view.finish()
  t.strictSame(states([second, third]), ['waits', 'in'])
})

t.test(
  'a full queue refuses who comes; last in, first out refuses who waits longest',
  async (t) => {
    const fifo = gate({ queue: 2 })
    t.strictSame(states([fifo(), fifo(), fifo(), fifo()]), ['in', 'waits', 'waits', refused])
    const lifo = gate({ queue: 2, order: 'lifo' })
    t.strictSame(states([lifo(), lifo(), lifo(), lifo()]), ['in', refused, 'waits', 'waits'])
  },
)

t.test('who goes away leaves the queue', async (t) => {
  const come = gate({ queue: 2 })
  const [first, second, third] = [come(), come(), come()]
  second.run.cancel()
  second.run.cancel()
  const fourth = come()
  t.strictSame(states([third, fourth]), ['waits', 'waits'], 'its place in the queue is free')
  first.view.finish()
  t.strictSame(states([second, third, fourth]), ['waits', 'in', 'waits'])
})

t.test('the wait is bounded', async (t) => {
  const { request } = concurrencyKind.compile({ ...plain, maxWaitMs: 250 }, compileContext())
  t.match(request, { kind: 'async', timeoutMs: 250, onTimeout: refused })
})

t.test('workers have equal shares, rounded up', async (t) => {
  const come = gate({ limit: 5, queue: 3 }, { workers: 2 })
  const visits = Array.from({ length: 6 }, () => come())
  t.strictSame(states(visits), ['in', 'in', 'in', 'waits', 'waits', refused])
})

t.test('keys have limits of their own', async (t) => {
  const come = gate({ key: { from: 'header', name: 'x-tenant' } })
  const a = { fields: { 'x-tenant': 'a' } }
  const b = { fields: { 'x-tenant': 'b' } }
  t.strictSame(states([come(a), come(b), come(a)]), ['in', 'in', 'waits'])
})

t.test('a rebuilt route finds who is in progress and who waits, by its new terms', async (t) => {
  const context = compileContext()
  const before = gate({ limit: 1 }, context)
  const [first, second] = [before(), before()]
  const after = gate({ limit: 2 }, context)
  const third = after()
  t.strictSame(states([first, second, third]), ['in', 'waits', 'in'])
  first.view.finish()
  t.equal(second.state, 'in')
  const other = gate({ limit: 1 }, { ...context, routeKey: 'another' })
  t.equal(other().state, 'in', 'another route has its own')
})

t.test('many who wait and are over at once need no deep stack', async (t) => {
  const { request } = concurrencyKind.compile({ ...plain, queue: 100_000 }, compileContext())
  if (request?.kind !== 'async') throw new Error('there is no queue')
  const first = requestView()
  runStep(request, first)
  let over = 0
  for (let at = 0; at < 20_000; at += 1) {
    const view = requestView()
    request.start(view, () => {
      over += 1
      view.finish({ status: 503 })
    })
  }
  first.finish()
  t.equal(over, 20_000)
})

// The oracle: a list of places and a list of those who wait, in the fewest words.
class PlainGate {
  readonly inside = new Set<number>()
  waiting: number[] = []
  readonly out = new Set<number>()
  readonly #limit: number
  readonly #queue: number
  readonly #order: 'fifo' | 'lifo'

  constructor(limit: number, queue: number, order: 'fifo' | 'lifo') {
    this.#limit = limit
    this.#queue = queue
    this.#order = order
  }

  come(who: number): void {
    if (this.inside.size < this.#limit) this.inside.add(who)
    else this.waiting.push(who)
    if (this.waiting.length > this.#queue) {
      const isNewest = this.#order === 'fifo' || this.#queue === 0
      this.out.add((isNewest ? this.waiting.pop() : this.waiting.shift()) ?? -1)
    }
  }

  leave(who: number): void {
    this.waiting = this.waiting.filter((one) => one !== who)
    this.inside.delete(who)
    while (this.inside.size < this.#limit && this.waiting.length > 0) {
      this.inside.add((this.#order === 'fifo' ? this.waiting.shift() : this.waiting.pop()) ?? -1)
    }
  }

  stateOf(who: number): string {
    if (this.inside.has(who)) return 'in'
    return this.waiting.includes(who) ? 'waits' : 'gone'
  }
}

t.test('whoever comes and goes, each is where a plain list of places has it', async (t) => {
  let runs = 0
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 4 }),
      fc.constantFrom('fifo', 'lifo'),
      // A number leaves, undefined comes.
      fc.array(fc.option(fc.nat(30), { nil: undefined }), { maxLength: 60 }),
      (limit, queue, order, steps) => {
        runs += 1
        const come = gate({ limit, queue, order })
        const oracle = new PlainGate(limit, queue, order)
        const visits: Visit[] = []
        const gone = new Set<number>()
        for (const step of steps) {
          const visit = step === undefined ? undefined : visits[step]
          if (step === undefined) {
            oracle.come(visits.length)
            visits.push(come())
          } else if (visit !== undefined && !gone.has(step)) {
            gone.add(step)
            oracle.leave(step)
            if (visit.state === 'waits') visit.run.cancel()
            else visit.view.finish()
          }
        }
        return visits.every((visit, who) => {
          if (gone.has(who)) return true
          const expected = oracle.out.has(who) ? refused : oracle.stateOf(who)
          return visit.state === expected
        })
      },
    ),
  )
  t.ok(runs > 50)
})

const faults: { parts: Partial<ConcurrencyFilter>; fault: RegExp | undefined }[] = [
  { parts: {}, fault: undefined },
  { parts: { limit: 0 }, fault: /limit/ },
  { parts: { limit: 2.5 }, fault: /limit/ },
  { parts: { queue: -1 }, fault: /queue/ },
  { parts: { queue: 0 }, fault: undefined },
  { parts: { maxWaitMs: 0 }, fault: /wait/ },
  { parts: { maxWaitMs: 600_001 }, fault: /wait/ },
  { parts: { key: { from: 'header', name: 'x y' } }, fault: /header/ },
]

for (const { parts, fault } of faults) {
  t.test(
    `${JSON.stringify(parts)} ${fault === undefined ? 'is served' : 'is refused'}`,
    async (t) => {
      const found = concurrencyKind.fault({ ...plain, ...parts })
      if (fault === undefined) t.equal(found, undefined)
      else t.match(found, fault)
    },
  )
}

t.test('keys without a limit are refused', async (t) => {
  const { limit: _, ...withoutLimit } = plain
  t.match(concurrencyKind.fault(withoutLimit as ConcurrencyFilter), /no limit/)
})
