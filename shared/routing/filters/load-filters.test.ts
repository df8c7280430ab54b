// Who waits, who is refused, and who is slowed down, by the words of Skipper?
import { test } from 'tap'
import { compileContext, requestView, responseView, runStep } from '../testing/filter-stage.ts'
import { refOf } from '../upstreams/backend-ref.ts'
import { type AdmissionFilter, admissionKind } from './admission.ts'
import { type ConcurrencyFilter, concurrencyKind } from './concurrency.ts'
import { delayKind } from './delay.ts'
import type { Verdict } from './kind.ts'
import { mirrorKind } from './mirror.ts'
import { throttleKind } from './throttle.ts'

function statusOf(verdict: Verdict): number | undefined {
  return typeof verdict === 'object' ? verdict.status : undefined
}

const queue: ConcurrencyFilter = {
  ...{ kind: 'concurrency', key: { from: 'route' }, limit: 1, queue: 1, order: 'fifo' },
  ...{ maxWaitMs: 150, status: 503, lateStatus: 502, until: 'head' },
}

test('a place is free when the response has begun', async (t) => {
  const { request: step, response } = concurrencyKind.compile(queue, compileContext())
  const first = requestView()
  t.strictSame(runStep(step, first).verdicts, [undefined])
  const second = runStep(step, requestView())
  t.strictSame(second.verdicts, [], 'it waits')
  t.strictSame(runStep(step, requestView()).verdicts, ['concurrency-limited'], 'no room')
  if (response?.kind === 'sync') response.decide(responseView({ request: first }))
  t.strictSame(second.verdicts, [undefined])
  const third = runStep(step, requestView())
  first.finish()
  t.strictSame(third.verdicts, [], 'the first gave its place back already')
})

test('who waits too long is told so by a status of its own', async (t) => {
  const { request: step } = concurrencyKind.compile(queue, compileContext())
  t.equal(step?.kind === 'async' && statusOf(step.onTimeout), 502)
})

const admission: AdmissionFilter = {
  ...{ kind: 'admission', slotMs: 1000, slots: 5, minPerSecond: 1 },
  ...{ threshold: 0.9, maxChance: 1, exponent: 0.5 },
}

test('while requests fail most are refused, and none when it is long ago', async (t) => {
  const context = compileContext()
  const { request: step } = admissionKind.compile(admission, context)
  const ask = (status: number) => {
    const request = requestView()
    const refused = statusOf(runStep(step, request).verdicts[0]) === 503
    if (!refused) request.finish({ status })
    return refused
  }
  for (let count = 0; count < 200; count += 1) ask(500)
  const refused = Array.from({ length: 100 }, () => ask(500)).filter(Boolean).length
  t.ok(refused > 60, `${refused} of 100`)
  context.clock.advance(5000)
  t.equal(ask(200), false)
})

test('while enough requests succeed nobody is refused', async (t) => {
  const { request: step } = admissionKind.compile(admission, compileContext())
  for (let count = 0; count < 300; count += 1) {
    const request = requestView()
    t.strictSame(runStep(step, request).verdicts, [undefined])
    request.finish({ status: count % 20 === 19 ? 500 : 200 })
  }
})

test('a request is late by so much', async (t) => {
  const context = compileContext()
  const { request: step } = delayKind.compile(
    { kind: 'delay', on: 'request', by: 'uniform', meanMs: 200, spreadMs: 0 },
    context,
  )
  const { verdicts } = runStep(step, requestView())
  context.clock.advance(199)
  t.strictSame(verdicts, [])
  context.clock.advance(1)
  t.strictSame(verdicts, [undefined])
})

test('a body goes in pieces, and its end behind them', async (t) => {
  const context = compileContext()
  const { responseBody } = throttleKind.compile(
    { kind: 'throttle', on: 'response', pieceBytes: 2, everyMs: 100 },
    context,
  )
  const seen: string[] = []
  const next = {
    write(bytes: Buffer) {
      seen.push(bytes.toString())
      return true
    },
    end: () => void seen.push('end'),
  }
  const control = { resume: () => {}, forgetLength: () => {}, fail: () => {} }
  const stage = responseBody?.(responseView(), next, control)
  t.equal(stage?.write(Buffer.from('abcde')), false)
  stage?.end('')
  for (const wanted of [['ab'], ['ab', 'cd'], ['ab', 'cd', 'e', 'end']]) {
    context.clock.advance(100)
    t.strictSame(seen, wanted)
  }
})

test('a copy is what the filters before have made, on a path of its own', async (t) => {
  const context = compileContext()
  const stages = mirrorKind.compile(
    {
      ...{ kind: 'mirror', to: refOf({ namespace: 'a', service: 'b', port: 80 }), percent: 100 },
      ...{ maxBodyBytes: 10, timeoutMs: 1000, maxInFlight: 10, authority: 'shadow:9022' },
      ...{ isOfItsPlace: true, rewrite: { pattern: '^/v1', replacement: '/v2' } },
    },
    context,
  )
  const request = requestView({ path: '/v1/x', query: '?q=1', fields: { 'x-a': '1' } })
  runStep(stages.request, request)
  request.setField('x-b', '2')
  const sink = { write: () => true, end: () => {} }
  const control = { resume: () => {}, forgetLength: () => {}, fail: () => {} }
  stages.requestBody?.(request, sink, control)?.end('')
  t.match(context.calls[0]?.request, {
    target: '/v2/x?q=1',
    authority: 'shadow:9022',
    fields: 'x-a: 1\r\n',
  })
})
