// What do filters see and do at each of their places, and what if they wait, throw or answer late?
import t from 'tap'
import type { FilterKind, Stages, Verdict } from '../../shared/routing/filters/kind.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { get, head, response, startPair } from '../exchange/pair.ts'
import { fieldsOf } from '../support/raw-client.ts'

/** A kind whose stages are the test's. */
function kindOf(kind: string, stages: Stages): FilterKind {
  return { kind, fault: () => undefined, compile: () => stages }
}

/** A pair whose route has one filter per kind, in their order. */
function stage(t: Parameters<typeof startPair>[0], kinds: FilterKind[], script = {}) {
  const filters = kinds.map(({ kind }) => ({ kind }))
  return startPair(t, { kinds, routes: [{ filters }], ...script })
}

/** A step that waits until the test settles it. */
function waiting(timeoutMs = 1000, onTimeout: Verdict = 'access-denied') {
  const settlers: ((verdict: Verdict) => void)[] = []
  let cancelled = 0
  const kind = kindOf('waiting', {
    request: {
      kind: 'async',
      timeoutMs,
      onTimeout,
      start(_, settle) {
        settlers.push(settle)
        return () => {
          cancelled += 1
        }
      },
    },
  })
  return { kind, settlers, cancels: () => cancelled }
}

t.test('an async step holds its request until it settles', async (t) => {
  const { kind, settlers } = waiting()
  const { upstream, connect } = await stage(t, [kind])
  const client = await connect()
  client.send(`${head('POST / HTTP/1.1', 'Content-Length: 5')}hello`)
  await eventually('it waits', () => settlers.length === 1)
  t.equal(upstream.requests.length, 0, 'nothing went upstream')
  settlers[0]?.(undefined)
  t.match(await client.response(), { status: 200, body: 'ok' })
  t.equal(upstream.requests[0]?.body.toString(), 'hello', 'the body waited, too')
})

t.test('a late or second answer is ignored, also by the next request', async (t) => {
  const { kind, settlers } = waiting()
  const { dataPlane, connect } = await stage(t, [kind])
  const client = await connect()
  client.send(get)
  await eventually('the first waits', () => settlers.length === 1)
  settlers[0]?.(undefined)
  settlers[0]?.('access-denied')
  t.equal((await client.response()).status, 200)
  client.send(get)
  await eventually('the second waits', () => settlers.length === 2)
  settlers[0]?.('access-denied')
  settlers[1]?.(undefined)
  t.equal((await client.response()).status, 200)
  t.same(
    dataPlane.log().map(({ status }) => status),
    [200, 200],
  )
})

t.test(
  'a step that does not settle in time is cancelled and its verdict for that counts',
  async (t) => {
    const { kind, settlers, cancels } = waiting(300)
    const { clock, upstream, connect } = await stage(t, [kind])
    const client = await connect()
    client.send(get)
    await eventually('it waits', () => settlers.length === 1)
    clock.advance(299)
    t.equal(cancels(), 0)
    clock.advance(1)
    t.equal((await client.response()).status, 403)
    t.equal(cancels(), 1)
    settlers[0]?.(undefined)
    t.equal(upstream.requests.length, 0, 'a late yes changes nothing')
  },
)

t.test('a client that goes while a step waits cancels it', async (t) => {
  const { kind, settlers, cancels } = waiting()
  const { dataPlane, upstream, connect } = await stage(t, [kind])
  const client = await connect()
  client.send(get)
  await eventually('it waits', () => settlers.length === 1)
  client.reset()
  await eventually('the step is told', () => cancels() === 1)
  settlers[0]?.(undefined)
  await eventually('it is logged', () => dataPlane.log().length === 1)
  t.match(dataPlane.log()[0], { status: 499, error: 'client-closed' })
  t.equal(upstream.requests.length, 0)
  t.equal(dataPlane.plane.inFlight, 0)
})

const throwing: { stages: Stages; why: string }[] = [
  { stages: { request: { kind: 'sync', decide: boom } }, why: 'a request step' },
  {
    stages: { request: { kind: 'async', timeoutMs: 1, onTimeout: 'internal-error', start: boom } },
    why: 'a step that would wait',
  },
  {
    stages: { response: { kind: 'sync', includesOwn: false, decide: boom } },
    why: 'a response step',
  },
]

function boom(): never {
  throw new Error('boom')
}

