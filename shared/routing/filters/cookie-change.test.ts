// What becomes of the cookies of a request and of a response?
import { test } from 'tap'
import { compileContext, requestView, responseView, runStep } from '../testing/filter-stage.ts'
import { type CookieChangeFilter, cookieChangeKind } from './cookie-change.ts'

const stagesOf = (name: string, change: CookieChangeFilter['change']) =>
  cookieChangeKind.compile({ kind: 'cookie-change', name, change }, compileContext())

test('cookies of requests', async (t) => {
  const rows = [
    { why: 'the first', before: undefined, change: { act: 'add', value: 'v' }, after: 'n=v' },
    {
      why: 'behind the others',
      before: 'a=1',
      change: { act: 'add', value: 'v' },
      after: 'a=1; n=v',
    },
    {
      why: 'one of several',
      before: 'a=1; n=2; c=3',
      change: { act: 'drop-request' },
      after: 'a=1; c=3',
    },
    { why: 'the only one', before: 'n=2', change: { act: 'drop-request' }, after: undefined },
    { why: 'no cookie', before: undefined, change: { act: 'drop-request' }, after: undefined },
    {
      why: 'a name that begins alike',
      before: 'nn=1; n=2',
      change: { act: 'drop-request' },
      after: 'nn=1',
    },
  ] as const
  for (const { why, before, change, after } of rows) {
    const request = requestView({ fields: before === undefined ? {} : { cookie: before } })
    runStep(stagesOf('n', change).request, request)
    t.equal(request.field('cookie'), after, why)
  }
})

test('cookies of responses', async (t) => {
  const rows = [
    { host: 'www.shop.example.org', domain: 'shop.example.org' },
    { host: 'example.org', domain: 'example.org' },
  ]
  for (const { host, domain } of rows) {
    const response = responseView({ request: requestView({ host }) })
    const { response: step } = stagesOf('n', { act: 'set', value: 'v', maxAgeSeconds: 0 })
    if (step?.kind === 'sync') step.decide(response)
    t.strictSame(response.values('set-cookie'), [
      `n=v; Path=/; Domain=${domain}; Max-Age=0; HttpOnly; Secure`,
    ])
  }
})

test('a cookie that the client has already is not set again where only changes are told', async (t) => {
  for (const value of ['v', 'w']) {
    const request = requestView({ fields: { cookie: `n=${value}` } })
    const response = responseView({ request })
    const { response: step } = stagesOf('n', { act: 'set', value: 'v', onlyChanges: true })
    if (step?.kind === 'sync') step.decide(response)
    t.equal(response.values('set-cookie').length, value === 'v' ? 0 : 1)
  }
})

test('what is no cookie is refused', async (t) => {
  for (const [name, value] of [
    ['a b', 'v'],
    ['n', 'a;b'],
    ['n', 'a\r\nb'],
  ] as const) {
    const filter: CookieChangeFilter = {
      kind: 'cookie-change',
      name,
      change: { act: 'add', value },
    }
    t.type(cookieChangeKind.fault(filter), 'string')
  }
})
