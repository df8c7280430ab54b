import { readFileSync } from 'node:fs'
import t from 'tap'
import { readAnyResponseHead } from './repair-response.ts'
import { Http1ResponseHead, readResponseHead } from './response-head.ts'
import { usualLimits } from './testing/read-request.ts'

/** Reads a head whose lines are joined by CRLF, as the answer to `method`; undefined when it is refused. */
function read(
  lines: readonly string[],
  method = 'GET',
  limits = usualLimits,
): Http1ResponseHead | undefined {
  const head = new Http1ResponseHead()
  const isGood = readResponseHead(`${lines.join('\r\n')}\r\n\r\n`, method, limits, head)
  return isGood ? head : undefined
}

const ok = 'HTTP/1.1 200 OK'
const statusLines = [
  { line: ok, is: [200, 'OK'], why: 'the usual form' },
  { line: 'HTTP/1.0 404 Not Found', is: [404, 'Not Found'], why: 'HTTP/1.0' },
  { line: 'HTTP/1.1 200 ', is: [200, ''], why: 'the reason may be empty' },
  { line: 'HTTP/1.1 200', is: [200, ''], why: 'many servers then drop its space' },
  { line: 'HTTP/1.1 599 caf\xe9\t!', is: [599, 'caf\xe9\t!'], why: 'obs-text in the reason' },
  { line: 'HTTP/1.1 ', is: undefined, why: 'no status' },
  { line: 'HTTP/1.1 2OO OK', is: undefined, why: 'letters' },
  { line: 'HTTP/1.1 20 OK', is: undefined, why: 'two digits' },
  { line: 'HTTP/1.1 2000 OK', is: undefined, why: 'four digits' },
  { line: 'HTTP/1.1 099 OK', is: undefined, why: 'below 100' },
  { line: 'HTTP/1.1 600 X', is: [600, 'X'], why: 'above 599 nothing is known but the length' },
  { line: 'HTTP/1.1 999 X', is: [999, 'X'], why: 'the largest of three digits' },
  { line: 'HTTP/1.1 -20 OK', is: undefined, why: 'a sign' },
  { line: 'HTTP/1.1  200 OK', is: undefined, why: 'two spaces' },
  { line: 'HTTP/1.1\t200 OK', is: undefined, why: 'a tab' },
  { line: ' HTTP/1.1 200 OK', is: undefined, why: 'white space in front' },
  { line: '\r\nHTTP/1.1 200 OK', is: undefined, why: 'an empty line in front' },
  { line: 'HTTP/2.0 200 OK', is: undefined, why: 'another version' },
  { line: 'HTTP/1.2 200 OK', is: [200, 'OK'], why: 'RFC 9110 §2.5: a minor version to come' },
  { line: 'HTTP/1.10 200 OK', is: undefined, why: 'RFC 9112 §2.3: one digit' },
  { line: 'HTTP/0.9 200 OK', is: undefined, why: 'a version that has no status line' },
  { line: 'http/1.1 200 OK', is: undefined, why: 'the name has case' },
  { line: 'ICY 200 OK', is: undefined, why: 'another protocol' },
  { line: '200 OK', is: undefined, why: 'no version' },
  { line: 'HTTP/1.1 200 O\0K', is: undefined, why: 'NUL' },
  { line: 'HTTP/1.1 200 O\rK', is: undefined, why: 'a bare CR' },
  { line: 'HTTP/1.1 200 OK\nX: y', is: undefined, why: 'a bare LF' },
]

for (const { line, is, why } of statusLines) {
  t.test(`${JSON.stringify(line)} is ${is ? 'read' : 'refused'}: ${why}`, async (t) => {
    const head = read([line, 'Content-Length: 0'])
    t.same(head === undefined ? undefined : [head.status, head.reason], is)
  })
}

