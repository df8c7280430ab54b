// Whose time is it, whose code runs, and who is to blame, when filters and Weir call each other?
import t from 'tap'
import type { FilterFault } from '../observe/filter-faults.ts'
import { busyOf, createPulseMemory, openPulse } from '../observe/pulse.ts'
import { blockedMs, FilterGuard, type FilterPlace } from './filter-guard.ts'

const kinds = ['outer', 'inner']
const owner = { kind: 'Ingress', namespace: 'default', name: 'web' }
const match = { host: 'a.test', pathType: 'Prefix', path: '/', conditions: [] } as const

/** A guard whose time moves only when the test says so. */
function start() {
  let now = 0
  const memory = createPulseMemory(kinds.length)
  const faults: FilterFault[] = []
  const guard = new FilterGuard({
    kinds,
    pulse: openPulse(memory),
    now: () => now,
    onFault: (fault) => void faults.push(fault),
  })
  const placeOf = (filter: string, phase: FilterPlace['phase'] = 'request'): FilterPlace => ({
    filter,
    index: kinds.indexOf(filter),
    phase,
    route: { owner, match },
  })
  return {
    guard,
    faults,
    spend: (ms: number) => {
      now += ms
    },
    run: (filter: string, code: () => void, phase?: FilterPlace['phase']) =>
      guard.run(placeOf(filter, phase), code, undefined),
    busy: () => busyOf(memory, kinds),
  }
}

type Stage = ReturnType<typeof start>

const spent: { play: (stage: Stage) => void; blames: [string, number][]; why: string }[] = [
  {
    play: ({ run, spend }) => run('outer', () => spend(blockedMs)),
    blames: [['outer', 50]],
    why: 'the bound itself',
  },
  {
    play: ({ run, spend }) => run('outer', () => spend(49)),
    blames: [],
    why: 'less than the bound',
  },
  {
    play: ({ run, spend }) => run('outer', () => run('inner', () => spend(80))),
    blames: [['inner', 80]],
    why: 'who calls is not to blame for who is called',
  },
  {
    play({ run, spend, guard }) {
      run('outer', () => {
        spend(20)
        guard.leave(() => {
          spend(500)
          run('inner', () => spend(60))
          spend(500)
        })
        spend(31)
        run('inner', () => spend(10))
      })
    },
    blames: [
      ['inner', 60],
      ['outer', 51],
    ],
    why: 'nor for Weir, and its own parts add up',
  },
  {
    play({ run, spend }) {
      run('outer', () => {
        spend(70)
        throw new Error('boom')
      })
      run('inner', () => spend(49))
    },
    blames: [['outer', 70]],
    why: 'what throws is measured, too, and leaves nothing behind',
  },
]

for (const { play, blames, why } of spent) {
  t.test(`time: ${why}`, async (t) => {
    const stage = start()
    play(stage)
    const blocked = stage.faults.filter(({ reason }) => reason === 'blocked')
    t.strictSame(
      blocked.map(({ filter, ms }) => [filter, ms]),
      blames,
    )
  })
}

t.test('the control thread sees whose code runs', async (t) => {
  const { guard, run, busy } = start()
  const seen: unknown[] = []
  const look = () => seen.push([busy().running, busy().isCompiling])
  look()
  run('outer', () => {
    look()
    run('inner', look, 'compile')
    guard.leave(look)
    look()
  })
  look()
  t.strictSame(seen, [
    [undefined, false],
    ['outer', false],
    ['inner', true],
    [undefined, false],
    ['outer', false],
    [undefined, false],
  ])
})

t.test('the control thread sees whose steps wait', async (t) => {
  const { guard, busy } = start()
  guard.addWaiting(1, 1)
  guard.addWaiting(1, 1)
  guard.addWaiting(1, -1)
  t.same(busy().waiting, ['inner'])
  guard.addWaiting(1, -1)
  t.same(busy().waiting, [])
})

t.test('an error is a filter’s only where it ran', async (t) => {
  const { guard, run, faults } = start()
  const error = new Error('boom')
  t.equal(guard.takeUncaught(error), false, 'Weir’s own')
  run('outer', () => {
    guard.leave(() => t.equal(guard.takeUncaught(error), false, 'Weir’s, called by a filter'))
    t.equal(guard.takeUncaught(error), true)
  })
  t.match(faults, [
    { filter: 'outer', reason: 'threw', phase: 'on-its-own', route: { owner, match }, error },
  ])
  t.equal(faults.length, 1)
})
