import t from 'tap'
import type { HeadLimits } from '../http/head-limits.ts'
import { readRequestHead } from './read-request-head.ts'
import { Http1RequestHead } from './request-head.ts'
import { readLines, usualLimits } from './testing/read-request.ts'

const get = 'GET / HTTP/1.1'
const post = 'POST / HTTP/1.1'
const host = 'Host: a.test'

const requestLines = [
  { line: 'GET / HTTP/1.1', is: ['GET', '/', '', 1], why: 'the usual form' },
  { line: 'GET / HTTP/1.0', is: ['GET', '/', '', 0], why: 'HTTP/1.0 is served' },
  { line: 'PROPFIND /a HTTP/1.1', is: ['PROPFIND', '/a', '', 1], why: 'any token is a method' },
  { line: 'get / HTTP/1.1', is: ['get', '/', '', 1], why: 'methods have case: it is another one' },
  { line: 'GET /a?b=c HTTP/1.1', is: ['GET', '/a', '?b=c', 1], why: 'the query keeps its ?' },
  { line: 'GET /a? HTTP/1.1', is: ['GET', '/a', '?', 1], why: 'an empty query stays' },
  {
    line: 'GET /\xe9?\xe9 HTTP/1.1',
    is: ['GET', '/%E9', '?%E9', 1],
    why: 'raw bytes become escapes, in path and query alike',
  },
  { line: 'GET /a?b?c HTTP/1.1', is: ['GET', '/a', '?b?c', 1], why: 'the first ? counts' },
  { line: 'GET /a/../b?../x HTTP/1.1', is: ['GET', '/b', '?../x', 1], why: 'dots in a query stay' },
  {
    line: 'GET //b.test/x HTTP/1.1',
    is: ['GET', '//b.test/x', '', 1],
    why: 'a path, no authority',
  },
  { line: 'GET http://a.test/p?q HTTP/1.1', is: ['GET', '/p', '?q', 1], why: 'absolute-form' },
  { line: 'GET HTTP://A.TEST:80/p HTTP/1.1', is: ['GET', '/p', '', 1], why: 'without case' },
  { line: 'GET http://a.test HTTP/1.1', is: ['GET', '/', '', 1], why: 'an empty path is /' },
  { line: 'GET http://a.test?q HTTP/1.1', is: ['GET', '/', '?q', 1], why: 'also before a query' },
  { line: 'OPTIONS * HTTP/1.1', is: ['OPTIONS', '*', '', 1], why: 'RFC 9112 §3.2.4' },
] as const

for (const { line, is, why } of requestLines) {
  t.test(`${line} is read: ${why}`, async (t) => {
    const head = readLines([line, host])
    if (typeof head === 'string') throw new Error(head)
    t.same([head.method, head.path, head.query, head.minorVersion], is)
    t.equal(head.host, 'a.test')
  })
}