const cl = (value: string) => `Content-Length: ${value}`
const te = (value: string) => `Transfer-Encoding: ${value}`
const framings = [
  { lines: [ok, cl('5')], is: 'length 5', why: 'the usual form' },
  { lines: [ok, cl('0')], is: 'length 0', why: 'an empty body' },
  { lines: [ok, te('chunked')], is: 'chunked 0', why: 'the usual form' },
  { lines: [ok, te('Chunked')], is: 'chunked 0', why: 'codings have no case' },
  { lines: [ok], is: 'close 0', why: 'RFC 9112 §6.3 (8): until the connection closes' },
  { lines: ['HTTP/1.0 200 OK'], is: 'close 0', why: 'likewise' },
  { lines: ['HTTP/1.1 204 No Content'], is: 'none 0', why: 'no body by its status' },
  { lines: ['HTTP/1.1 204 No Content', cl('5')], is: 'none 5', why: 'whatever it says' },
  { lines: ['HTTP/1.1 304 Not Modified', cl('5')], is: 'none 5', why: 'the length of another' },
  { lines: ['HTTP/1.1 103 Early Hints', cl('5')], is: 'none 5', why: 'interim' },
  { lines: ['HTTP/1.1 204 No Content', te('chunked')], is: 'none 0', why: 'whatever it says' },
  { lines: [ok, cl('5')], method: 'HEAD', is: 'none 5', why: 'the answer to HEAD' },
  { lines: [ok, te('chunked')], method: 'HEAD', is: 'none 0', why: 'the answer to HEAD' },
  { lines: [ok], method: 'HEAD', is: 'none 0', why: 'the answer to HEAD' },
  { lines: [ok, cl('5')], method: 'head', is: 'length 5', why: 'methods have case' },
  { lines: [ok, cl('5'), te('chunked')], is: undefined, why: 'both' },
  { lines: [ok, te('chunked'), cl('5')], method: 'HEAD', is: 'none 5', why: 'HEAD ends anyhow' },
  { lines: [ok, te('gzip')], method: 'HEAD', is: undefined, why: 'an unknown coding, on HEAD too' },
  { lines: ['HTTP/1.1 304 X', cl('5'), te('chunked')], is: 'none 5', why: 'so does a 304' },
  { lines: ['HTTP/1.1 304 X', cl('5'), cl('6')], is: undefined, why: 'twice, on 304 too' },
  { lines: ['HTTP/1.0 200 OK', te('chunked')], method: 'HEAD', is: 'none 0', why: 'likewise' },
  { lines: [ok, cl('5'), cl('5')], is: undefined, why: 'twice, though equal' },
  { lines: [ok, cl('5'), cl('6')], is: undefined, why: 'twice' },
  { lines: [ok, cl('+5')], is: undefined, why: 'a sign' },
  { lines: [ok, cl('')], is: undefined, why: 'empty' },
  { lines: [ok, cl('5, 5')], is: undefined, why: 'a list' },
  { lines: [ok, cl('99999999999999999')], is: undefined, why: 'beyond what can be counted' },
  { lines: [ok, te('gzip')], is: undefined, why: 'an unknown coding' },
  { lines: [ok, te('gzip, chunked')], is: undefined, why: 'two codings' },
  { lines: [ok, te('chunked'), te('chunked')], is: undefined, why: 'twice' },
  { lines: [ok, te('')], is: undefined, why: 'empty' },
  { lines: ['HTTP/1.0 200 OK', te('chunked')], is: undefined, why: 'HTTP/1.0 has no codings' },
]

for (const { lines, method, is, why } of framings) {
  t.test(`${method ?? 'GET'} → ${lines.join(' | ')} is framed as ${is}: ${why}`, async (t) => {
    const head = read(lines, method)
    t.equal(head === undefined ? undefined : `${head.framing} ${head.contentLength}`, is)
  })
}

t.test('a close-delimited response ends its connection, whatever it says', async (t) => {
  t.match(read([ok, 'Connection: keep-alive']), { framing: 'close', keepAlive: false })
})

