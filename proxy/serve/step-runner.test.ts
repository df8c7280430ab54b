// Which faults of steps does the runner tell, and what do requests get? (Those of one's own come guarded: filter-guard.ts.)
import t from 'tap'
import type { Verdict } from '../../shared/routing/filters/kind.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { type Step, type StepFault, StepRunner } from './step-runner.ts'

function boom(): never {
  throw new Error('boom')
}

const waits = { kind: 'async', timeoutMs: 100, onTimeout: 'access-denied' } as const
const threw = { filter: 'mine', phase: 'response', reason: 'threw', error: { message: 'boom' } }

const cases: { step: Step<string>; verdict: Verdict; faults: unknown[]; why: string }[] = [
  {
    step: { kind: 'sync', decide: boom },
    verdict: 'internal-error',
    faults: [threw],
    why: 'it throws',
  },
  {
    step: { ...waits, start: boom },
    verdict: 'access-denied',
    faults: [threw],
    why: 'it cannot begin',
  },
  {
    step: { ...waits, start: () => () => {} },
    verdict: 'access-denied',
    faults: [{ filter: 'mine', phase: 'response', reason: 'timed-out' }],
    why: 'it never settles',
  },
  {
    step: {
      ...waits,
      start(_, settle) {
        settle('no-route')
        return () => {}
      },
    },
    verdict: 'no-route',
    faults: [],
    why: 'it settles',
  },
]

for (const { step, verdict, faults, why } of cases) {
  t.test(why, async (t) => {
    const clock = new ManualClock()
    const told: StepFault[] = []
    const runner = new StepRunner(clock, (fault) => void told.push(fault))
    const got: Verdict[] = []
    runner.run([{ filter: 'mine', phase: 'response', step }], 'view', (each) => got.push(each))
    clock.advance(1000)
    t.same(got, [verdict])
    t.equal(told.length, faults.length)
    t.match(told, faults)
  })
}
