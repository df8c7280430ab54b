// Does the player of Skipper's cases see what is wrong? A checker that passes everything would meet every case.
import tap from 'tap'
import type { RawResponse } from '../support/raw-client.ts'
import { Backend } from './backend.ts'
import type { Expect } from './case.ts'
import type { Answered } from './client.ts'
import { checkStep, type Outcome } from './expectations.ts'

function answered(status: number, fields: RawResponse['fields'], body = ''): Answered {
  const response: RawResponse = {
    kind: 'response',
    method: '',
    target: '',
    status,
    version: 'HTTP/1.1',
    fields,
    framing: 'length',
    length: body.length,
    body,
    bodyBytes: body.length,
    trailers: [],
    chunkExtensions: 0,
    complete: true,
  }
  return { response, error: undefined }
}

const backend = await Backend.start({
  name: 'a',
  address: '127.0.0.1',
  port: 0,
  down: true,
  answers: [],
})
backend.seen.push({
  number: 7,
  name: 'a',
  method: 'GET',
  path: '/p',
  query: 'q=1',
  host: 'h.test',
  values: (name) => (name.toLowerCase() === 'x-a' ? ['1', '2'] : []),
  body: 'text',
})
const served = answered(
  200,
  [
    ['X-Backend', 'a'],
    ['X-Sight', '7'],
    ['Set-Cookie', 'n=v; Path=/; Secure'],
  ],
  'hello',
)
const own = answered(404, [])
const cut: Answered = { ...own, error: 'an answer did not come' }
const outcomeOf = (...answers: readonly Answered[]): Outcome => ({
  answers,
  backends: [backend],
  seenBy: (name) => (name === 'a' ? backend.seen : []),
  tookMs: 100,
})

const table: readonly {
  readonly why: string
  readonly right: Expect
  readonly wrong: Expect
  readonly answers?: readonly Answered[]
}[] = [
  { why: 'the status', right: { status: 200 }, wrong: { status: 404 } },
  { why: 'who answered', right: { servedBy: 'a' }, wrong: { servedBy: 'b' } },
  {
    why: 'that the proxy answered',
    right: { servedBy: null },
    wrong: { servedBy: 'a' },
    answers: [own],
  },
  { why: 'that it did not', right: { servedBy: 'a' }, wrong: { servedBy: null } },
  {
    why: 'attributes of a cookie in any order',
    right: { headers: { 'Set-Cookie': 'n=v; secure; Path=/' } },
    wrong: { headers: { 'Set-Cookie': 'n=v; Path=/' } },
  },
  {
    why: 'an absent header',
    right: { headers: { 'X-None': null } },
    wrong: { headers: { 'X-Backend': null } },
  },
  {
    why: 'a pattern for the whole value',
    right: { headers: { 'X-Sight': { matches: '[0-9]' } } },
    wrong: { headers: { 'Set-Cookie': { matches: 'n=v' } } },
  },
  { why: 'the body', right: { body: 'hello' }, wrong: { body: 'hell' } },
  { why: 'its length', right: { bodyLength: 5 }, wrong: { bodyLength: 4 } },
  { why: 'a cut answer', right: { cut: true }, wrong: { status: 404 }, answers: [cut] },
  {
    why: 'what the backend saw',
    right: {
      upstreamSaw: { path: '/p', query: 'q=1', host: 'h.test', headers: { 'x-a': '1, 2' } },
    },
    wrong: { upstreamSaw: { headers: { 'X-A': '1' } } },
  },
  {
    why: 'what came beside',
    right: { shadow: { a: { body: 'text' }, b: null } },
    wrong: { shadow: { a: null } },
  },
  { why: 'how many were asked', right: { attempts: { a: 1 } }, wrong: { attempts: {} } },
  {
    why: 'statuses in order',
    right: { statuses: [200, 404] },
    wrong: { statuses: [404, 200] },
    answers: [served, own],
  },
  {
    why: 'counts of statuses',
    right: { statusCounts: { 200: [1, 1], 404: [0, 2] } },
    wrong: { statusCounts: { 200: [2, 2] } },
    answers: [served, own],
  },
  {
    why: 'how requests spread',
    right: { distribution: { a: [1, 2], b: [0, 0] } },
    wrong: { distribution: { b: [1, 2] } },
  },
  {
    why: 'one backend for all',
    right: { same: true },
    wrong: { same: false },
    answers: [served, served],
  },
  { why: 'most at once', right: { peak: { a: 0 } }, wrong: { peak: { a: 2 } } },
  { why: 'the time', right: { elapsedMs: [50, 150] }, wrong: { elapsedMs: [150, 200] } },
]

for (const { why, right, wrong, answers = [served] } of table) {
  tap.test(why, async (t) => {
    t.equal(checkStep(right, outcomeOf(...answers)), undefined)
    t.type(checkStep(wrong, outcomeOf(...answers)), 'string')
  })
}

tap.test('a word that no check knows fails', async (t) => {
  const strange: Expect = JSON.parse('{"smell": "of roses"}')
  t.match(checkStep(strange, outcomeOf(served)), /no check for smell/)
})