const persistence = [
  { lines: [ok], keepAlive: true, why: 'HTTP/1.1' },
  { lines: [ok, 'Connection: close'], keepAlive: false, why: 'it says so' },
  { lines: [ok, 'Connection: Keep-Alive, Close'], keepAlive: false, why: 'close wins' },
  { lines: [ok, 'Connection: keep-alive'], keepAlive: true, why: 'said though needless' },
  { lines: [ok, 'Connection: x', 'Connection: close'], keepAlive: false, why: 'one list' },
  { lines: ['HTTP/1.0 200 OK'], keepAlive: false, why: 'HTTP/1.0' },
  { lines: ['HTTP/1.0 200 OK', 'Connection: Keep-Alive'], keepAlive: true, why: 'it says so' },
  { lines: ['HTTP/1.2 200 OK'], keepAlive: true, why: 'as HTTP/1.1' },
  { lines: ['HTTP/1.1 204 X', te('chunked')], keepAlive: false, why: 'length and coding disagree' },
]
for (const { lines, keepAlive, why } of persistence) {
  t.test(`${lines.join(' | ')} persists ${keepAlive}: ${why}`, async (t) => {
    t.match(read([...lines, cl('0')]), { keepAlive })
  })
}

const promises = [
  { lines: ['Keep-Alive: timeout=5'], ms: 5000, why: 'the usual form' },
  { lines: ['Keep-Alive: max=100, Timeout=30'], ms: 30_000, why: 'a parameter among others' },
  { lines: ['Keep-Alive: xtimeout=5'], ms: Number.POSITIVE_INFINITY, why: 'another parameter' },
  { lines: [], ms: Number.POSITIVE_INFINITY, why: 'nothing promised' },
]
for (const { lines, ms, why } of promises) {
  t.test(`${lines.join() || 'no Keep-Alive'} promises ${ms} ms: ${why}`, async (t) => {
    t.match(read([ok, cl('0'), ...lines]), { keepAliveMs: ms })
  })
}

const keptLines = [
  { line: 'Content-Type:  text/html ', isKept: true, why: 'byte-exact' },
  { line: 'Set-Cookie: a=\xe9', isKept: true, why: 'bytes are the upstream’s' },
  { line: 'Date: x', isKept: true, why: 'end-to-end' },
  { line: 'Server: x', isKept: true, why: 'end-to-end' },
  { line: 'X-Request-Id: x', isKept: true, why: 'the upstream’s word to the client' },
  { line: 'Www-Authenticate: Basic', isKept: true, why: 'end-to-end' },
  { line: 'Connection: keep-alive', isKept: false, why: 'one hop' },
  { line: 'Keep-Alive: timeout=5', isKept: false, why: 'one hop' },
  { line: 'Proxy-Connection: close', isKept: false, why: 'one hop' },
  { line: 'Proxy-Authenticate: Basic', isKept: false, why: 'one hop' },
  { line: 'Trailer: X', isKept: false, why: 'Weir frames anew' },
  { line: 'Upgrade: h2c', isKept: false, why: 'one hop' },
]
for (const { line, isKept, why } of keptLines) {
  t.test(`${line} is ${isKept ? 'kept' : 'taken out'}: ${why}`, async (t) => {
    const lines = ['A: 1', line, 'Set-Cookie: a', cl('0'), 'Set-Cookie: b']
    const kept = lines.filter((each) => isKept || each !== line)
    t.match(read([ok, ...lines]), { fields: `${kept.join('\r\n')}\r\n` })
  })
}

t.test('Transfer-Encoding is taken out: the client’s side is framed anew', async (t) => {
  t.match(read([ok, 'A: 1', te('chunked'), 'B: 2']), { fields: 'A: 1\r\nB: 2\r\n' })
})

t.test(
  'RFC 9110 §8.6: 1xx and 204 carry no Content-Length, whatever the upstream says',
  async (t) => {
    t.match(read(['HTTP/1.1 204 No Content', 'A: 1', cl('5')]), { fields: 'A: 1\r\n' })
    t.match(read(['HTTP/1.1 103 Early Hints', cl('5'), 'A: 1']), { fields: 'A: 1\r\n' })
    t.match(read(['HTTP/1.1 304 Not Modified', cl('5')]), { fields: 'Content-Length: 5\r\n' })
    t.match(read([ok, cl('5')], 'HEAD'), { fields: 'Content-Length: 5\r\n' })
    t.match(
      read([ok, cl('5'), te('chunked')], 'HEAD'),
      { fields: '' },
      'beside a coding it is wrong',
    )
  },
)