for (const { stages, why } of throwing) {
  t.test(`${why} that throws costs its request alone, and is named`, async (t) => {
    const filters = [{ kind: 'boom' }]
    const { dataPlane, connect } = await startPair(t, {
      kinds: [kindOf('boom', stages)],
      routes: [{ filters }, { path: '/well' }],
    })
    const client = await connect()
    const failed = await client.request(get)
    t.equal(failed.status, 500)
    t.match(failed.body, /^500 internal-error/)
    t.match(dataPlane.faults, [
      {
        filter: 'boom',
        reason: 'threw',
        phase: why.includes('response') ? 'response' : 'request',
        route: { owner: { name: 'rules' }, match: { host: 'a.test' } },
        error: { message: 'boom' },
      },
    ])
    t.equal((await client.request(head('GET /well HTTP/1.1'))).status, 200)
  })
}

t.test('steps run in order, see earlier changes, and the first verdict ends them', async (t) => {
  const seen: string[] = []
  const step = (name: string, verdict?: Verdict) =>
    kindOf(name, {
      request: {
        kind: 'sync',
        decide(request) {
          seen.push(`${name} ${request.field('x-from') ?? '-'}`)
          request.setField('x-from', name)
          return verdict
        },
      },
    })
  const { upstream, connect } = await stage(t, [step('a'), step('b'), step('c', 'access-denied')])
  const client = await connect()
  t.equal((await client.request(head('GET / HTTP/1.1', 'X-From: client'))).status, 403)
  t.same(seen, ['a client', 'b a', 'c b'])
  t.equal(upstream.requests.length, 0)
})

t.test('what steps change is what the upstream sees', async (t) => {
  const kind = kindOf('change', {
    request: {
      kind: 'sync',
      decide(request) {
        request.setField('x-set', 'new')
        request.dropField('x-gone')
        request.target = '/other?x=1'
        request.upstreamHost = 'b.test'
        request.setResponseField('x-note', 'seen')
        return undefined
      },
    },
  })
  const { upstream, connect } = await stage(t, [kind])
  const client = await connect()
  const answer = await client.request(head('GET /x?y HTTP/1.1', 'X-Set: old', 'X-Gone: 1'))
  t.same(fieldsOf(answer, 'x-note'), ['seen'])
  const sent = upstream.requests[0]
  t.equal(sent?.target, '/other?x=1')
  const fields = Object.fromEntries(sent?.fields.map(([k, v]) => [k.toLowerCase(), v]) ?? [])
  t.match(fields, { host: 'b.test', 'x-set': 'new' })
  t.notOk('x-gone' in fields)
})

t.test(
  'a response step changes status and fields, and may take the response’s place',
  async (t) => {
    const kind = kindOf('respond', {
      response: {
        kind: 'sync',
        includesOwn: false,
        decide(answer) {
          if (answer.field('x-secret') !== undefined) return 'access-denied'
          answer.status = 203
          answer.setField('x-new', 'yes')
          answer.dropField('x-old')
          return undefined
        },
      },
    })
    const bodies = [response('200 OK', 'one', 'X-Old: 1'), response('200 OK', 'two', 'X-Secret: 1')]
    const { upstream, connect } = await stage(t, [kind], {
      script: { onRequest: () => bodies[upstream.requests.length - 1] ?? '' },
    })
    const client = await connect()
    const first = await client.request(get)
    t.match(first, { status: 203, body: 'one' })
    t.same([fieldsOf(first, 'x-new'), fieldsOf(first, 'x-old')], [['yes'], []])
    const second = await client.request(get)
    t.equal(second.status, 403)
    t.notMatch(second.body, /two/)
  },
)

t.test('a response waits for an async step, whole and in order', async (t) => {
  let settle: ((verdict: Verdict) => void) | undefined
  const kind = kindOf('slow', {
    response: {
      kind: 'async',
      includesOwn: false,
      timeoutMs: 1000,
      onTimeout: undefined,
      start(_, done) {
        settle = done
        return () => {}
      },
    },
  })
  const { connect } = await stage(t, [kind], {
    script: { onRequest: () => response('200 OK', 'whole body') },
  })
  const client = await connect()
  client.send(get)
  await eventually('it waits', () => settle !== undefined)
  settle?.(undefined)
  t.match(await client.response(), { status: 200, body: 'whole body' })
})

