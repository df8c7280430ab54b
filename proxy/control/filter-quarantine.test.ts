// When is a filter closed, for how long, and when is it tried again?
import t from 'tap'
import { FilterQuarantine } from './filter-quarantine.ts'

/** What happens to one filter: held a worker's thread for `ms`, or never returned; `closes` is the pause in seconds. */
interface Event {
  readonly at: number
  readonly ms?: number
  readonly worker?: number
  readonly closes?: number
}

const cases: { events: Event[]; why: string }[] = [
  {
    events: [
      { at: 0, ms: 1400 },
      { at: 10_000, ms: 1500 },
    ],
    why: '2.9 s of a minute are not 3',
  },
  {
    events: [
      { at: 0, ms: 1500 },
      { at: 59_999, ms: 1500, closes: 60 },
    ],
    why: '3 s of a minute',
  },
  {
    events: [
      { at: 0, ms: 1500 },
      { at: 60_000, ms: 1500 },
    ],
    why: 'a call leaves the window after a minute',
  },
  { events: [{ at: 0, ms: 30_000 }], why: 'one call may be the machine’s fault' },
  {
    events: Array.from({ length: 1000 }, (_, index) => ({ at: index * 1200, ms: 59 })),
    why: 'a busy machine that takes the thread away 50 times a minute',
  },
  {
    events: [
      { at: 0, ms: 2000, worker: 1 },
      { at: 1000, ms: 2000, worker: 2 },
      { at: 2000, ms: 1000, worker: 1, closes: 60 },
    ],
    why: 'each worker’s thread has its own 3 s',
  },
  { events: [{ at: 0, closes: 60 }], why: 'what never returns closes at once' },
  {
    events: [{ at: 0, closes: 60 }, { at: 10 }, { at: 20, ms: 4000 }, { at: 30, ms: 4000 }],
    why: 'what is closed already is not closed again',
  },
  {
    events: [0, 60_000, 180_000, 420_000, 900_000, 1_860_000].map((at, index) => ({
      at,
      closes: [60, 120, 240, 480, 960, 960][index] ?? 0,
    })),
    why: 'each time twice as long, up to 16 minutes',
  },
  {
    events: [
      { at: 0, closes: 60 },
      { at: 60_000 + 1_799_999, closes: 120 },
      { at: 60_000 + 1_799_999 + 120_000 + 1_800_000, closes: 60 },
    ],
    why: 'half an hour without a fault is forgiven',
  },
  {
    events: [
      { at: 0, ms: 2000 },
      { at: 1000, ms: 2000, closes: 60 },
      { at: 61_000, ms: 2000 },
      { at: 61_001, ms: 2000, closes: 120 },
    ],
    why: 'what was counted before the pause counts no more after it',
  },
]

for (const { events, why } of cases) {
  t.test(why, async (t) => {
    const quarantine = new FilterQuarantine()
    for (const { at, ms, worker = 0, closes } of events) {
      quarantine.open(at)
      const pauseMs =
        ms === undefined
          ? quarantine.noteStuck('mine', at)
          : quarantine.noteBlocked('mine', worker, ms, at)
      t.equal(pauseMs, closes === undefined ? undefined : closes * 1000, `at ${at}`)
    }
  })
}

t.test('a pause ends to the ms, and harms no other filter', async (t) => {
  const quarantine = new FilterQuarantine()
  quarantine.noteBlocked('other', 0, 2999, 0)
  quarantine.noteStuck('mine', 0)
  t.same(quarantine.closed, ['mine'])
  t.same(quarantine.open(59_999), [])
  t.same(quarantine.open(60_000), ['mine'])
  t.same(quarantine.closed, [])
  t.same(quarantine.open(60_001), [], 'once')
})
