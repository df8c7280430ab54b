// Who answers instead of an application that fails: what is asked, what is told, and what clients get.
import t from 'tap'
import { compileContext, requestView, responseView } from '../testing/filter-stage.ts'
import { type CustomErrorsFilter, customErrorsKind } from './custom-errors.ts'
import type { Verdict } from './kind.ts'

const errors = { namespace: 'shop', service: 'errors', port: 0 } as const
const filter: CustomErrorsFilter = {
  kind: 'custom-errors',
  statuses: [401, 404, 503],
  from: errors,
  whenEmpty: true,
  ownOnly: false,
  ingress: 'web',
  of: { namespace: 'shop', service: 'echo', port: 80 },
  timeoutMs: 1000,
}

/** Shows a response to the filter; the call that it makes, if any, gets `page`. */
function show(
  parts: Partial<CustomErrorsFilter>,
  response: Parameters<typeof responseView>[0],
  page: { status: number; fields: string } | 'failure' = { status: 200, fields: '' },
) {
  const context = compileContext()
  const step = customErrorsKind.compile({ ...filter, ...parts }, context).response
  if (step?.kind !== 'async') throw new Error('not async')
  const verdicts: Verdict[] = []
  step.start(responseView(response), (verdict) => void verdicts.push(verdict))
  const call = context.calls[0]
  call?.answer(
    page === 'failure' ? { failure: 'no-endpoints' } : { ...page, body: Buffer.from('page') },
  )
  return { verdict: verdicts[0], count: verdicts.length, call }
}

const request = requestView({
  path: '/missing',
  query: '?a=1',
  requestId: 'r1',
  fields: { accept: 'text/html', 'x-code': '200', 'content-type': 'text/plain', cookie: 'a=b' },
})

t.test('what is asked and told', async (t) => {
  const { call, verdict, count } = show(
    {},
    { request, status: 404 },
    { status: 200, fields: 'Content-Type: text/x\r\nContent-Length: 4\r\nSet-Cookie: c=d\r\n' },
  )
  t.equal(call?.upstream, 'shop/errors:0')
  t.match(call?.request, { method: 'GET', target: '/?a=1', authority: 'a.test' })
  t.same(call?.request.fields.split('\r\n').sort(), [
    '',
    'X-Code: 404',
    'X-Format: text/html',
    'X-Ingress-Name: web',
    'X-Namespace: shop',
    'X-Original-URI: /missing?a=1',
    'X-Request-ID: r1',
    'X-Service-Name: echo',
    'X-Service-Port: 80',
    'accept: text/html',
    'cookie: a=b',
  ])
  t.equal(count, 1)
  t.match(verdict, {
    status: 200,
    headers: [
      ['Content-Type', 'text/x'],
      ['Set-Cookie', 'c=d'],
    ],
  })
})

t.test('a Service that has nobody', async (t) => {
  for (const code of ['no-endpoints', 'service-missing']) {
    const { call } = show({ statuses: [] }, { request, status: 503, isOwn: true, code })
    t.equal(call?.request.target, '/missing?a=1', code)
  }
  const busy = show({ statuses: [] }, { request, status: 503, isOwn: true, code: 'circuit-open' })
  t.same([busy.call, busy.verdict], [undefined, undefined], 'another 503')
})

t.test('what stays as it is', async (t) => {
  t.equal(show({}, { request, status: 500 }).verdict, undefined, 'another status')
  t.equal(show({}, { request, status: 404 }, 'failure').verdict, undefined, 'nobody answers')
  t.equal(show({ ownOnly: true }, { request, status: 404 }).verdict, undefined, 'not its own')
  t.ok(show({ ownOnly: true }, { request, status: 404, isOwn: true }).verdict, 'its own')
})

t.test('a decision about who may come in is never changed by a page', async (t) => {
  const fields = { 'www-authenticate': 'Basic realm="x"' }
  const { verdict } = show({}, { request, status: 401, isOwn: true, fields })
  t.match(verdict, { status: 401, headers: [['www-authenticate', 'Basic realm="x"']] })
  const { from: _, ...without } = filter
  const step = customErrorsKind.compile(without, compileContext()).response
  if (step?.kind !== 'async') throw new Error('not async')
  const verdicts: Verdict[] = []
  for (const status of [401, 404]) {
    step.start(responseView({ request, status, isOwn: true }), (each) => void verdicts.push(each))
  }
  t.match(verdicts, [undefined, { status: 404 }], 'without a Service errors are 404')
})

t.test('a status that is none', async (t) => {
  t.match(customErrorsKind.fault({ ...filter, statuses: [200] }), /300 to 599/)
})
