// Who comes in by what the issuer of tokens says, and what do the filters behind learn?
import { test } from 'tap'
import { compileContext, requestView, runStep } from '../testing/filter-stage.ts'
import { refOf } from '../upstreams/backend-ref.ts'
import type { CallResult, Verdict } from './kind.ts'
import { type TokenFieldsFilter, tokenFieldsKind } from './token-fields.ts'
import { type TokenInfoFilter, tokenInfoKind } from './token-info.ts'

const service = refOf({ namespace: 'auth', service: 'info', port: 80 })
const good = { uid: 'ann', scope: ['read', 'write'], realm: '/employees' }

function answerOf(status: number, content: unknown): CallResult {
  return { status, fields: '', body: Buffer.from(JSON.stringify(content)) }
}

function stage(wanted: TokenInfoFilter['wanted'], needs: TokenInfoFilter['needs'] = 'all') {
  const context = compileContext()
  const { request: step } = tokenInfoKind.compile(
    { kind: 'token-info', service, authority: 'info', path: '/i', timeoutMs: 2000, needs, wanted },
    context,
  )
  const request = requestView({ fields: { authorization: 'Bearer t1' } })
  return { context, request, run: (view = request) => runStep(step, view) }
}

function codeOf(verdict: Verdict): number | undefined {
  return typeof verdict === 'object' ? verdict.status : undefined
}

const rows: readonly {
  readonly why: string
  readonly wanted: TokenInfoFilter['wanted']
  readonly needs?: TokenInfoFilter['needs']
  readonly answer: CallResult
  readonly status: number | undefined
}[] = [
  {
    why: 'all scopes',
    wanted: { in: 'scope', scopes: ['read', 'write'] },
    answer: answerOf(200, good),
    status: undefined,
  },
  {
    why: 'one is lacking',
    wanted: { in: 'scope', scopes: ['read', 'admin'] },
    answer: answerOf(200, good),
    status: 403,
  },
  {
    why: 'one of them',
    wanted: { in: 'scope', scopes: ['admin', 'read'] },
    needs: 'any',
    answer: answerOf(200, good),
    status: undefined,
  },
  {
    why: 'no scopes at all',
    wanted: { in: 'scope', scopes: ['read'] },
    answer: answerOf(200, { uid: 'ann' }),
    status: 403,
  },
  {
    why: 'all pairs',
    wanted: {
      in: 'fields',
      pairs: [
        ['realm', '/employees'],
        ['uid', 'bob'],
      ],
    },
    answer: answerOf(200, good),
    status: 403,
  },
  {
    why: 'one of the pairs',
    wanted: {
      in: 'fields',
      pairs: [
        ['realm', '/employees'],
        ['uid', 'bob'],
      ],
    },
    needs: 'any',
    answer: answerOf(200, good),
    status: undefined,
  },
  {
    why: 'a bad token',
    wanted: { in: 'scope', scopes: ['read'] },
    answer: answerOf(401, {}),
    status: 401,
  },
  {
    why: 'an issuer that is down',
    wanted: { in: 'scope', scopes: ['read'] },
    answer: answerOf(500, good),
    status: 401,
  },
  {
    why: 'no connection',
    wanted: { in: 'scope', scopes: ['read'] },
    answer: { failure: 'connect-failed' },
    status: 401,
  },
  {
    why: 'no object',
    wanted: { in: 'scope', scopes: ['read'] },
    answer: answerOf(200, ['read']),
    status: 401,
  },
]

test('who comes in', async (t) => {
  for (const { why, wanted, needs, answer, status } of rows) {
    const { context, run } = stage(wanted, needs)
    const { verdicts } = run()
    t.match(context.calls[0]?.request, { target: '/i', fields: /^authorization: Bearer t1\r\n/ })
    context.calls[0]?.answer(answer)
    t.equal(codeOf(verdicts[0]), status, why)
  }
})

test('without a token nobody is asked', async (t) => {
  const { context, run } = stage({ in: 'scope', scopes: ['read'] })
  t.equal(codeOf(run(requestView()).verdicts[0]), 401)
  t.equal(codeOf(run(requestView({ fields: { authorization: 'Basic x' } })).verdicts[0]), 401)
  t.equal(context.calls.length, 0)
})

function tell(what: TokenFieldsFilter['what'], request = requestView()) {
  const filter: TokenFieldsFilter = { kind: 'token-fields', on: 'request', name: 'x-info', what }
  runStep(tokenFieldsKind.compile(filter, compileContext()).request, request)
  return request.field('x-info')
}

test('filters behind learn what was said, and the next request of the connection does not', async (t) => {
  const { context, request, run } = stage({ in: 'scope', scopes: ['read'] })
  run()
  context.calls[0]?.answer(answerOf(200, good))
  t.equal(tell({ from: 'user' }, request), 'ann')
  t.equal(
    tell({ from: 'info', only: ['uid', 'realm'] }, request),
    '{"realm":"/employees","uid":"ann"}',
  )
  t.equal(tell({ from: 'field', path: 'scope' }, request), '["read","write"]')
  t.equal(tell({ from: 'field', path: 'none.there' }, request), undefined)
  request.finish()
  t.equal(tell({ from: 'user' }, request), undefined)
})

test('what a client writes never passes for the word of a token', async (t) => {
  t.equal(tell({ from: 'user' }, requestView({ fields: { 'x-info': 'forged' } })), undefined)
})