t.test('Date and Server are noted when they are there', async (t) => {
  t.match(read([ok, cl('0')]), { hasDate: false, hasServer: false })
  t.match(read([ok, 'DATE: x', 'server: y']), { hasDate: true, hasServer: true })
})

t.test('fields that Connection lists end here, framing cannot be listed away', async (t) => {
  const lines = [ok, 'Connection: X-A, Content-Length, close', 'Connection: x-b', cl('0')]
  t.match(read([...lines, 'X-A: 1', 'X-B: 2', 'X-C: 3']), { fields: `${cl('0')}\r\nX-C: 3\r\n` })
})

t.test('an upgrade is noted where Connection has its option', async (t) => {
  const switching = 'HTTP/1.1 101 Switching Protocols'
  const head = read([switching, 'Connection: Upgrade', 'Upgrade:  WebSocket', 'A: 1'])
  t.match(head, {
    status: 101,
    upgrade: 'WebSocket',
    framing: 'none',
    fields: 'A: 1\r\n',
  })
  t.match(read([switching, 'Upgrade: websocket']), { upgrade: '' })
})

t.test('limits hold to the byte and the field', async (t) => {
  const small = { maxLineBytes: 40, maxHeadBytes: 500, maxFields: 3 }
  t.ok(read([`HTTP/1.1 200 ${'a'.repeat(27)}`], 'GET', small))
  t.notOk(read([`HTTP/1.1 200 ${'a'.repeat(28)}`], 'GET', small))
  t.ok(read([ok, `A: ${'b'.repeat(35)}`], 'GET', small))
  t.notOk(read([ok, `A: ${'b'.repeat(36)}`], 'GET', small), 'with its CRLF 41')
  t.ok(read([ok, 'A: 1', 'B: 2', 'C: 3'], 'GET', small))
  t.notOk(read([ok, 'A: 1', 'B: 2', 'C: 3', 'D: 4'], 'GET', small))
})

t.test('a head object that is read again forgets what was in it', async (t) => {
  const head = new Http1ResponseHead()
  const first = ['HTTP/1.0 101 X', 'Connection: upgrade, x', 'Upgrade: y', 'Date: d', 'Server: s']
  const text = `${[...first, 'Keep-Alive: timeout=1'].join('\r\n')}\r\n\r\n`
  t.equal(readResponseHead(text, 'GET', usualLimits, head), true)
  t.equal(readResponseHead(`${ok}\r\nA: 1\r\n\r\n`, 'GET', usualLimits, head), true)
  t.same(head, read([ok, 'A: 1']))
})

t.test(
  'the hostile cases of category RESPONSE are refused where no other outcome is',
  async (t) => {
    const path = new URL('../../test/cases/http1-hostile.json', import.meta.url)
    const { cases } = JSON.parse(readFileSync(path, 'utf8'))
    let judged = 0
    for (const { id, category, name, raw, backendSends, expect } of cases) {
      const text = backendSends?.[0]?.text
      const end = text?.indexOf('\r\n\r\n') ?? -1
      // A 101 is judged by what was asked for; that is the exchange's affair.
      if (category !== 'RESPONSE' || end === -1 || text.startsWith('HTTP/1.1 101')) continue
      const head = new Http1ResponseHead()
      const isGood = readAnyResponseHead(text.slice(0, end + 4), 'GET', usualLimits, head) > 0
      if (expect.accept.join() === '502' && !/1xx/.test(name)) t.equal(isGood, false, id)
      if (expect.accept.join() === 'forwarded') t.equal(isGood, true, `${id} ${raw}`)
      judged += 1
    }
    t.ok(judged >= 50, `${judged} cases`)
  },
)