t.test('stages pass bodies in the order of the filters, each way', async (t) => {
  const tag = (kind: string) =>
    kindOf(kind, {
      requestBody: (_, next) => ({
        write: (bytes) => next.write(Buffer.from(`${bytes}${kind}`)),
        end: (trailers) => next.end(trailers),
        abort: () => {},
      }),
      responseBody: (view, next) => {
        view.bodyLength = undefined
        return {
          write: (bytes) => next.write(Buffer.from(`${bytes}${kind}`)),
          end: (trailers) => next.end(trailers),
          abort: () => {},
        }
      },
    })
  const { upstream, connect } = await stage(t, [tag('A'), tag('B')])
  const client = await connect()
  const chunked = head('POST / HTTP/1.1', 'Transfer-Encoding: chunked')
  const answer = await client.request(`${chunked}1\r\nx\r\n0\r\n\r\n`)
  t.equal(upstream.requests[0]?.body.toString(), 'xAB', 'towards the upstream the first is first')
  t.equal(answer.body, 'okBA', 'back it is the last')
})

t.test('a stage that is cut with its exchange gives back what it holds', async (t) => {
  let aborted = 0
  const kind = kindOf('holder', {
    responseBody: (_, next) => ({
      write: (bytes) => next.write(bytes),
      end: (trailers) => next.end(trailers),
      abort: () => {
        aborted += 1
      },
    }),
  })
  const { dataPlane, connect } = await stage(t, [kind], {
    script: { onRequest: () => 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst' },
  })
  const client = await connect()
  client.send(get)
  await client.head()
  client.reset()
  await eventually('it is logged', () => dataPlane.log().length === 1)
  t.equal(aborted, 1)
})

t.test('who asked is told once how the exchange ended', async (t) => {
  const ends: unknown[] = []
  const kind = kindOf('watch', {
    request: {
      kind: 'sync',
      decide(request) {
        request.whenFinished((outcome) => void ends.push(outcome))
        return request.path === '/no' ? 'access-denied' : undefined
      },
    },
  })
  const { connect } = await stage(t, [kind])
  const client = await connect()
  await client.request(get)
  await client.request(head('GET /no HTTP/1.1'))
  t.match(ends, [
    { status: 200, failure: '', protocol: 'HTTP/1.1', service: 'web', retries: 0 },
    { status: 403, failure: 'access-denied', service: 'web', endpoint: '' },
  ])
})

t.test('a closed route runs nothing', async (t) => {
  const { kind, settlers } = waiting()
  const { connect } = await startPair(t, {
    kinds: [kind],
    routes: [{ filters: [{ kind: 'waiting' }], backend: { kind: 'closed', reason: 'x' } }],
  })
  const client = await connect()
  const answer = await client.request(get)
  t.match(answer, { status: 503, body: /^503 policy-closed\n.*\nRequest id: / })
  t.equal(settlers.length, 0)
})

t.test('a body is gathered up to its bound before it is sent, and can be sent again', async (t) => {
  const limits = { bufferBytes: 10 }
  const { upstream, connect } = await startPair(t, { routes: [{ backend: { limits } }] })
  const client = await connect()
  const chunked = head('POST / HTTP/1.1', 'Transfer-Encoding: chunked', 'Expect: 100-continue')
  client.send(chunked)
  await eventually('the client is asked for it by Weir', () => client.text.includes('100 Continue'))
  t.equal(upstream.requests.length + upstream.connections.length, 0)
  client.send('3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n')
  t.equal((await client.response()).status, 200)
  t.equal(upstream.requests[0]?.body.toString(), 'abcdef')
  const large = head('POST / HTTP/1.1', 'Content-Length: 11')
  t.equal((await client.request(`${large}01234567890`)).status, 413)
})

const ignorant: { stages: Stages; why: string }[] = [
  { stages: { request: { kind: 'sync', decide: boom } }, why: 'a request step' },
  { stages: { request: { ...never(), start: boom } }, why: 'a step that waits' },
  {
    stages: { response: { kind: 'sync', includesOwn: true, decide: boom } },
    why: 'a response step, not even of the page that says so',
  },
  { stages: { requestBody: boom }, why: 'a stage of bodies' },
]

function never() {
  return { kind: 'async', timeoutMs: 1, onTimeout: undefined } as const
}

for (const { stages, why } of ignorant) {
  t.test(`a closed filter runs nothing: ${why}`, async (t) => {
    const { dataPlane, upstream, connect } = await stage(t, [kindOf('boom', stages)])
    dataPlane.guard.setClosed(['boom'], [])
    const client = await connect()
    const answer = await client.request(get)
    t.match(answer, { status: 503, body: /^503 filter-closed/ })
    t.same(dataPlane.faults, [])
    t.equal(upstream.requests.length, 0)
    dataPlane.guard.setClosed([], [])
    client.send(get)
    await eventually('it is tried again', () => dataPlane.faults.length > 0)
  })
}
