// In which order do the filters of a sequence act on a response, and on whose answers?
import { test } from 'tap'
import { compileContext, requestView, responseView, runStep } from '../testing/filter-stage.ts'
import { compileFilters, type Pipeline } from './compile.ts'
import type { Filter, ResponseView } from './kind.ts'
import { filterKinds } from './kinds.ts'
import { shuntCode } from './sequence.ts'

const set = (name: string, value: string) => ({
  kind: 'field-change',
  on: 'response',
  name,
  change: { act: 'set', value: [value] },
})
const mod = (name: string, pattern: string, replacement: string) => ({
  kind: 'field-change',
  on: 'response',
  name,
  change: { act: 'replace', pattern, replacement },
})
const answer = { kind: 'answer-text', text: 'x', type: 'text/plain' }

function compile(filters: readonly Filter[]): Pipeline {
  const result = compileFilters(
    [{ kind: 'sequence', filters } as Filter],
    filterKinds,
    compileContext(),
  )
  if (!result.ok || result.pipeline === undefined) throw new Error('no pipeline')
  return result.pipeline
}

/** Shows a response to the filters as the exchange does, and gives its fields. */
function show(pipeline: Pipeline, response: ResponseView): (name: string) => string | undefined {
  const { isOwn } = response
  for (const { step } of (isOwn ? pipeline.ownResponse : pipeline.response) ?? []) {
    if (step.kind === 'sync') step.decide(response)
  }
  const edits = isOwn ? pipeline.ownEdits : pipeline.responseEdits
  for (const name of edits?.dropped ?? []) response.dropField(name)
  for (const line of edits?.appended.split('\r\n').slice(0, -1) ?? []) {
    const [name = '', value = ''] = line.split(': ')
    response.addField(name, value)
  }
  return (name) => response.field(name)
}

/** Takes a request through the request steps. */
function admit(pipeline: Pipeline, request = requestView()) {
  for (const { step } of pipeline.request ?? []) {
    if (runStep(step, request).verdicts[0] !== undefined) break
  }
  return request
}

test('on a response the first filter has the last word', async (t) => {
  const pipeline = compile([set('x-out', 'first'), set('x-out', 'second')])
  t.equal(pipeline.seesResponses, false, 'edits that are known are folded')
  t.equal(show(pipeline, responseView({ request: admit(pipeline) }))('x-out'), 'first')
})

test('a step sees what the filters behind it made', async (t) => {
  const pipeline = compile([mod('x-out', '^b', 'a'), set('x-out', 'b1')])
  t.equal(show(pipeline, responseView({ request: admit(pipeline) }))('x-out'), 'a1')
})

test('on an answer of a filter act those that lead to it', async (t) => {
  const pipeline = compile([set('x-out', '1'), answer, set('x-late', '1')])
  const field = show(
    pipeline,
    responseView({ request: admit(pipeline), isOwn: true, code: 'answered' }),
  )
  t.equal(field('x-out'), '1')
  t.equal(field('x-late'), undefined)
})

test('on a failure behind the filters none acts', async (t) => {
  const pass = { kind: 'host-without-dot' }
  for (const filters of [
    [set('x-out', '1')],
    [set('x-out', '1'), pass],
    [mod('x-a', 'a', 'b'), set('x-out', '1'), pass],
  ]) {
    const pipeline = compile(filters)
    const request = admit(pipeline)
    const field = show(pipeline, responseView({ request, isOwn: true, code: 'connect-failed' }))
    t.equal(field('x-out'), undefined)
  }
})

test('on an answer that stands for an upstream all act', async (t) => {
  const pipeline = compile([set('x-out', '1'), { kind: 'response-status', status: 418 } as Filter])
  const response = responseView({
    request: admit(pipeline),
    isOwn: true,
    code: shuntCode,
    status: 404,
  })
  t.equal(show(pipeline, response)('x-out'), '1')
  t.equal(response.status, 418)
})

test('the next request of a connection finds nothing of the one before', async (t) => {
  const pipeline = compile([set('x-out', '1'), answer])
  const request = admit(pipeline)
  const other = compile([set('x-out', '1'), { kind: 'host-without-dot' }])
  admit(other, request)
  const field = show(other, responseView({ request, isOwn: true, code: 'connect-failed' }))
  t.equal(field('x-out'), undefined)
})

test('nor does it when it is answered before the sequence, after one that a filter answered', async (t) => {
  const pipeline = compile([set('x-out', '1'), answer])
  const request = admit(pipeline)
  request.finish()
  const field = show(pipeline, responseView({ request, isOwn: true, code: 'answered' }))
  t.equal(field('x-out'), undefined)
})
