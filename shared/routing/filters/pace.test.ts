// The pace of a body, against the number that nginx's rule gives for each moment.
import fc from 'fast-check'
import t from 'tap'
import { compileContext, responseView } from '../testing/filter-stage.ts'
import { type PaceFilter, paceKind } from './pace.ts'

/** A body on its way: what has gone to the client, and what the filter said about it. */
function pacedBody(parts: Partial<PaceFilter>, bodyLength?: number) {
  const context = compileContext()
  const { clock } = context
  const filter: PaceFilter = { kind: 'pace', bytesPerSecond: 100, afterBytes: 0, ...parts }
  const { responseBody } = paceKind.compile(filter, context)
  const seen = { bytes: '', isEnded: false, resumed: 0 }
  const stage = responseBody?.(
    responseView({ bodyLength }),
    {
      write: (bytes) => {
        seen.bytes += bytes.toString('latin1')
        return true
      },
      end: () => {
        seen.isEnded = true
      },
    },
    {
      forgetLength: () => {},
      resume: () => {
        seen.resumed += 1
      },
      fail: () => {},
    },
  )
  return { clock, seen, stage }
}

const bytesOf = (length: number, fill = 'x') => Buffer.alloc(length, fill)

t.test('the first second’s worth goes at once, the rest as time passes', async (t) => {
  const { clock, seen, stage } = pacedBody({})
  t.equal(stage?.write(bytesOf(250)), false, 'upstream has to wait')
  stage?.end('')
  t.equal(seen.bytes.length, 100)
  clock.advance(500)
  t.ok(seen.bytes.length <= 150)
  clock.advance(1000)
  t.equal(seen.bytes.length, 250)
  t.ok(seen.isEnded)
  t.equal(seen.resumed, 0, 'nothing more is to come')
})

t.test('what is sent before the rate counts', async (t) => {
  const { seen, stage } = pacedBody({ afterBytes: 1000 })
  t.equal(stage?.write(bytesOf(1100)), true)
  t.equal(seen.bytes.length, 1100)
  t.equal(stage?.write(bytesOf(1)), false)
})

t.test('upstream goes on when all of it is on its way', async (t) => {
  const { clock, seen, stage } = pacedBody({})
  stage?.write(bytesOf(150))
  t.equal(seen.resumed, 0)
  clock.advance(1000)
  t.equal(seen.resumed, 1)
  stage?.end('')
  t.ok(seen.isEnded)
})

t.test('a response without a body has no stage, one that ends early no timer', async (t) => {
  t.equal(pacedBody({}, 0).stage, undefined)
  const { clock, seen, stage } = pacedBody({})
  stage?.write(bytesOf(300))
  stage?.abort()
  clock.advance(10_000)
  t.equal(seen.bytes.length, 100)
  t.equal(seen.resumed, 0)
})

t.test('never faster than the rule, in order, and never much slower', async (t) => {
  const piece = fc.record({
    length: fc.integer({ min: 1, max: 400 }),
    pauseMs: fc.integer({ min: 0, max: 3000 }),
  })
  const rate = fc.integer({ min: 10, max: 1000 })
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), rate, (pieces, bytesPerSecond) => {
      const { clock, seen, stage } = pacedBody({ bytesPerSecond })
      let sent = ''
      const check = () => {
        const most = bytesPerSecond * (clock.now() / 1000 + 1)
        t.ok(seen.bytes.length <= most, `${seen.bytes.length} of ${most}`)
      }
      for (const [at, { length, pauseMs }] of pieces.entries()) {
        // The copy is the stage's own: the caller uses its memory again.
        const bytes = bytesOf(length, String(at))
        sent += bytes.toString('latin1')
        stage?.write(bytes)
        bytes.fill('?')
        check()
        clock.advance(pauseMs)
        check()
      }
      stage?.end('')
      clock.advance(((sent.length / bytesPerSecond) * 1000 + 1000) | 0)
      t.equal(seen.bytes, sent)
      t.ok(seen.isEnded)
    }),
    { numRuns: 100 },
  )
})
