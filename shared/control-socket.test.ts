import t from 'tap'
import {
  ControlLineSplitter,
  encodeControlLine,
  maxControlLineBytes,
  parseControlReply,
  parseControlRequest,
} from './control-socket.ts'

const requests = [
  { line: '{"op":"status"}', expected: { op: 'status' }, why: 'status has no fields' },
  {
    line: '{"op":"released","x":1}',
    expected: { op: 'released' },
    why: 'unknown fields are dropped',
  },
  {
    line: '{"op":"drain","reason":"SIGTERM","boundSeconds":30}',
    expected: { op: 'drain', reason: 'SIGTERM', boundSeconds: 30 },
    why: 'drain carries its reason and bound',
  },
  {
    line: '{"op":"drain","reason":"x"}',
    expected: undefined,
    why: 'a drain without bound is refused',
  },
  {
    line: '{"op":"drain","reason":"x","boundSeconds":-1}',
    expected: undefined,
    why: 'a bound is never negative',
  },
  {
    line: '{"op":"drain","reason":"x","boundSeconds":1e300}',
    expected: undefined,
    why: 'a bound is no longer than a day',
  },
  {
    line: '{"op":"hold","boundSeconds":0.5}',
    expected: { op: 'hold', boundSeconds: 0.5 },
    why: 'hold carries its bound',
  },
  { line: '{"op":"hold"}', expected: undefined, why: 'a hold without bound is refused' },
  { line: '{"op":"reload"}', expected: undefined, why: 'an unknown op is refused' },
  { line: '[]', expected: undefined, why: 'a message is an object' },
  { line: 'GET / HTTP/1.1', expected: undefined, why: 'not JSON' },
]

for (const { line, expected, why } of requests) {
  t.test(`request ${line}: ${why}`, async (t) => {
    t.strictSame(parseControlRequest(line), expected)
  })
}

const replies = [
  { line: '{"ok":true}', expected: { ok: true }, why: 'done' },
  { line: '{"ok":false}', expected: { ok: false, error: '' }, why: 'refused without words' },
  {
    line: '{"state":"draining","inFlight":3,"proxyProtocol":"off"}',
    expected: { state: 'draining', inFlight: 3, proxyProtocol: 'off', h2c: false },
    why: 'a status of a proxy that does not know --h2c',
  },
  {
    line: '{"state":"serving","inFlight":0,"proxyProtocol":"off","h2c":true}',
    expected: { state: 'serving', inFlight: 0, proxyProtocol: 'off', h2c: true },
    why: 'a status',
  },
  {
    line: '{"state":"asleep","inFlight":3,"proxyProtocol":"off"}',
    expected: undefined,
    why: 'states are a closed list',
  },
  {
    line: '{"state":"serving","proxyProtocol":"off"}',
    expected: undefined,
    why: 'inFlight missing',
  },
  { line: 'null', expected: undefined, why: 'not an object' },
]

for (const { line, expected, why } of replies) {
  t.test(`reply ${line}: ${why}`, async (t) => {
    t.strictSame(parseControlReply(line), expected)
  })
}

t.test('lines arrive whole however the bytes are cut', async (t) => {
  const text = encodeControlLine({ op: 'status' }) + encodeControlLine({ op: 'released' })
  for (let cut = 0; cut <= text.length; cut++) {
    const splitter = new ControlLineSplitter()
    const lines = [...splitter.push(text.slice(0, cut)), ...splitter.push(text.slice(cut))]
    t.strictSame(lines.map(parseControlRequest), [{ op: 'status' }, { op: 'released' }])
  }
})

t.test('an endless line is refused instead of kept', async (t) => {
  const splitter = new ControlLineSplitter()
  t.throws(() => splitter.push('x'.repeat(maxControlLineBytes + 1)), RangeError)
})
