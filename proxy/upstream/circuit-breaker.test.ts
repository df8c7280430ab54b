import fc from 'fast-check'
import t from 'tap'
import type { CircuitBreaker } from '../../shared/routing/backend.ts'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { Breaker } from './circuit-breaker.ts'
import { testPools } from './testing/pools.ts'

function stage(rules: CircuitBreaker, { workers = 1, endpoints = 2 } = {}) {
  const { pools: all, time } = testPools()
  const pools = Array.from({ length: endpoints }, (_, index) =>
    all.reference({ address: `10.0.0.${index + 1}`, port: 80 }),
  )
  const breaker = new Breaker(rules, workers, time)
  const fail = (times: number) => {
    for (let count = 0; count < times; count += 1) breaker.noteFailure()
  }
  return { breaker, pools, time, fail, admit: () => breaker.admit(pools) }
}

t.test('it opens after failures in a row, and fails requests at once for a time', async (t) => {
  const { breaker, time, fail, admit } = stage({ consecutiveFailures: 3, openMs: 5000 })
  fail(2)
  breaker.noteSuccess()
  fail(2)
  t.equal(admit(), undefined, 'a success came between')
  fail(1)
  t.equal(admit(), 'circuit-open')
  t.equal(breaker.isOpen, true)
  time.now += 4999
  t.equal(admit(), 'circuit-open')
  time.now += 1
  t.equal(breaker.isOpen, false)
})

t.test('when the time is over one request tries; what comes of it decides', async (t) => {
  const { breaker, time, fail, admit } = stage({ consecutiveFailures: 1, openMs: 5000 })
  fail(1)
  time.now += 5000
  t.same([admit(), admit()], [undefined, 'circuit-open'], 'one, not all')
  fail(1)
  time.now += 4999
  t.equal(admit(), 'circuit-open', 'it failed: as long again')
  time.now += 1
  t.equal(admit(), undefined)
  time.now += 5000
  t.equal(admit(), undefined, 'one that was never heard of does not keep it open for ever')
  breaker.noteSuccess()
  t.same([admit(), admit()], [undefined, undefined])
})

t.test('it stays open for 10 s unless told otherwise', async (t) => {
  const { time, fail, admit } = stage({ consecutiveFailures: 1 })
  fail(1)
  time.now += 9999
  t.equal(admit(), 'circuit-open')
  time.now += 1
  t.equal(admit(), undefined)
})

t.test('requests in flight are counted over all endpoints', async (t) => {
  const { pools, admit, fail } = stage({ maxRequests: 3 })
  const [one, two] = pools
  if (one === undefined || two === undefined) throw new Error('there are two')
  one.active = 2
  t.equal(admit(), undefined)
  two.active = 1
  t.equal(admit(), 'circuit-full')
  one.active = 1
  t.equal(admit(), undefined)
  fail(1000)
  t.equal(admit(), undefined, 'failures do not count where nobody asked')
})

t.test('workers share the limit, rounded up', async (t) => {
  const { pools, admit } = stage({ maxRequests: 5 }, { workers: 4, endpoints: 1 })
  for (const [active, is] of [
    [1, undefined],
    [2, 'circuit-full'],
  ] as const) {
    for (const pool of pools) pool.active = active
    t.equal(admit(), is)
  }
})

t.test('without limits it never refuses', async (t) => {
  assertProperty(
    t,
    fc.property(fc.array(fc.boolean()), fc.nat(1000), (outcomes, active) => {
      const { breaker, pools, admit } = stage({})
      for (const pool of pools) pool.active = active
      for (const isGood of outcomes) {
        if (isGood) breaker.noteSuccess()
        else breaker.noteFailure()
      }
      return admit() === undefined && breaker.mayOpen(pools)
    }),
  )
})

t.test('while it is open, no more than one request passes in each period', async (t) => {
  const steps = fc.array(fc.record({ ms: fc.nat(400), fails: fc.boolean() }), { maxLength: 60 })
  assertProperty(
    t,
    fc.property(steps, (steps) => {
      const { time, fail, admit } = stage({ consecutiveFailures: 1, openMs: 1000 })
      fail(1)
      let last = time.now
      for (const { ms, fails } of steps) {
        time.now += ms
        if (admit() !== undefined) continue
        if (time.now - last < 1000) throw new Error(`${time.now - last} ms after the last`)
        last = time.now
        if (fails) fail(1)
      }
    }),
  )
})

t.test('it opens after so many failures among the last requests', async (t) => {
  const { breaker, time, fail, admit } = stage({
    failureRate: { failures: 2, window: 4 },
    openMs: 5000,
  })
  fail(1)
  for (let count = 0; count < 4; count += 1) breaker.noteSuccess()
  fail(1)
  t.equal(admit(), undefined, 'the first failure is too long ago')
  breaker.noteSuccess()
  fail(1)
  t.equal(admit(), 'circuit-open')
  time.now += 5000
  t.equal(admit(), undefined)
  fail(1)
  t.equal(admit(), 'circuit-open', 'the one that tried failed')
  time.now += 5000
  t.equal(admit(), undefined)
  breaker.noteSuccess()
  fail(1)
  t.equal(admit(), undefined, 'it counts anew when one succeeded')
})
