import fc from 'fast-check'
import t from 'tap'
import type { RetryRules } from '../../shared/routing/backend.ts'
import { type FailureCode, failures } from '../../shared/routing/failure.ts'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import {
  type AnsweredAttempt,
  type FailedAttempt,
  mayRetry,
  mayRetryStatus,
  RetryBudget,
} from './retry.ts'

const refused: FailedAttempt = {
  code: 'connect-failed',
  method: 'POST',
  isBodyConsumed: false,
  isConnectionReused: false,
  hasAnswered: false,
  retries: 0,
  elapsedMs: 0,
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
  {
    attempt: { ...refused, code: 'protocol-unsupported', isRefused: true },
    may: false,
    why: 'what one does not speak the others do not speak either',
  },
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

const all: RetryRules = {
  on: ['connect-failure', 'refused', 'reset', 'timeout'],
  statuses: [
    { from: 502, to: 504 },
    { from: 429, to: 429 },
  ],
  allMethods: false,
}
const reset = { ...stale, isConnectionReused: false } as const
const timedOut = { ...stale, code: 'response-timeout' } as const

const ruleCases: { attempt: FailedAttempt; rules: RetryRules; may: boolean; why: string }[] = [
  { attempt: reset, rules: all, may: true, why: 'asked for' },
  { attempt: { ...reset, method: 'POST' }, rules: all, may: false, why: 'it may have been done' },
  {
    attempt: { ...reset, method: 'POST' },
    rules: { ...all, allMethods: true },
    may: true,
    why: 'the owner says that twice does no harm',
  },
  { attempt: { ...reset, hasAnswered: true }, rules: all, may: false, why: 'half an answer came' },
  { attempt: timedOut, rules: all, may: true, why: 'asked for' },
  {
    attempt: { ...timedOut, isBodyConsumed: true },
    rules: all,
    may: false,
    why: 'no body is left',
  },
  { attempt: timedOut, rules: { ...all, on: ['reset'] }, may: false, why: 'not listed' },
  { attempt: refused, rules: { ...all, on: ['timeout'] }, may: false, why: 'not listed' },
  { attempt: stale, rules: { ...all, on: [] }, may: true, why: 'a stale one is replaced always' },
  {
    attempt: { ...reset, method: 'POST', isRefused: true },
    rules: { ...all, on: ['refused'] },
    may: true,
    why: 'it was not processed: any method',
  },
  {
    attempt: { ...timedOut, retries: 2 },
    rules: { ...all, maxRetries: 3 },
    may: true,
    why: 'the number of the route counts',
  },
  { attempt: refused, rules: { ...all, maxRetries: 0 }, may: false, why: 'it may be none' },
  {
    attempt: { ...timedOut, code: 'upstream-malformed' },
    rules: { ...all, allMethods: true },
    may: false,
    why: 'no condition names it',
  },
]

for (const { attempt, rules, may, why } of ruleCases) {
  const { code, method } = attempt
  t.test(`${method} ${code} by rules ${may ? 'may' : 'may not'}: ${why}`, async (t) => {
    t.equal(mayRetry(attempt, 2, rules), may)
  })
}

const statusCases: { answer: Partial<AnsweredAttempt>; may: boolean; why: string }[] = [
  { answer: { status: 502 }, may: true, why: 'the first of a range' },
  { answer: { status: 504 }, may: true, why: 'the last of a range' },
  { answer: { status: 429 }, may: true, why: 'a single one' },
  { answer: { status: 501 }, may: false, why: 'below' },
  { answer: { status: 505 }, may: false, why: 'above' },
  { answer: { status: 200 }, may: false, why: 'a good answer' },
  { answer: { status: 503, method: 'POST' }, may: false, why: 'it may have been done' },
  { answer: { status: 503, isBodyConsumed: true }, may: false, why: 'no body is left' },
  { answer: { status: 503, retries: 2 }, may: false, why: 'none is left' },
]

for (const { answer, may, why } of statusCases) {
  t.test(
    `${JSON.stringify(answer)} ${may ? 'may' : 'may not'} be thrown away: ${why}`,
    async (t) => {
      const base = { status: 200, method: 'GET', isBodyConsumed: false, retries: 0, elapsedMs: 0 }
      const attempt = { ...base, ...answer }
      t.equal(mayRetryStatus(attempt, 2, all), may)
    },
  )
}

t.test('no attempt begins later than the rules say', async (t) => {
  const within = (withinMs: number, elapsedMs: number) => {
    const rules: RetryRules = { on: ['connect-failure'], statuses: [], allMethods: false, withinMs }
    return mayRetry({ ...refused, elapsedMs }, 2, rules)
  }
  t.equal(within(1000, 1000), true)
  t.equal(within(1000, 1001), false)
  t.equal(within(0, 1_000_000), true, '0 is no limit')
})

t.test('a head that is none is tried again where the rules say so', async (t) => {
  const malformed: FailedAttempt = {
    ...refused,
    code: 'upstream-malformed',
    method: 'GET',
    hasAnswered: true,
  }
  const rules: RetryRules = { on: ['malformed'], statuses: [], allMethods: false }
  t.equal(mayRetry(malformed, 2, rules), true)
  t.equal(mayRetry({ ...malformed, method: 'POST' }, 2, rules), false)
  t.equal(mayRetry({ ...malformed, isBodyConsumed: true }, 2, rules), false)
  t.equal(mayRetry(malformed, 2, { ...rules, on: ['reset', 'timeout'] }), false)
  t.equal(mayRetry(malformed, 2), false)
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

t.test('retries never exceed the burst and the share, in any order', async (t) => {
  assertProperty(
    t,
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
