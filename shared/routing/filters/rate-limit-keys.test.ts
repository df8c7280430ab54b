// Who shares a budget, where it is told by several headers or by a text, and what does a request take of it?
import { test } from 'tap'
import { compileContext, requestView, runStep } from '../testing/filter-stage.ts'
import type { Verdict } from './kind.ts'
import { type RateLimitFilter, rateLimitKind } from './rate-limit.ts'

function limit(terms: Partial<RateLimitFilter>) {
  const filter: RateLimitFilter = {
    kind: 'rate-limit',
    key: { from: 'route' },
    limit: 1,
    windowMs: 60_000,
    scope: 'node',
    onStoreFailure: 'open',
    status: 429,
    ...terms,
  }
  const { request: step } = rateLimitKind.compile(filter, compileContext())
  return (fields: Readonly<Record<string, string>> = {}): Verdict => {
    const request = requestView({ fields })
    return runStep(step, request).verdicts[0]
  }
}

test('several headers together tell requests apart', async (t) => {
  const ask = limit({ key: { from: 'headers', names: ['x-a', 'x-b'] } })
  t.equal(ask({ 'x-a': '1', 'x-b': '1' }), undefined)
  t.equal(ask({ 'x-a': '1', 'x-b': '2' }), undefined)
  t.equal(ask({ 'x-a': '1', 'x-b': '1' }), 'rate-limited')
  t.equal(ask({ 'x-a': '11' }), undefined, 'values are kept apart')
  for (const _ of [1, 2]) t.equal(ask(), undefined, 'without any of them it is not counted')
})

test('a text tells requests apart', async (t) => {
  const ask = limit({ key: { from: 'template', text: ['k-', { from: 'header', name: 'x-key' }] } })
  t.equal(ask({ 'x-key': '1' }), undefined)
  t.equal(ask({ 'x-key': '1' }), 'rate-limited')
  t.equal(ask({ 'x-key': '2' }), undefined)
  for (const _ of [1, 2]) t.equal(ask(), undefined)
})

test('a request may take more than one', async (t) => {
  const ask = limit({ burst: 5, cost: 2 })
  t.strictSame([ask(), ask(), ask()], [undefined, undefined, 'rate-limited'])
})

test('a refusal says how many there may be in an hour', async (t) => {
  const filter: RateLimitFilter = {
    ...{ kind: 'rate-limit', key: { from: 'route' }, limit: 3, windowMs: 60_000, scope: 'node' },
    ...{ onStoreFailure: 'open', status: 429, burst: 1, saysHourly: true },
  }
  const { request: step } = rateLimitKind.compile(filter, compileContext())
  const request = requestView()
  runStep(step, request)
  t.equal(runStep(step, request).verdicts[0], 'rate-limited')
  t.strictSame(request.responseFields.get('x-rate-limit'), ['180'])
  t.strictSame(request.responseFields.get('retry-after'), ['20'])
  t.equal(request.responseFields.has('ratelimit'), false)
})

test('without a store a limit that fails closed refuses as if there were too many', async (t) => {
  t.equal(limit({ scope: 'store', onStoreFailure: 'limited' })(), 'rate-limited')
  t.equal(limit({ scope: 'store', onStoreFailure: 'closed' })(), 'store-unavailable')
  t.equal(limit({ scope: 'store', onStoreFailure: 'open' })(), undefined)
})
