import fc from 'fast-check'
import t from 'tap'
import type { HealthCheck } from '../../shared/routing/backend.ts'
import type { CallRequest, CallResult } from '../../shared/routing/filters/kind.ts'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { seededRandom } from '../../test/support/random-bytes.ts'
import type { EndpointPool } from './endpoint-pool.ts'
import { HealthChecks } from './health-checks.ts'
import { LiveUpstream } from './live-upstream.ts'
import { testPools } from './testing/pools.ts'

const check: HealthCheck = {
  path: '/ready?deep=1',
  intervalMs: 1000,
  timeoutMs: 300,
  healthy: 2,
  unhealthy: 3,
  statuses: [{ from: 200, to: 299 }],
}
const good: CallResult = { status: 204, fields: '', body: Buffer.alloc(0) }
const bad: CallResult = { ...good, status: 503 }

interface Asked {
  readonly pool: EndpointPool
  readonly request: CallRequest
  readonly at: number
  isCancelled: boolean
  answer(result: CallResult): void
}

/** Upstreams, their checks, and every call that was made. */
function stage(seed = 1) {
  const { pools, time } = testPools()
  const asked: Asked[] = []
  const checks = new HealthChecks({
    time,
    random: seededRandom(seed),
    call(pool, request, onResult) {
      let isOver = false
      const call: Asked = {
        pool,
        request,
        at: time.now,
        isCancelled: false,
        answer: (result) => {
          // As a real call: once, and never after the cancel.
          if (isOver) return
          isOver = true
          onResult(result)
        },
      }
      asked.push(call)
      return () => {
        isOver = true
        call.isCancelled = true
      }
    },
  })
  const upstreamOf = (...numbers: number[]) => {
    const upstream = new LiveUpstream('d/s:80', () => 0)
    upstream.update(tableOf(numbers), pools)
    return upstream
  }
  const tableOf = (numbers: number[]) => ({
    key: 'd/s:80',
    endpoints: numbers.map((number) => ({ address: `10.0.0.${number}`, port: 80 })),
  })
  /** Lets time go on, tick by tick; each call is answered by `answer`, if there is one. */
  const run = (ms: number, answer?: (call: Asked) => CallResult | undefined) => {
    for (let gone = 0; gone < ms; gone += 100) {
      time.now += 100
      const before = asked.length
      checks.tick()
      for (const call of asked.slice(before)) {
        const result = answer?.(call)
        if (result !== undefined) call.answer(result)
      }
    }
  }
  const update = (upstream: LiveUpstream, ...numbers: number[]) =>
    upstream.update(tableOf(numbers), pools)
  return { checks, asked, time, upstreamOf, update, run }
}

t.test('each endpoint is asked once per interval, not all at once', async (t) => {
  const { checks, asked, upstreamOf, run } = stage()
  const upstream = upstreamOf(1, 2, 3, 4)
  checks.start(upstream, check)
  run(10_000, () => good)
  for (const pool of upstream.pools) {
    const times = asked.filter((call) => call.pool === pool).map(({ at }) => at)
    t.ok(times.length >= 9 && times.length <= 11, `${times.length} checks in ten intervals`)
    for (const [index, at] of times.entries()) {
      const since = at - (times[index - 1] ?? at - 1000)
      // Within a tenth of the interval, seen at ticks of 100 ms.
      t.ok(since >= 900 && since <= 1200, `${since} ms between two`)
    }
  }
  t.ok(new Set(asked.slice(0, 4).map(({ at }) => at)).size > 1)
  t.match(asked[0]?.request, {
    method: 'GET',
    target: '/ready?deep=1',
    authority: asked[0]?.pool.name,
    timeoutMs: 300,
  })
})

t.test('bad answers in a row make it unhealthy, good ones healthy again', async (t) => {
  const { checks, asked, upstreamOf, run } = stage()
  const upstream = upstreamOf(1)
  const [pool] = upstream.pools
  checks.start(upstream, { ...check, host: 'shop.test' })
  const results = [bad, bad, good, bad, bad, bad, good, bad, good, good]
  const isUnhealthy = results.map((result) => {
    const before = asked.length
    while (asked.length === before) run(100, () => result)
    return pool?.health.isUnhealthy
  })
  const expected = [false, false, false, false, false, true, true, true, true, false]
  t.same(isUnhealthy, expected)
  t.equal(asked[0]?.request.authority, 'shop.test')
})

const verdicts: { result: CallResult; isGood: boolean; why: string }[] = [
  { result: { ...good, status: 200 }, isGood: true, why: 'the first of the range' },
  { result: { ...good, status: 299 }, isGood: true, why: 'the last' },
  { result: { ...good, status: 301 }, isGood: false, why: 'a redirect is none' },
  { result: { failure: 'connect-failed' }, isGood: false, why: 'nobody listens' },
  { result: { failure: 'response-timeout' }, isGood: false, why: 'no answer' },
]

