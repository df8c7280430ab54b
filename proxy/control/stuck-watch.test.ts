// When does a worker count as stuck?
import t from 'tap'
import { StuckWatch } from './stuck-watch.ts'

const cases = [
  { beats: [1, 2, 3, 4, 5, 6], is: undefined, why: 'it beats' },
  { beats: [5, 5, 5, 5], is: 3, why: 'three looks without a beat after the last one' },
  { beats: [5, 5, 5, 6, 6, 6, 6], is: 6, why: 'a beat begins anew' },
  { beats: [0, 0, 0, 0, 0], is: undefined, why: 'it has not begun' },
  { beats: [0, 0, 1, 1, 1, 1], is: 5, why: 'it begins and stops' },
]

for (const { beats, is, why } of cases) {
  t.test(why, async (t) => {
    const watch = new StuckWatch(3)
    const first = beats.findIndex((count) => watch.look(count))
    t.equal(first === -1 ? undefined : first, is)
  })
}
