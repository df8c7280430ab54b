// Can an expectation of the annotation cases fail? Each kind once as it is met and once as it is not: a check that says yes to
// everything would make a run of the cases worthless.
import { type RequestOptions, request } from 'node:https'
import t from 'tap'
import type { Message } from '../hostile/grammar.ts'
import { Backends } from './backends.ts'
import type { AnnotationCase, Expect, Wanted } from './case.ts'
import { Certificates } from './certificates.ts'
import type { Seen } from './endpoint.ts'
import { checkStep, type Sight } from './expectations.ts'
import { mismatch } from './matchers.ts'

const values: readonly {
  readonly wanted: Wanted
  readonly good: readonly string[]
  readonly bad: readonly string[]
}[] = [
  { wanted: 'a', good: ['a'], bad: ['b'] },
  { wanted: 'a', good: ['a'], bad: [] },
  { wanted: 'a', good: ['a'], bad: ['a', 'a'] },
  { wanted: true, good: [''], bad: [] },
  { wanted: { regex: '^a' }, good: ['ab'], bad: ['ba'] },
  { wanted: { contains: 'b' }, good: ['abc'], bad: ['ac'] },
  { wanted: { lacks: 'b' }, good: ['ac'], bad: ['abc'] },
  { wanted: { lacks: 'b' }, good: ['ac'], bad: [] },
  { wanted: { lacks: 'b', optional: true }, good: [], bad: ['b'] },
  { wanted: { equals: 'a', optional: true }, good: [], bad: ['b'] },
  { wanted: { oneOf: ['a', 'b'] }, good: ['b'], bad: ['c'] },
  { wanted: { list: ['a', 'b'] }, good: ['b, a'], bad: ['a'] },
  { wanted: { list: ['a', 'b'] }, good: ['b', 'a'], bad: ['a, b, c'] },
  { wanted: { has: 'Accept' }, good: ['x, accept'], bad: ['acceptable'] },
  { wanted: { equals: 'a', count: 1 }, good: ['a'], bad: ['a', 'a'] },
  { wanted: { absent: true }, good: [], bad: ['a'] },
  {
    wanted: { secondsFromNow: 600 },
    good: [new Date(Date.now() + 600_000).toUTCString()],
    bad: [new Date(Date.now() + 1200_000).toUTCString()],
  },
]

t.test('values', async (t) => {
  for (const { wanted, good, bad } of values) {
    const name = JSON.stringify(wanted)
    t.equal(mismatch(wanted, good), undefined, `${name} takes ${JSON.stringify(good)}`)
    t.type(mismatch(wanted, bad), 'string', `${name} refuses ${JSON.stringify(bad)}`)
  }
  // @ts-expect-error: a word that the language does not have
  t.match(mismatch({ startsWith: 'a' }, ['a']), /no matcher/, 'an unknown word is no match')
})

function seenOf(over: Partial<Seen> = {}): Seen {
  const headers: Seen['headers'] = over.headers ?? [['X-A', '1']]
  return {
    ...{ number: 1, service: 'echo', place: '127.64.0.1:8080', connection: 7 },
    ...{ method: 'GET', path: '/x?y', host: 'a.test', protocol: 'HTTP/1.1' },
    ...{ headers, at: 50, body: 'in', bodyBytes: 2, tls: { client: 'edge', sni: 'a.test' } },
    values: (name) => headers.filter(([key]) => key === name).map(([, value]) => value),
    ...over,
  }
}

const answer: Message = {
  ...{ kind: 'response', method: '', target: '', status: 200, version: 'HTTP/1.1' },
  ...{ framing: 'length', length: 3, body: 'out', bodyBytes: 3, trailers: [] },
  fields: [
    ['X-Backend', 'echo'],
    ['Set-Cookie', 'c=1; Path=/p; Max-Age=60; HttpOnly'],
  ],
  ...{ chunkExtensions: 0, complete: true },
}

