import t from 'tap'
import type { Log } from '../../shared/log.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { Shutdown } from './shutdown.ts'

const quiet: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => quiet,
}

/** A proxy that drains for 45 s and notes what it is told; `finishes` ends what is in flight. */
function leaving({ hasController = false } = {}) {
  const clock = new ManualClock()
  const told: string[] = []
  const flight = Promise.withResolvers<void>()
  const shutdown = new Shutdown({
    clock,
    log: quiet,
    drainSeconds: 45,
    finishSeconds: 30,
    hasController,
    drain: () => told.push('drain'),
    finish: (boundMs) => {
      told.push(`finish within ${boundMs}`)
      return flight.promise
    },
  })
  let hasLeft = false
  void shutdown.whenLeft().then(() => {
    hasLeft = true
  })
  const left = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    return hasLeft
  }
  return { clock, told, shutdown, finishes: flight.resolve, left }
}

t.test('SIGTERM drains, waits for the load balancer, finishes and leaves', async (t) => {
  const { clock, told, shutdown, finishes, left } = leaving()
  t.equal(shutdown.state, 'serving')
  shutdown.terminate()
  t.equal(shutdown.state, 'draining')
  t.same(told, ['drain'])
  clock.advance(44_999)
  t.same(told, ['drain'], 'it serves as long as the load balancer may send')
  clock.advance(1)
  t.same(told, ['drain', 'finish within 30000'])
  t.equal(shutdown.state, 'drained')
  t.equal(await left(), false, 'not before what is in flight is finished')
  finishes()
  t.equal(await left(), true)
})

t.test('a release ends the wait at once', async (t) => {
  const { clock, told, shutdown, finishes, left } = leaving()
  shutdown.terminate()
  clock.advance(3000)
  shutdown.release()
  t.same(told, ['drain', 'finish within 30000'])
  finishes()
  t.equal(await left(), true)
  clock.advance(100_000)
  t.equal(told.length, 2, 'the wait that was cancelled does not come back')
})

t.test('a release without SIGTERM only drains; SIGTERM then finishes at once', async (t) => {
  const { clock, told, shutdown } = leaving()
  shutdown.release()
  t.same(told, ['drain'])
  clock.advance(1_000_000)
  t.same(told, ['drain'], 'nobody has asked it to leave')
  t.equal(shutdown.state, 'draining')
  shutdown.terminate()
  t.same(told, ['drain', 'finish within 30000'])
})

t.test('a drain from outside is the same drain; SIGTERM adds the full wait', async (t) => {
  const { clock, told, shutdown } = leaving()
  shutdown.drain('node is leaving')
  clock.advance(60_000)
  shutdown.terminate()
  t.same(told, ['drain'])
  clock.advance(45_000)
  t.same(told, ['drain', 'finish within 30000'])
})

t.test('the bound of a controller takes the place of --drain-seconds', async (t) => {
  for (const { boundSeconds, why } of [
    { boundSeconds: 150, why: 'a network load balancer needs more' },
    { boundSeconds: 5, why: 'the grace period leaves less' },
  ]) {
    const { clock, told, shutdown } = leaving({ hasController: true })
    shutdown.terminate()
    clock.advance(300)
    shutdown.drain('SIGTERM', boundSeconds)
    clock.advance(boundSeconds * 1000 - 1)
    t.same(told, ['drain'], why)
    clock.advance(1)
    t.same(told, ['drain', 'finish within 30000'], why)
  }
})

t.test('a bound that is over before SIGTERM comes leaves nothing to wait for', async (t) => {
  const { clock, told, shutdown } = leaving({ hasController: true })
  shutdown.drain('deletionTimestamp', 20)
  clock.advance(20_000)
  t.same(told, ['drain'], 'nobody has asked it to leave')
  shutdown.terminate()
  clock.advance(0)
  t.same(told, ['drain', 'finish within 30000'])
})

t.test('beside a controller, SIGTERM waits for its first word before health fails', async (t) => {
  const { clock, told, shutdown } = leaving({ hasController: true })
  shutdown.terminate()
  clock.advance(1_999)
  t.same([shutdown.state, told], ['serving', []])
  clock.advance(1)
  t.same([shutdown.state, told], ['draining', ['drain']], 'a dead controller is not waited for')
  clock.advance(42_999)
  t.same(told, ['drain'])
  clock.advance(1)
  t.same(told, ['drain', 'finish within 30000'], '--drain-seconds count from SIGTERM')
})

t.test('a hold keeps health until it is not said again, or until the bound is over', async (t) => {
  const { clock, told, shutdown } = leaving({ hasController: true })
  shutdown.hold(300)
  shutdown.terminate()
  for (let said = 0; said < 10; said += 1) {
    clock.advance(1_500)
    shutdown.hold(300)
  }
  t.same([shutdown.state, told], ['serving', []])
  clock.advance(9_999)
  t.equal(shutdown.state, 'serving')
  clock.advance(1)
  t.equal(shutdown.state, 'draining', 'the controller is gone')
  clock.advance(290_000)
  t.same(told, ['drain', 'finish within 30000'])
})

t.test('a hold that outlasts its own bound ends in order', async (t) => {
  const { clock, told, shutdown } = leaving({ hasController: true })
  shutdown.terminate()
  shutdown.hold(3)
  clock.advance(3_000)
  t.same(told, ['drain', 'finish within 30000'])
})

t.test('a drain ends a hold; a hold after it changes nothing but the bound', async (t) => {
  const { clock, told, shutdown } = leaving({ hasController: true })
  shutdown.terminate()
  shutdown.hold(300)
  shutdown.drain('SIGTERM', 300)
  shutdown.hold(10)
  t.equal(shutdown.state, 'draining')
  clock.advance(10_000)
  t.same(told, ['drain', 'finish within 30000'])
})

t.test('whatever is said twice is done once', async (t) => {
  const { clock, told, shutdown } = leaving()
  shutdown.drain('one')
  shutdown.drain('two')
  shutdown.terminate()
  clock.advance(30_000)
  shutdown.terminate()
  clock.advance(15_000)
  shutdown.release()
  shutdown.release()
  shutdown.terminate()
  t.same(told, ['drain', 'finish within 30000'])
})
