import t from 'tap'
import type { KubeError } from './error.ts'
import { decideNextStep, type WatchOutcome } from './watch-session.ts'

const failed = (status: number, reason = `Http${status}`): WatchOutcome => {
  const error: KubeError = { status, reason, message: 'x' }
  return { end: 'error', error, hasProgressed: false }
}
const inOrder: WatchOutcome = { end: 'in-order', hasProgressed: true }

const cases: {
  readonly outcome: WatchOutcome
  readonly fruitless: number
  readonly isListTooOld?: boolean
  readonly next: 'watch' | 'wait, watch' | 'list' | 'wait, list'
  readonly why: string
}[] = [
  { outcome: inOrder, fruitless: 0, next: 'watch', why: 'the server ends each watch some time' },
  { outcome: inOrder, fruitless: 0, isListTooOld: true, next: 'list', why: 'time for a new list' },
  { outcome: inOrder, fruitless: 1, next: 'wait, watch', why: 'it ended at once: no storm' },
  { outcome: { ...inOrder, end: 'silent' }, fruitless: 0, next: 'watch', why: 'a dead connection' },
  { outcome: failed(410), fruitless: 1, next: 'list', why: 'compacted, the first time' },
  { outcome: failed(410), fruitless: 2, next: 'wait, list', why: 'compacted again: no storm' },
  { outcome: failed(500, 'Expired'), fruitless: 1, next: 'list', why: 'compacted by its reason' },
  {
    outcome: { end: 'went-back', hasProgressed: false },
    fruitless: 1,
    next: 'list',
    why: 'another history',
  },
  { outcome: failed(0), fruitless: 9, next: 'wait, watch', why: 'no answer blames no version' },
  { outcome: failed(429), fruitless: 9, next: 'wait, watch', why: 'nor does "later"' },
  { outcome: failed(403), fruitless: 9, next: 'wait, watch', why: 'nor does "not you"' },
  { outcome: failed(500), fruitless: 2, next: 'wait, watch', why: 'it may pass' },
  { outcome: failed(500), fruitless: 3, next: 'wait, list', why: 'the version may be at fault' },
  { outcome: failed(400), fruitless: 4, next: 'wait, watch', why: 'not every time' },
]

for (const { outcome, fruitless, isListTooOld = false, next, why } of cases) {
  const what = `${outcome.end} ${outcome.error?.status ?? ''} after ${fruitless} in vain`
  t.test(`${what}: ${next}: ${why}`, async (t) => {
    const { mustWait, mustList } = decideNextStep(outcome, fruitless, isListTooOld)
    t.equal(`${mustWait ? 'wait, ' : ''}${mustList ? 'list' : 'watch'}`, next)
  })
}
