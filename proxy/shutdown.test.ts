import t from 'tap'
import type { Log } from '../shared/log.ts'
import { ManualClock } from '../shared/testing/manual-clock.ts'
import { Shutdown } from './shutdown.ts'

const quiet: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => quiet,
}

/** A proxy that drains for 45 s and notes what it is told; `finishes` ends what is in flight. */
function leaving() {
  const clock = new ManualClock()
  const told: string[] = []
  const flight = Promise.withResolvers<void>()
  const shutdown = new Shutdown({
    clock,
    log: quiet,
    drainSeconds: 45,
    finishSeconds: 30,
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
