import t from 'tap'
import { readLines } from '../http1/testing/read-request.ts'

const get = 'GET / HTTP/1.1'
const post = 'POST / HTTP/1.1'
const host = 'Host: a.test'
const malformed = 'malformed-request'

const keptLines = [
  { line: 'Accept:  */* ', isKept: true, why: 'end-to-end, byte-exact' },
  { line: 'x-CUSTOM:\t\xe9', isKept: true, why: 'case and bytes are the client’s' },
  { line: 'Cookie: a=b', isKept: true, why: 'end-to-end' },
  { line: 'Content-Length: 5', isKept: true, why: 'it holds for the next hop, too' },
  { line: 'Referer: r', isKept: true, why: 'read for the log only' },
  { line: 'User-Agent: u', isKept: true, why: 'read for the log only' },
  { line: 'X-Amzn-Trace-Id: Root=1', isKept: true, why: 'passes unchanged' },
  { line: 'traceparent: 00-1', isKept: true, why: 'passes unchanged' },
  { line: 'X-Custom_Name: 1', isKept: true, why: 'an underscore that looks like nothing' },
  { line: 'X-Forwarded: 1', isKept: false, why: 'a proxy’s word about its client' },
  { line: 'X-Original-URL: /admin', isKept: false, why: 'some frameworks route by it' },
  { line: 'X-Rewrite-Url: /admin', isKept: false, why: 'some frameworks route by it' },
  { line: 'x-scheme: https', isKept: false, why: 'a proxy’s word about its client' },
  { line: 'X-Client-IP: 1.1.1.1', isKept: false, why: 'a proxy’s word about its client' },
  { line: 'CloudFront-Viewer-Country: DE', isKept: false, why: 'CloudFront’s word' },
  { line: 'Proxy: http://evil.test', isKept: false, why: 'httpoxy' },
  { line: 'pROXY: http://evil.test', isKept: false, why: 'httpoxy, in any case' },
  { line: 'Proxy-Status: a', isKept: true, why: 'another field' },
  { line: 'Connection: keep-alive', isKept: false, why: 'RFC 9110 §7.6.1' },
  { line: 'Keep-Alive: timeout=5', isKept: false, why: 'one hop' },
  { line: 'Proxy-Connection: close', isKept: false, why: 'one hop' },
  { line: 'Proxy-Authorization: x', isKept: false, why: 'for this proxy' },
  { line: 'Proxy-Authenticate: x', isKept: false, why: 'one hop' },
  { line: 'TE: gzip', isKept: false, why: 'one hop' },
  { line: 'Trailer: X', isKept: false, why: 'Weir frames anew' },
  { line: 'Upgrade: h2c', isKept: false, why: 'one hop' },
  { line: 'HTTP2-Settings: x', isKept: false, why: 'h2c is never asked for' },
  { line: 'Expect: 100-continue', isKept: false, why: 'written anew' },
  { line: 'X-Forwarded-For: 1.2.3.4', isKept: false, why: 'Weir’s own' },
  { line: 'X-Forwarded-Proto: https', isKept: false, why: 'Weir’s own' },
  { line: 'X-Forwarded-Host: b', isKept: false, why: 'Weir’s own' },
  { line: 'X-Forwarded-Port: 1', isKept: false, why: 'Weir’s own' },
  { line: 'X-Forwarded-Prefix: /x', isKept: false, why: 'only from trusted peers' },
  { line: 'X-Forwarded-A: b', isKept: false, why: 'whatever the length of its name' },
  { line: 'Forwarded: for=1.2.3.4', isKept: false, why: 'only from trusted peers' },
  { line: 'X-Real-IP: 1.2.3.4', isKept: false, why: 'Weir’s own' },
  { line: 'X-Request-Id: x', isKept: false, why: 'Weir’s own' },
]

for (const { line, isKept, why } of keptLines) {
  t.test(`${line} is ${isKept ? 'kept' : 'taken out'}: ${why}`, async (t) => {
    const lines = [post, 'A: 1', host, line, 'Z: 2']
    const head = readLines(lines)
    if (typeof head === 'string') throw new Error(head)
    const kept = lines.slice(1).filter((each) => each !== host && (isKept || each !== line))
    t.equal(head.fields, `${kept.join('\r\n')}\r\n`)
  })
}

t.test('fields are kept in order around those that are taken out', async (t) => {
  const ends = ['TE: x', 'A: 1', 'Keep-Alive: 1', 'Trailer: x', 'B: 2', host, 'a: 3', 'TE: y']
  const head = readLines([get, ...ends])
  t.match(head, { fields: 'A: 1\r\nB: 2\r\na: 3\r\n' })
})

const lookAlikes = [
  ...['Content_Length', 'Transfer_Encoding', 'X_Forwarded_For', 'X-Forwarded_For'],
  ...['X_Forwarded-Proto', 'X_Forwarded_X', 'x_real_ip', 'X-Real_IP', 'X_Request_Id'],
  ...[
    'X_Original_URL',
    'X-Rewrite_Url',
    'x_scheme',
    'X_Client_IP',
    'True_Client_IP',
    'CloudFront_X',
  ],
]
for (const name of lookAlikes) {
  t.test(`${name} is refused: a back end may read it as the field with hyphens`, async (t) => {
    t.equal(readLines([get, host, `${name}: 5`]), malformed)
  })
}

t.test('a malformed field refuses the whole head', async (t) => {
  t.equal(readLines([get, host, 'A : b']), malformed)
  t.equal(readLines([get, host, 'A: b\nC: d']), malformed)
  t.equal(readLines([get, ' A: b', host]), malformed, 'white space behind the request line')
})

t.test('what a client says about itself is noted beside the kept lines', async (t) => {
  const own = ['X-Forwarded-For: 1.1.1.1', 'x-forwarded-for: 2.2.2.2', 'X-Forwarded-Proto: https']
  const more = ['X-Forwarded-Host: h', 'X-Forwarded-Port: 1', 'X-Request-Id: id']
  const other = ['X-Forwarded-Prefix: /p', 'Forwarded:  for=x']
  const rest = ['User-Agent: ua', 'Referer: re']
  t.match(readLines([get, host, ...own, ...other, ...more, ...rest]), {
    forwardedFor: '1.1.1.1, 2.2.2.2',
    forwardedProto: 'https',
    forwardedHost: 'h',
    forwardedPort: '1',
    otherForwarded: 'X-Forwarded-Prefix: /p\r\nForwarded:  for=x\r\n',
    requestId: 'id',
    userAgent: 'ua',
    referer: 're',
  })
})

const trailers = [
  { lines: ['TE: trailers'], is: true, why: 'the usual form' },
  { lines: ['TE: gzip;q=0.5, Trailers'], is: true, why: 'a member of a list' },
  { lines: ['TE: trailers', 'TE: gzip'], is: true, why: 'several lines are one list' },
  { lines: ['TE: gzip'], is: false, why: 'something else' },
  { lines: [], is: false, why: 'nothing said' },
]
for (const { lines, is, why } of trailers) {
  t.test(`${lines.join(' | ')} accepts trailers ${is}: ${why}`, async (t) => {
    t.match(readLines([get, host, ...lines]), { acceptsTrailers: is })
  })
}