const malformed = 'malformed-request'
const refusedLines = [
  { line: 'GET / HTTP/2.0', code: 'version-unsupported', why: 'another version' },
  { line: 'GET / HTTP/1.2', code: 'version-unsupported', why: 'another minor version' },
  { line: 'GET / HTTP/0.9', code: 'version-unsupported', why: 'an old version' },
  { line: 'GET / http/1.1', code: malformed, why: 'the name of HTTP has case' },
  { line: 'GET / HTTP/1.10', code: malformed, why: 'one digit each' },
  { line: 'GET / HTTP/1.1 ', code: malformed, why: 'white space behind the version' },
  { line: 'GET /', code: malformed, why: 'HTTP/0.9' },
  { line: 'GET', code: malformed, why: 'no target' },
  { line: '', code: malformed, why: 'an empty line is not a request line' },
  { line: ' GET / HTTP/1.1', code: malformed, why: 'white space in front' },
  { line: 'GET  / HTTP/1.1', code: malformed, why: 'two spaces' },
  { line: 'GET /  HTTP/1.1', code: malformed, why: 'two spaces' },
  { line: 'GET\t/ HTTP/1.1', code: malformed, why: 'a tab is no space' },
  { line: 'GET / x HTTP/1.1', code: malformed, why: 'a space in the target' },
  { line: 'GET /\x01 HTTP/1.1', code: malformed, why: 'a control byte in the target' },
  { line: 'GET /?\x01 HTTP/1.1', code: malformed, why: 'a control byte in the query' },
  { line: 'GET /?a#b HTTP/1.1', code: malformed, why: 'a fragment' },
  { line: 'GET /p#frag HTTP/1.1', code: malformed, why: 'a fragment' },
  { line: 'GET /.. HTTP/1.1', code: malformed, why: 'above the root' },
  { line: 'GET a HTTP/1.1', code: malformed, why: 'no form of a target' },
  { line: 'GET * HTTP/1.1', code: malformed, why: '* is for OPTIONS' },
  { line: 'GET ?a HTTP/1.1', code: malformed, why: 'a query without a path' },
  { line: 'GET https://a.test/ HTTP/1.1', code: malformed, why: 'TLS ended elsewhere' },
  { line: 'GET ftp://a.test/ HTTP/1.1', code: malformed, why: 'another scheme' },
  { line: 'GET http:///p HTTP/1.1', code: malformed, why: 'no authority' },
  { line: 'GET http://u@a.test/ HTTP/1.1', code: malformed, why: 'userinfo' },
  { line: 'GET http://b.test/ HTTP/1.1', code: malformed, why: 'not the host of Host' },
  { line: 'GET http://a.test\\@b.test/ HTTP/1.1', code: malformed, why: 'a backslash' },
  { line: 'G@T / HTTP/1.1', code: malformed, why: 'no token' },
  { line: `${'A'.repeat(33)} / HTTP/1.1`, code: malformed, why: 'no method is that long' },
  { line: 'CONNECT a.test:443 HTTP/1.1', code: 'method-refused', why: 'Weir is no forward proxy' },
  { line: 'TRACE / HTTP/1.1', code: 'method-refused', why: 'it would echo credentials' },
  { line: 'TRACK / HTTP/1.1', code: 'method-refused', why: 'likewise' },
]

for (const { line, code, why } of refusedLines) {
  t.test(`${JSON.stringify(line)} is ${code}: ${why}`, async (t) => {
    t.equal(readLines([line, host]), code)
  })
}

const hosts = [
  { lines: [get, 'Host: A.test:80'], is: 'a.test', why: 'without case and port' },
  { lines: [get], is: malformed, why: 'RFC 9112 §3.2: none in HTTP/1.1' },
  { lines: [get, host, host], is: malformed, why: 'two, though equal' },
  { lines: [get, 'Host:'], is: malformed, why: 'an empty one' },
  { lines: [get, 'Host: a b'], is: malformed, why: 'an invalid one' },
  { lines: ['GET / HTTP/1.0'], is: '', why: 'HTTP/1.0 has no duty to send one' },
  { lines: ['GET / HTTP/1.0', 'Host: b.test'], is: 'b.test', why: 'but may' },
  { lines: ['GET / HTTP/1.0', 'Host:'], is: malformed, why: 'an empty one is no better there' },
  { lines: ['GET / HTTP/1.0', host, host], is: malformed, why: 'nor are two' },
  { lines: ['GET http://c.test:1/ HTTP/1.0'], is: 'c.test', why: 'absolute-form names it, too' },
]

for (const { lines, is, why } of hosts) {
  t.test(`the host of ${lines.join(' | ')} is ${is || 'none'}: ${why}`, async (t) => {
    const head = readLines(lines)
    t.equal(typeof head === 'string' ? head : head.host, is)
  })
}

