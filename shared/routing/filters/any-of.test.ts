// Is one guard of several enough, and which refusal counts when none is?
import t from 'tap'
import { compileContext, requestView, runStep } from '../testing/filter-stage.ts'
import { anyOfKind } from './any-of.ts'
import type { FilterKind, Verdict } from './kind.ts'

const answer = (status: number, code = 'unauthorized') => ({ status, code, headers: [], body: '' })
const says: Readonly<Record<string, Verdict>> = {
  yes: undefined,
  denied: 'access-denied',
  challenge: answer(401),
  no: answer(403),
  elsewhere: answer(302, 'redirect'),
  broken: 'auth-failed',
}
const asked: string[] = []
const kinds: readonly FilterKind[] = [
  ...Object.entries(says).flatMap(([kind, verdict]): FilterKind[] => [
    {
      kind,
      fault: () => undefined,
      compile: () => ({
        request: {
          kind: 'sync',
          decide() {
            asked.push(kind)
            return verdict
          },
        },
      }),
    },
    {
      kind: `late-${kind}`,
      fault: () => undefined,
      compile: () => ({
        request: {
          kind: 'async',
          timeoutMs: 1000,
          onTimeout: 'auth-failed',
          start(_request, settle) {
            asked.push(kind)
            settle(verdict)
            return () => {}
          },
        },
      }),
    },
  ]),
  { kind: 'open', fault: () => undefined, compile: () => ({}) },
]
const kind = anyOfKind(kinds)

const rows = [
  {
    guards: ['denied', 'challenge'],
    is: 'challenge',
    asks: 2,
    why: 'who has no address may have a name',
  },
  { guards: ['challenge', 'no'], is: 'challenge', asks: 2, why: 'a plain no is less' },
  {
    guards: ['late-challenge', 'late-elsewhere'],
    is: 'elsewhere',
    asks: 2,
    why: 'a place to sign in',
  },
  { guards: ['denied', 'no'], is: 'denied', asks: 2, why: 'the first of equals' },
  { guards: ['denied', 'late-yes', 'challenge'], is: 'yes', asks: 2, why: 'one is enough' },
  { guards: ['yes', 'late-broken'], is: 'yes', asks: 1, why: 'the others are not asked' },
  {
    guards: ['late-broken', 'yes'],
    is: 'broken',
    asks: 1,
    why: 'what cannot be asked is not passed over',
  },
]

for (const { guards, is, asks, why } of rows) {
  t.test(`${guards.join(', ')} say ${is}: ${why}`, async (t) => {
    asked.length = 0
    const filters = guards.map((each) => ({ kind: each }))
    const stages = kind.compile({ kind: 'any-of', filters }, compileContext())
    t.same(runStep(stages.request, requestView()).verdicts, [says[is]])
    t.equal(asked.length, asks)
  })
}

t.test('a guard that asks for nothing lets everybody in; what is no guard closes', async (t) => {
  const filters = [{ kind: 'no' }, { kind: 'open' }]
  t.same(kind.compile({ kind: 'any-of', filters }, compileContext()), {})
  t.match(kind.fault({ kind: 'any-of', filters: [{ kind: 'cors' }] }), /no guard/)
  t.match(kind.fault({ kind: 'any-of', filters: [] }), /no guard/)
})