const sight: Sight = {
  ...{ response: answer, error: undefined, tookMs: 100, responses: 1 },
  tls: { certificate: 'pem of site', version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
  pause: { from: 40, to: 60 },
  seen: seenOf(),
}
const own: Sight = { ...sight, response: { ...answer, status: 404, fields: [] }, seen: undefined }
const silent: Sight = { ...sight, response: undefined, error: 'reset', seen: undefined }

const certificateOf = async (secret: string) => `pem of ${secret}`

const expectations: readonly {
  readonly good: Expect
  readonly bad: readonly Expect[]
  readonly of?: readonly Sight[]
}[] = [
  { good: { status: 200 }, bad: [{ status: 201 }, { status: '4xx' }, { status: [404, 503] }] },
  { good: { status: [404, '5xx'] }, bad: [{ status: 200 }], of: [own] },
  { good: { status: [200, 404] }, bad: [{ status: 200 }], of: [sight, own] },
  { good: { refused: true }, bad: [{ status: 200 }, { refused: false }], of: [silent] },
  { good: { refused: false }, bad: [{ refused: true }] },
  {
    good: { tls: { certificate: 'site', version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' } },
    bad: [
      { tls: { certificate: 'other' } },
      { tls: { certificate: { not: 'site' } } },
      { tls: { version: 'TLSv1.2' } },
      { tls: { cipher: 'TLS_AES_128_GCM_SHA256' } },
    ],
  },
  { good: { tls: { certificate: { not: 'other' } } }, bad: [{ tls: { certificate: 'other' } }] },
  { good: { servedBy: 'echo' }, bad: [{ servedBy: null }, { servedBy: ['a', 'b'] }] },
  { good: { servedBy: null }, bad: [{ servedBy: 'echo' }], of: [own] },
  { good: { headers: { 'x-backend': 'echo' } }, bad: [{ headers: { 'X-Backend': 'a' } }] },
  { good: { body: 'out', bodyBytes: 3 }, bad: [{ body: 'in' }, { bodyBytes: 2 }] },
  { good: { withinMs: { max: 100 } }, bad: [{ withinMs: { min: 101 } }, { withinMs: { max: 9 } }] },
  { good: { responses: 1 }, bad: [{ responses: 2 }] },
  {
    good: { grpcStatus: 5 },
    bad: [{ grpcStatus: 0 }],
    of: [{ ...sight, response: { ...answer, trailers: [['grpc-status', '5']] } }],
  },
  {
    good: { cookie: { name: 'c', value: '1', Path: '/p', HttpOnly: true, lifetimeSeconds: 60 } },
    bad: [
      { cookie: { name: 'd' } },
      { cookie: { name: 'c', absent: true } },
      { cookie: { name: 'c', value: '2' } },
      { cookie: { name: 'c', Path: '/' } },
      { cookie: { name: 'c', Secure: true } },
      { cookie: { name: 'c', lifetimeSeconds: 600 } },
      { cookie: [{ name: 'c' }, { name: 'd' }] },
    ],
  },
  {
    good: { upstreamSaw: { path: '/x?y', headers: { 'X-A': '1' }, bodyBytes: 2, tls: true } },
    bad: [
      { upstreamSaw: { path: '/x' } },
      { upstreamSaw: { method: 'POST' } },
      { upstreamSaw: { host: 'b.test' } },
      { upstreamSaw: { protocol: 'HTTP/2' } },
      { upstreamSaw: { headers: { 'X-A': { absent: true } } } },
      { upstreamSaw: { body: 'out' } },
      { upstreamSaw: { bodyBytes: 3 } },
      { upstreamSaw: { tls: false } },
      { upstreamSaw: { tls: { client: 'other' } } },
      { upstreamSaw: { tls: { sni: 'b.test' } } },
    ],
  },
  { good: { servedBy: null }, bad: [{ upstreamSaw: {} }], of: [own] },
  {
    good: { statuses: { 200: 2, 404: { min: 1 } } },
    bad: [{ statuses: { 200: 2 } }, { statuses: { 200: 1, 404: 1 } }],
    of: [sight, sight, own],
  },
  {
    good: { distribution: { services: { echo: 2 }, endpoints: { distinct: 2, each: 1 } } },
    bad: [
      { distribution: { services: { echo: 1 } } },
      { distribution: { services: { other: { min: 1 } } } },
      { distribution: { endpoints: { distinct: 1 } } },
      { distribution: { endpoints: { each: 2 } } },
    ],
    of: [sight, { ...sight, seen: seenOf({ place: '127.64.0.2:8080', connection: 8 }) }],
  },
  {
    good: { endpoint: { same: 'before' }, upstreamConnection: { same: 'before' } },
    bad: [
      { endpoint: { differs: 'before' } },
      { endpoint: { address: '127.64.0.9:8080' } },
      { endpoint: { same: 'nothing' } },
      { upstreamConnection: { differs: 'before' } },
    ],
  },
  {
    good: { upstreamConnections: 2 },
    bad: [{ upstreamConnections: { max: 1 } }],
    of: [sight, { ...sight, seen: seenOf({ connection: 8 }) }],
  },
  { good: { upstreamBeganInPause: true }, bad: [{ upstreamBeganInPause: false }] },
  {
    good: { upstreamBeganInPause: false },
    bad: [{ upstreamBeganInPause: true }],
    of: [{ ...sight, seen: seenOf({ at: 70 }) }],
  },
]

const nothing: AnnotationCase = { id: 'none', area: '', why: '', objects: [], steps: [] }

t.test('expectations', async (t) => {
  const certificates = new Certificates()
  t.teardown(() => certificates.close())
  const backends = await Backends.start(nothing, certificates)
  const labels = new Map([['before', sight]])
  for (const { good, bad, of = [sight] } of expectations) {
    const outcome = { sights: of, labels, backends, before: () => 0, certificateOf }
    t.equal(await checkStep(good, outcome), undefined, `met: ${JSON.stringify(good)}`)
    for (const each of bad) {
      t.type(await checkStep(each, outcome), 'string', `not met: ${JSON.stringify(each)}`)
    }
  }
  const outcome = { sights: [sight], labels, backends, before: () => 0, certificateOf }
  // @ts-expect-error: a word that the language does not have
  t.match(await checkStep({ color: 'red' }, outcome), /no check/, 'an unknown word is not met')
})

const twoServices: AnnotationCase = {
  ...{ id: 'two', area: '', why: '', steps: [], objects: [] },
  backends: {
    plain: {
      listen: ['127.0.0.9:38571'],
      answers: [{ when: { path: '^/no' }, status: 403, times: 1 }, { body: 'yes' }],
    },
    guarded: {
      ...{ listen: ['127.0.0.9:38572'], protocol: 'https', clientCa: 'inner' },
      certificate: { ca: 'inner', hosts: ['backend.test'] },
    },
  },
}

t.test('endpoints say what they got', async (t) => {
  const certificates = new Certificates()
  t.teardown(() => certificates.close())
  const backends = await Backends.start(twoServices, certificates)
  t.teardown(() => backends.close())
  t.equal((await fetch('http://127.0.0.9:38571/no?a')).status, 403, 'the first answer that fits')
  t.equal((await fetch('http://127.0.0.9:38571/no')).status, 200, 'used up: the next one')
  const outcome = { sights: [], labels: new Map(), backends, before: () => 1, certificateOf }
  t.equal(await checkStep({ saw: { plain: { path: '/no', count: 1 } } }, outcome), undefined)
  for (const saw of [
    { plain: null },
    { plain: { path: '/no?a' } },
    { plain: { count: 2 } },
    { guarded: {} },
  ]) {
    t.type(await checkStep({ saw }, outcome), 'string', `not met: ${JSON.stringify(saw)}`)
  }
  await backends.set('plain', 'refused')
  await t.rejects(fetch('http://127.0.0.9:38571/'), 'refused')

  const { key, cert } = await certificates.get('two', { hosts: ['x'], cn: 'edge', ca: 'inner' })
  const stranger = await certificates.get('two', { hosts: ['x'], cn: 'edge', ca: 'outer' })
  const ca = await certificates.authority('two', 'inner')
  const asked = await askTls({ ca, key, cert, servername: 'backend.test' })
  t.equal(asked, 200, 'who has a certificate of the authority is let in')
  t.same(backends.seenBy('guarded')[0]?.tls, { client: 'edge', sni: 'backend.test' })
  await t.rejects(
    askTls({ ca, servername: 'backend.test', key: stranger.key, cert: stranger.cert }),
    'one of another authority is not',
  )
  await t.rejects(askTls({ ca, key, cert, servername: 'other.test' }), 'its name is checked')
})

function askTls(options: RequestOptions): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  const at = { host: '127.0.0.9', port: 38572, agent: false }
  request({ ...at, ...options }, (response) => {
    response.resume()
    resolve(response.statusCode)
  })
    .on('error', reject)
    .end()
  return promise
}