const cl = (value: string) => `Content-Length: ${value}`
const te = (value: string) => `Transfer-Encoding: ${value}`
const framings = [
  { lines: [], is: 'none 0', why: 'no body without a word about it' },
  { lines: [cl('5')], is: 'length 5', why: 'the usual form' },
  { lines: [cl('0')], is: 'length 0', why: 'a body may be empty' },
  { lines: [cl(' 0005 ')], is: 'length 5', why: 'zeros in front are digits' },
  { lines: ['content-LENGTH:5'], is: 'length 5', why: 'names have no case' },
  { lines: [cl('999999999999999')], is: 'length 999999999999999', why: 'the largest' },
  { lines: [cl('9999999999999999')], is: malformed, why: 'beyond what is exact' },
  { lines: [cl('')], is: malformed, why: 'empty' },
  { lines: [cl('+5')], is: malformed, why: 'a sign' },
  { lines: [cl('-0')], is: malformed, why: 'a sign' },
  { lines: [cl('0x5')], is: malformed, why: 'hex' },
  { lines: [cl('5.0')], is: malformed, why: 'a fraction' },
  { lines: [cl('5e0')], is: malformed, why: 'an exponent' },
  { lines: [cl('5, 5')], is: malformed, why: 'a list' },
  { lines: [cl('5 5')], is: malformed, why: 'two numbers' },
  { lines: [cl('5'), cl('5')], is: malformed, why: 'twice, though equal' },
  { lines: [cl('5'), cl('6')], is: malformed, why: 'twice' },
  { lines: [cl('5'), te('chunked')], is: malformed, why: 'RFC 9112 §6.1: both' },
  { lines: [te('chunked'), cl('5')], is: malformed, why: 'both, the other way round' },
  { lines: [te('gzip'), cl('5')], is: malformed, why: 'both, with an unknown coding' },
  { lines: [te('chunked')], is: 'chunked 0', why: 'the usual form' },
  { lines: [te('\tChUnKeD ')], is: 'chunked 0', why: 'codings have no case' },
  { lines: [te('')], is: malformed, why: 'empty' },
  { lines: [te('chunked'), te('chunked')], is: malformed, why: 'twice' },
  { lines: [te('chunked, chunked')], is: malformed, why: 'twice in one line' },
  { lines: [te('chunked, gzip')], is: malformed, why: 'chunked is not last' },
  { lines: [te('gzip, chunked')], is: malformed, why: 'more than one coding' },
  { lines: [te('xchunked')], is: malformed, why: 'a look-alike' },
  { lines: [te('chunked;q=1')], is: malformed, why: 'parameters' },
  { lines: [te('"chunked"')], is: malformed, why: 'quotes' },
  { lines: [te('\xa0chunked')], is: malformed, why: 'a no-break space' },
  { lines: [te('gzip')], is: 'coding-unsupported', why: 'known, but not here' },
  { lines: [te('identity')], is: 'coding-unsupported', why: 'gone since RFC 7230' },
]

for (const { lines, is, why } of framings) {
  t.test(`${JSON.stringify(lines)} is framed as ${is}: ${why}`, async (t) => {
    const head = readLines([post, host, ...lines])
    t.equal(typeof head === 'string' ? head : `${head.framing} ${head.contentLength}`, is)
  })
}

t.test('HTTP/1.0 has no transfer codings: RFC 9112 §6.1', async (t) => {
  t.equal(readLines(['POST / HTTP/1.0', host, te('chunked')]), malformed)
  t.equal(readLines(['POST / HTTP/1.0', host, te('gzip')]), malformed)
})

const connections = [
  { lines: [get], keepAlive: true, listed: [], why: 'HTTP/1.1 persists' },
  { lines: [get, 'Connection: close'], keepAlive: false, listed: [], why: 'unless it says so' },
  { lines: [get, 'Connection: CLOSE, x'], keepAlive: false, listed: ['x'], why: 'without case' },
  { lines: ['GET / HTTP/1.0'], keepAlive: false, listed: [], why: 'HTTP/1.0 does not' },
  {
    lines: ['GET / HTTP/1.0', 'Connection: Keep-Alive'],
    keepAlive: true,
    listed: [],
    why: 'unless it says so',
  },
  {
    lines: ['GET / HTTP/1.0', 'Connection: keep-alive, close'],
    keepAlive: false,
    listed: [],
    why: 'close wins',
  },
  {
    lines: [get, 'Connection: X-A', 'Connection: ,x-b ,'],
    keepAlive: true,
    listed: ['x-a', 'x-b'],
    why: 'several lines are one list',
  },
  {
    lines: [get, 'Connection: Host, Content-Length, TE, X-Amzn-Trace-Id, X-C'],
    keepAlive: true,
    listed: ['x-c'],
    why: 'CVE-2024-45410: routing, framing and tracing cannot be listed away',
  },
]

// What may be listed by Connection, all of it sent along.
const listable = ['X-A: 1', 'x-b: 2', 'X-C: 3', 'X: 4', 'TE: trailers', 'X-Amzn-Trace-Id: 5']

for (const { lines, keepAlive, listed, why } of connections) {
  t.test(`${lines.slice(1).join(' | ') || lines[0]} persists ${keepAlive}: ${why}`, async (t) => {
    const head = readLines([...lines, host, ...listable])
    if (typeof head === 'string') throw new Error(head)
    t.equal(head.keepAlive, keepAlive)
    const left = listable.filter((line) => {
      const name = line.slice(0, line.indexOf(':')).toLowerCase()
      return name !== 'te' && !listed.some((one) => one === name)
    })
    t.equal(head.fields, left.map((line) => `${line}\r\n`).join(''))
  })
}

