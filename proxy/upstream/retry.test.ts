import fc from 'fast-check'
import t from 'tap'
import { type FailureCode, failures } from '../../shared/routing/failure.ts'
import { type FailedAttempt, mayRetry, RetryBudget } from './retry.ts'

const refused: FailedAttempt = {
  code: 'connect-failed',
  method: 'POST',
  isBodyConsumed: false,
  isConnectionReused: false,
  hasAnswered: false,
  retries: 0,
}
const stale = {
  ...refused,
  code: 'upstream-reset',
  method: 'GET',
  isConnectionReused: true,
} as const

const cases: readonly { attempt: FailedAttempt; may: boolean; why: string }[] = [
  { attempt: refused, may: true, why: 'nothing was sent: any method' },
  { attempt: { ...refused, code: 'connect-timeout' }, may: true, why: 'nothing was sent' },
  { attempt: { ...refused, retries: 1 }, may: true, why: 'one is left' },
  { attempt: { ...refused, retries: 2 }, may: false, why: 'none is left' },
  { attempt: { ...refused, isBodyConsumed: true }, may: false, why: 'the body is gone' },
  { attempt: stale, may: true, why: 'it was merely idle too long' },
  { attempt: { ...stale, method: 'PUT' }, may: true, why: 'RFC 9110 §9.2.2: idempotent' },
  { attempt: { ...stale, method: 'DELETE' }, may: true, why: 'idempotent' },
  { attempt: { ...stale, method: 'POST' }, may: false, why: 'a side effect could come twice' },
  { attempt: { ...stale, method: 'PATCH' }, may: false, why: 'likewise' },
  { attempt: { ...stale, method: 'get' }, may: false, why: 'methods have case: unknown' },
  { attempt: { ...stale, isConnectionReused: false }, may: false, why: 'a fresh one was no idle' },
  { attempt: { ...stale, hasAnswered: true }, may: false, why: 'a byte of the answer came' },
  { attempt: { ...stale, isBodyConsumed: true }, may: false, why: 'the body is gone' },
  { attempt: { ...stale, code: 'response-timeout' }, may: false, why: 'it may be at work' },
  { attempt: { ...stale, code: 'upstream-malformed' }, may: false, why: 'it has answered' },
]

for (const { attempt, may, why } of cases) {
  const { code, method, ...rest } = attempt
  const facts = Object.entries(rest).filter(([, value]) => Boolean(value))
  t.test(
    `${method} ${code} ${facts.join(' ')} may ${may ? '' : 'not '}try again: ${why}`,
    async (t) => {
      t.equal(mayRetry(attempt, 2), may)
      t.equal(mayRetry(attempt, 0), false, 'and never where retries are off')
    },
  )
}

t.test('no other failure is ever retried', async (t) => {
  const retried = new Set(['connect-failed', 'connect-timeout', 'upstream-reset'])
  const codes: readonly string[] = Object.keys(failures)
  for (const code of codes.filter((each): each is FailureCode => !retried.has(each))) {
    t.equal(mayRetry({ ...stale, code }, 9), false, code)
  }
})

t.test('a budget lets a burst pass, then its share of requests', async (t) => {
  const budget = new RetryBudget(20)
  let burst = 0
  while (budget.spend()) burst += 1
  t.equal(burst, 100)
  for (let count = 0; count < 4; count += 1) budget.earn()
  t.equal(budget.spend(), false, 'four requests earn less than one retry')
  budget.earn()
  budget.earn()
  t.equal(budget.spend(), true)
  t.equal(budget.spend(), false)
})

t.test('a budget of nothing earns nothing', async (t) => {
  const budget = new RetryBudget(0)
  while (budget.spend());
  for (let count = 0; count < 1000; count += 1) budget.earn()
  t.equal(budget.spend(), false)
})

t.test('retries never exceed the burst and the share, in any order', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 100 }),
      fc.array(fc.boolean(), { maxLength: 800 }),
      (percent, steps) => {
        const budget = new RetryBudget(percent)
        let earned = 0
        let spent = 0
        for (const isRequest of steps) {
          if (isRequest) {
            budget.earn()
            earned += 1
          } else if (budget.spend()) spent += 1
        }
        return spent <= 100 + (earned * percent) / 100 + 1e-6
      },
    ),
  )
})
