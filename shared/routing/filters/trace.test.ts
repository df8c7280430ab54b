// Which span does a request get, what is the upstream told of it, and what does it say?
import t from 'tap'
import { compileContext, requestView, runStep } from '../testing/filter-stage.ts'
import { type TraceFilter, traceDefaults, traceKind } from './trace.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const parentId = '00f067aa0ba902b7'
const sampled = `00-${traceId}-${parentId}-01`
const unsampled = `00-${traceId}-${parentId}-00`
const plain: TraceFilter = { kind: 'trace', ...traceDefaults }

const cases: readonly {
  readonly filter?: Partial<TraceFilter>
  readonly traceparent?: string
  readonly goesOn: boolean
  readonly isSampled: boolean
  readonly why: string
}[] = [
  { goesOn: false, isSampled: true, why: 'a new trace, all of them sampled' },
  { traceparent: sampled, goesOn: true, isSampled: true, why: 'a trace goes on' },
  { traceparent: unsampled, goesOn: true, isSampled: false, why: 'as its sender decided' },
  {
    filter: { sampler: 'off' },
    traceparent: sampled,
    goesOn: true,
    isSampled: true,
    why: 'its sender decided to sample it',
  },
  { filter: { sampler: 'off' }, goesOn: false, isSampled: false, why: 'no new trace is sampled' },
  {
    filter: { isParentBased: false },
    traceparent: unsampled,
    goesOn: true,
    isSampled: true,
    why: 'the sampler alone decides',
  },
  {
    filter: { trustsIncoming: false },
    traceparent: unsampled,
    goesOn: false,
    isSampled: true,
    why: 'nobody is believed',
  },
  { traceparent: 'junk', goesOn: false, isSampled: true, why: 'what is no trace begins one' },
  { filter: { sampler: 'ratio', ratio: 0 }, goesOn: false, isSampled: false, why: 'none of them' },
  { filter: { sampler: 'ratio', ratio: 1 }, goesOn: false, isSampled: true, why: 'all of them' },
]

for (const { filter, traceparent, goesOn, isSampled, why } of cases) {
  t.test(why, async (t) => {
    const context = compileContext()
    const stages = traceKind.compile({ ...plain, ...filter }, context)
    const fields = { tracestate: 'a=1', ...(traceparent === undefined ? {} : { traceparent }) }
    const request = requestView({ fields })
    t.strictSame(runStep(stages.request, request).verdicts, [undefined])
    const [told = ''] = request.upstreamFields.get('traceparent') ?? []
    const [, trace = '', span = '', flags] = told.split('-')
    t.equal(trace === traceId, goesOn, told)
    t.not(span, parentId, 'a span of its own')
    t.equal(flags, isSampled ? '01' : '00')
    t.strictSame(request.upstreamFields.get('tracestate'), goesOn ? ['a=1'] : undefined)
    t.equal(context.finishedSpans.length, 0, 'the request is under way')
    request.finish()
    t.match(
      context.finishedSpans,
      isSampled
        ? [{ traceId: trace, spanId: span, parentId: goesOn ? parentId : '' }]
        : { length: 0 },
    )
  })
}

t.test('what a span says', async (t) => {
  const context = compileContext()
  const { request: step } = traceKind.compile(plain, context)
  const request = requestView({
    method: 'POST',
    scheme: 'https',
    host: 'a.test',
    authority: 'a.test:8443',
    path: '/shop/1',
    query: '?token=secret',
    clientAddress: '192.0.2.7',
    peerAddress: '10.0.0.1',
    requestId: 'r-1',
    fields: { 'user-agent': 'curl/8', traceparent: sampled, tracestate: 'a=1,b=2' },
  })
  const startMs = context.clock.wallNow()
  runStep(step, request)
  context.clock.advance(250)
  request.finish({
    status: 502,
    failure: 'connect-failed',
    service: 'web',
    endpoint: '10.1.1.1:80',
    retries: 1,
  })
  t.strictSame(context.finishedSpans, [
    {
      traceId,
      spanId: context.finishedSpans[0]?.spanId,
      parentId,
      state: 'a=1,b=2',
      name: 'POST /',
      startMs,
      durationMs: 250,
      attributes: {
        'http.request.method': 'POST',
        'url.path': '/shop/1',
        'url.scheme': 'https',
        'http.route': '/',
        'server.address': 'a.test',
        'server.port': 8443,
        'client.address': '192.0.2.7',
        'network.peer.address': '10.0.0.1',
        'user_agent.original': 'curl/8',
        'weir.namespace': 'default',
        'weir.ingress': 'rules',
        'weir.request_id': 'r-1',
        'http.response.status_code': 502,
        'network.protocol.version': '1.1',
        'error.type': 'connect-failed',
        'weir.service': 'web',
        'weir.endpoint': '10.1.1.1:80',
        'weir.retries': 1,
      },
      isError: true,
    },
  ])
})

t.test('a name of its own is cut, and methods that nobody knows make none', async (t) => {
  const context = compileContext()
  const name = ['HTTP ', { from: 'method' as const }, ' ', { from: 'uri' as const }]
  const named = traceKind.compile({ ...plain, name }, context)
  const request = requestView({ method: 'GET', path: `/${'x'.repeat(400)}` })
  runStep(named.request, request)
  request.finish({ status: 404 })
  const unnamed = traceKind.compile(plain, context)
  const strange = requestView({ method: 'BREW' })
  runStep(unnamed.request, strange)
  strange.finish({ status: 499, failure: 'client-closed' })
  const [first, second] = context.finishedSpans
  t.equal(first?.name, `HTTP GET /${'x'.repeat(400)}`.slice(0, 256))
  t.equal(first?.isError, false, 'the client made the mistake')
  t.equal(first?.attributes['error.type'], undefined)
  t.equal(second?.name, 'HTTP /')
  t.equal(second?.isError, false)
  t.match(second?.attributes, {
    'http.request.method': '_OTHER',
    'http.request.method_original': 'BREW',
    'error.type': 'client-closed',
  })
})

t.test('where nobody exports spans none are made, and the trace goes on', async (t) => {
  const context = compileContext({ traces: false })
  const { request: step } = traceKind.compile(plain, context)
  const request = requestView({ fields: { traceparent: sampled } })
  runStep(step, request)
  request.finish()
  t.equal(context.finishedSpans.length, 0)
  t.match(request.upstreamFields.get('traceparent'), [/^00-4bf92f.*-01$/])
})

t.test('a ratio beyond all is a fault', async (t) => {
  t.match(traceKind.fault({ ...plain, ratio: 1.1 }), /from 0 to 1/)
  t.equal(traceKind.fault(plain), undefined)
})