for (const { result, isGood, why } of verdicts) {
  t.test(
    `${JSON.stringify(result).slice(0, 40)} is ${isGood ? 'good' : 'bad'}: ${why}`,
    async (t) => {
      const { checks, upstreamOf, run } = stage()
      const upstream = upstreamOf(1)
      checks.start(upstream, { ...check, unhealthy: 1 })
      run(2000, () => result)
      t.equal(upstream.pools[0]?.health.isUnhealthy, !isGood)
    },
  )
}

t.test('an endpoint that does not answer is not asked again meanwhile', async (t) => {
  const { checks, asked, upstreamOf, run } = stage()
  checks.start(upstreamOf(1), check)
  run(10_000)
  t.equal(asked.length, 1)
  asked[0]?.answer(bad)
  run(2000)
  t.equal(asked.length, 2)
})

t.test('no more than 64 are under way, and the others get their turn', async (t) => {
  const { checks, asked, upstreamOf, run } = stage()
  const upstream = upstreamOf(...Array.from({ length: 100 }, (_, index) => index))
  checks.start(upstream, check)
  run(5000)
  t.equal(asked.length, 64)
  for (const call of asked.slice(0, 50)) call.answer(good)
  run(100)
  t.equal(asked.length, 114)
  t.equal(new Set(asked.map(({ pool }) => pool)).size, 100, 'those that waited longest first')
})

t.test('at the bound, upstreams take turns', async (t) => {
  const { checks, asked, upstreamOf, run } = stage()
  const many = upstreamOf(...Array.from({ length: 200 }, (_, index) => index))
  const few = upstreamOf(201)
  checks.start(many, check)
  checks.start(few, check)
  run(5000)
  for (let round = 0; round < 4; round += 1) {
    for (const call of asked.slice(-64)) call.answer(good)
    run(100)
  }
  t.ok(asked.some(({ pool }) => pool === few.pools[0]))
})

t.test('routes with the same check share it; the last one ends it', async (t) => {
  const { checks, asked, upstreamOf, run } = stage()
  const upstream = upstreamOf(1)
  const ends = [checks.start(upstream, check), checks.start(upstream, { ...check })]
  run(5000, () => bad)
  t.equal(upstream.pools[0]?.health.isUnhealthy, true)
  const count = asked.length
  t.ok(count <= 6, `${count} checks`)
  ends[0]?.()
  ends[0]?.()
  t.equal(upstream.pools[0]?.health.isUnhealthy, true, 'the other still asks')
  run(3000)
  const last = asked.at(-1)
  t.equal(last?.isCancelled, false)
  ends[1]?.()
  t.equal(last?.isCancelled, true)
  t.equal(upstream.pools[0]?.health.isUnhealthy, false, 'what it found ends with it')
  run(5000)
  t.equal(asked.at(-1), last)
})

t.test('an endpoint that comes is asked, one that goes is not', async (t) => {
  const { checks, asked, upstreamOf, update, run } = stage()
  const upstream = upstreamOf(1, 2)
  const [one, two] = upstream.pools
  checks.start(upstream, { ...check, unhealthy: 1 })
  run(2000, () => bad)
  update(upstream, 2, 3)
  const before = asked.length
  run(3000, () => bad)
  const later = asked.slice(before).map(({ pool }) => pool)
  t.notOk(later.includes(one as EndpointPool))
  t.same(new Set(later), new Set(upstream.pools))
  t.equal(one?.health.isUnhealthy, false)
  t.equal(two?.health.isUnhealthy, true, 'who stays keeps its state')
  checks.close()
  t.equal(two?.health.isUnhealthy, false)
})

t.test('whatever happens, nobody is unhealthy when all checks are over', async (t) => {
  const step = fc.record({ what: fc.nat(4), numbers: fc.uniqueArray(fc.nat(4)), ms: fc.nat(3000) })
  assertProperty(
    t,
    fc.property(fc.array(step, { maxLength: 20 }), fc.integer(), (steps, seed) => {
      const { checks, asked, upstreamOf, update, run } = stage(seed)
      const upstream = upstreamOf(0, 1)
      const seen = new Set<EndpointPool>()
      const ends: (() => void)[] = []
      for (const { what, numbers, ms } of steps) {
        if (what === 0) update(upstream, ...numbers)
        else if (what === 1)
          ends.push(checks.start(upstream, { ...check, unhealthy: 1 + (ms % 3) }))
        else if (what === 2) ends.shift()?.()
        else if (what === 3) run(ms, () => (ms % 2 === 0 ? bad : good))
        else {
          run(ms)
          for (const call of asked) if (ms % 3 === 0) call.answer(bad)
        }
        for (const pool of upstream.pools) seen.add(pool)
      }
      for (const end of ends) end()
      return [...seen].every(({ health }) => !health.isUnhealthy)
    }),
    { numRuns: 200 },
  )
})