const upgrade = ['Connection: keep-alive, Upgrade', 'Upgrade: WebSocket']
const upgrades = [
  { lines: [get, ...upgrade], is: 'websocket', why: 'RFC 9110 §7.8' },
  {
    lines: [get, ...upgrade, 'Upgrade: x/1'],
    is: 'websocket, x/1',
    why: 'several lines, one list',
  },
  { lines: [get, 'Upgrade: websocket'], is: '', why: 'Connection does not list it' },
  { lines: [get, 'Connection: upgrade'], is: '', why: 'to what?' },
  { lines: ['GET / HTTP/1.0', ...upgrade], is: '', why: 'HTTP/1.0 cannot' },
  { lines: [post, ...upgrade], is: '', why: 'RFC 6455 §4.1: a WebSocket begins with GET' },
  { lines: [post, ...upgrade, 'Upgrade: x/1'], is: 'x/1', why: 'others with any method' },
  { lines: [get, ...upgrade, cl('0')], is: 'websocket', why: 'no body, said so' },
  { lines: [get, ...upgrade, cl('5')], is: 'websocket', why: 'behind the body' },
  { lines: [get, ...upgrade, te('chunked')], is: 'websocket', why: 'behind the body' },
  { lines: [get, 'Connection: upgrade', 'Upgrade: ,'], is: '', why: 'an empty list' },
]
for (const { lines, is, why } of upgrades) {
  t.test(`${lines.join(' | ')} upgrades to ${is || 'nothing'}: ${why}`, async (t) => {
    t.match(readLines([...lines, host]), { upgrade: is })
  })
}

const expectation = 'Expect: 100-continue'
const expectations = [
  { lines: [post, expectation, cl('5')], is: true, why: 'RFC 9110 §10.1.1' },
  { lines: [post, 'Expect: 100-Continue', te('chunked')], is: true, why: 'without case' },
  { lines: [get, expectation], is: false, why: 'no body to wait with' },
  { lines: ['POST / HTTP/1.0', expectation, cl('5')], is: false, why: 'HTTP/1.0 knows no 100' },
  { lines: [post, 'Expect: 200-ok', cl('5')], is: 'expectation-failed', why: 'unknown' },
  { lines: [post, expectation, 'Expect: x'], is: 'expectation-failed', why: 'and another' },
]
for (const { lines, is, why } of expectations) {
  t.test(`${lines.join(' | ')} expects ${is}: ${why}`, async (t) => {
    const head = readLines([...lines, host])
    t.equal(typeof head === 'string' ? head : head.expectsContinue, is)
  })
}

t.test('limits hold to the byte and the field', async (t) => {
  const small: HeadLimits = { maxLineBytes: 40, maxHeadBytes: 500, maxFields: 3 }
  const target = (length: number) => `GET /${'a'.repeat(length - 14)} HTTP/1.1`
  t.match(readLines([target(40), host], small), { method: 'GET' }, 'a request line of 40 bytes')
  t.equal(readLines([target(41), host], small), 'target-too-long')
  t.match(readLines([get, host, `A: ${'b'.repeat(35)}`], small), { method: 'GET' })
  t.equal(
    readLines([get, host, `A: ${'b'.repeat(36)}`], small),
    'head-too-large',
    'with its CRLF 41',
  )
  t.match(readLines([get, host, 'A: 1', 'A: 2'], small), { method: 'GET' })
  t.equal(readLines([get, host, 'A: 1', 'A: 2', 'A: 3'], small), 'head-too-large')
})

t.test('a head object that is read again forgets what was in it', async (t) => {
  const head = new Http1RequestHead()
  const first = [post, host, 'X: 1', 'TE: trailers', 'Connection: x, close', 'Referer: r']
  const own = ['X-Forwarded-For: 1', 'Forwarded: x', 'X-Request-Id: i', 'User-Agent: u']
  readRequestHead(
    `${[...first, ...own, expectation, cl('5')].join('\r\n')}\r\n\r\n`,
    usualLimits,
    head,
  )
  t.equal(readRequestHead(`${get}\r\n${host}\r\n\r\n`, usualLimits, head), undefined)
  const fresh = readLines([get, host])
  t.same(head, fresh)
})
