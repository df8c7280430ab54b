import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { EndpointHealth } from './endpoint-health.ts'

function healthAt(now: number) {
  const time = { now }
  return { time, health: new EndpointHealth(time) }
}

function fail(health: EndpointHealth, times: number, others = 1): void {
  for (let count = 0; count < times; count += 1) health.noteFailure(others)
}

t.test('five failures in a row eject for 10 s, longer each time', async (t) => {
  const { time, health } = healthAt(1000)
  fail(health, 4)
  t.equal(health.isOut, false)
  fail(health, 1)
  t.equal(health.isEjected, true)
  t.equal(health.isOut, true)
  time.now += 9999
  t.equal(health.isEjected, true)
  time.now += 1
  t.equal(health.isEjected, false)
  fail(health, 5)
  time.now += 19_999
  t.equal(health.isEjected, true, 'twice as long the second time')
  time.now += 1
  t.equal(health.isEjected, false)
  health.noteSuccess()
  fail(health, 5)
  time.now += 10_000
  t.equal(health.isEjected, false, 'an answer forgives all')
})

t.test('no ejection is longer than five minutes', async (t) => {
  const { time, health } = healthAt(0)
  for (let count = 0; count < 100; count += 1) fail(health, 5)
  time.now += 300_000
  t.equal(health.isEjected, false)
})

t.test('failures that a success interrupts eject nobody', async (t) => {
  const { health } = healthAt(0)
  for (let count = 0; count < 20; count += 1) {
    if (count % 4 === 0) health.noteSuccess()
    health.noteFailure(1)
  }
  t.equal(health.isEjected, false)
})

t.test('the only endpoint is never ejected by failures', async (t) => {
  const { health } = healthAt(0)
  fail(health, 50, 0)
  t.equal(health.isEjected, false)
})

t.test('5xx in a row eject where a route counts them', async (t) => {
  const { time, health } = healthAt(0)
  const answer5xx = (times: number, mayEject = true) => {
    for (let count = 0; count < times; count += 1) {
      health.noteServerError(3, 5000, () => mayEject)
    }
  }
  answer5xx(2)
  health.noteSuccess()
  answer5xx(2)
  t.equal(health.isEjected, false, 'a better answer came between')
  answer5xx(1)
  t.equal(health.isEjected, true)
  time.now += 5000
  t.equal(health.isEjected, false, 'for as long as the route says')
  answer5xx(3)
  time.now += 9999
  t.equal(health.isEjected, true, 'twice as long the second time')
  time.now += 1
  answer5xx(30, false)
  t.equal(health.isEjected, false, 'too many others are out already')
  answer5xx(1)
  t.equal(health.isEjected, true, 'the next one does it once that is over')
})

t.test('it is unhealthy while any check fails', async (t) => {
  const { health } = healthAt(0)
  health.noteUnhealthy()
  health.noteUnhealthy()
  t.same([health.isUnhealthy, health.isEjected, health.isOut], [true, false, true])
  health.noteHealthy()
  t.equal(health.isOut, true)
  health.noteHealthy()
  t.equal(health.isOut, false)
})

t.test('its share grows from a tenth to all, anew after it was out', async (t) => {
  const { time, health } = healthAt(5000)
  t.equal(health.share(60_000), 0.1)
  time.now += 30_000
  t.equal(health.share(60_000).toFixed(4), '0.5500')
  t.equal(health.share(20_000), 1, 'each route has its own window')
  time.now += 30_000
  t.equal(health.share(60_000), 1)
  fail(health, 5)
  time.now += 40_000
  t.equal(health.share(60_000).toFixed(4), '0.5500', '30 s after the end of the ejection')
  health.noteUnhealthy()
  time.now += 100_000
  health.noteHealthy()
  t.equal(health.share(60_000), 0.1)
})

t.test('whatever happens, the share is in [0.1, 1]', async (t) => {
  const step = fc.record({ ms: fc.nat(20_000), what: fc.nat(3) })
  assertProperty(
    t,
    fc.property(fc.array(step), fc.integer({ min: 1, max: 60_000 }), (steps, windowMs) => {
      const { time, health } = healthAt(0)
      for (const { ms, what } of steps) {
        time.now += ms
        if (what === 0) fail(health, 5)
        else if (what === 1) health.noteSuccess()
        else if (what === 2 && !health.isUnhealthy) health.noteUnhealthy()
        else if (health.isUnhealthy) health.noteHealthy()
        const share = health.share(windowMs)
        if (share < 0.1 || share > 1) throw new Error(`${share}`)
      }
    }),
  )
})
