import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import type { Message } from '../../test/hostile/grammar.ts'
import { readStrictly } from '../../test/hostile/strict.ts'
import { finalHead, interimHead, requestHead } from './head-writer.ts'
import type { Http1RequestHead } from './request-head.ts'
import { Http1ResponseHead, readResponseHead } from './response-head.ts'
import { readLines, usualLimits } from './testing/read-request.ts'

function requestOf(...lines: string[]): Http1RequestHead {
  const head = readLines(lines)
  if (typeof head === 'string') throw new Error(head)
  return head
}

function responseOf(...lines: string[]): Http1ResponseHead {
  const head = new Http1ResponseHead()
  if (!readResponseHead(`${lines.join('\r\n')}\r\n\r\n`, 'GET', usualLimits, head)) {
    throw new Error('the response head is refused')
  }
  return head
}

const text = (...lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`
const facts = 'X-Real-IP: 1.2.3.4\r\n'
// What every request gets behind its fields: the mark that tells a circle.
const mark = 'CDN-Loop: weir'

/** Writes a request as an attempt does that changes nothing but adds our lines. */
const write = (head: Http1RequestHead, target: string, ownAuthority = '10.0.0.1:80') =>
  requestHead({
    method: head.method,
    target,
    authority: head.authority || head.host || ownAuthority,
    fields: head.fields + facts,
    bodyLength: head.bodyLength,
    upgrade: head.upgrade,
    expectsContinue: head.expectsContinue,
    acceptsTrailers: head.acceptsTrailers,
    isLast: false,
  })

const host = 'Host: A.test:80'

const requests = [
  {
    lines: ['GET /a?b HTTP/1.1', 'B: 1', host, 'a:  2 '],
    is: ['GET /a?b HTTP/1.1', host, 'B: 1', 'a:  2 ', 'X-Real-IP: 1.2.3.4', mark],
    why: 'Host first (RFC 9112 §3.2), end-to-end fields byte-exact and in order, then ours',
  },
  {
    lines: ['GET /a?b HTTP/1.0'],
    is: ['GET /a?b HTTP/1.1', 'Host: 10.0.0.1:80', 'X-Real-IP: 1.2.3.4', mark],
    why: 'RFC 9112 §3.2: HTTP/1.1 needs a Host',
  },
  {
    lines: ['GET http://c.test/a?b HTTP/1.0'],
    is: ['GET /a?b HTTP/1.1', 'Host: c.test', 'X-Real-IP: 1.2.3.4', mark],
    why: 'RFC 9112 §3.2.2: absolute-form names the host',
  },
  {
    lines: ['GET /a?b HTTP/1.1', host, 'Connection: x-a, close', 'X-A: 1', 'X-B: 2', 'x-a: 3'],
    is: ['GET /a?b HTTP/1.1', host, 'X-B: 2', 'X-Real-IP: 1.2.3.4', mark],
    why: 'fields that Connection lists end here',
  },
  {
    lines: ['GET /a?b HTTP/1.1', host, 'Connection: x-real-ip, host'],
    is: ['GET /a?b HTTP/1.1', host, 'X-Real-IP: 1.2.3.4', mark],
    why: 'ours cannot be listed away',
  },
  {
    lines: ['POST /a?b HTTP/1.1', host, 'Transfer-Encoding: chunked', 'Expect: 100-continue'],
    is: [
      ...['POST /a?b HTTP/1.1', host, 'X-Real-IP: 1.2.3.4', mark],
      ...['Transfer-Encoding: chunked', 'Expect: 100-continue'],
    ],
    why: 'chunks are framed anew, the expectation is passed on',
  },
  {
    lines: ['POST /a?b HTTP/1.1', 'Content-Length: 5', host],
    is: ['POST /a?b HTTP/1.1', host, 'Content-Length: 5', 'X-Real-IP: 1.2.3.4', mark],
    why: 'a length holds for the next hop, too',
  },
  {
    lines: ['GET /a?b HTTP/1.1', host, 'Connection: upgrade', 'Upgrade: WebSocket', 'TE: trailers'],
    is: [
      ...['GET /a?b HTTP/1.1', host, 'X-Real-IP: 1.2.3.4', mark],
      ...['Connection: upgrade', 'Upgrade: websocket'],
    ],
    why: 'an upgrade is asked for anew',
  },
  {
    lines: ['GET /a?b HTTP/1.1', host, 'TE: gzip, trailers'],
    is: [
      ...['GET /a?b HTTP/1.1', host, 'X-Real-IP: 1.2.3.4', mark],
      ...['Connection: TE', 'TE: trailers'],
    ],
    why: 'RFC 9110 §10.1.4: only trailers are passed on',
  },
]

for (const { lines, is, why } of requests) {
  t.test(`${lines.join(' | ')} goes upstream: ${why}`, async (t) => {
    const written = write(requestOf(...lines), '/a?b')
    t.equal(written, text(...is))
  })
}

t.test('a final head is its status, fields and framing, then what this hop says', async (t) => {
  t.equal(
    finalHead(200, 'Fine', 'A: 1\r\n', true, 'Connection: close\r\n'),
    text('HTTP/1.1 200 Fine', 'A: 1', 'Transfer-Encoding: chunked', 'Connection: close'),
  )
  t.equal(finalHead(204, '', '', false, ''), text('HTTP/1.1 204 '))
})

t.test('an interim head carries end-to-end fields only', async (t) => {
  const interim = responseOf('HTTP/1.1 103 Early Hints', 'Link: x', 'Connection: y', 'Y: 1')
  t.equal(interimHead(interim), text('HTTP/1.1 103 Early Hints', 'Link: x'))
})

const names = ['A', 'Accept', 'cookie', 'X-Forwarded-For', 'X-Real-IP', 'TE', 'Trailer', 'x-b_c']
const token = fc.oneof(
  fc.constantFrom(...names, 'Connection', 'Keep-Alive', 'Content-Type', 'Upgrade', 'Expect'),
  fc.stringMatching(/^[!#$%&'*+.^`|~0-9A-Za-z-]{1,20}$/),
)
const value = fc.oneof(
  fc.constantFrom('', ' x', 'close', ' A, x-b_c', '100-continue', ' trailers', '\t\xff '),
  fc.stringMatching(/^[\t -~\x80-\xff]{0,30}$/),
)
const fieldLines = fc.array(
  fc.tuple(token, value).map(([name, value]) => `${name}:${value}`),
  { maxLength: 10 },
)
const bodies = fc.constantFrom<readonly string[]>(
  [],
  ['Content-Length: 5'],
  ['Transfer-Encoding: chunked'],
)

const ours = /^(?:host|x-forwarded-.*|x-real-ip|cdn-loop|date|server)$/i
const ofOneHop =
  /^(?:connection|keep-alive|te|trailer|upgrade|expect|forwarded|proxy-.*|http2-settings|x-request-id|transfer-encoding)$/i

/** What must arrive of `lines`, by RFC 9110 §7.6.1. */
function endToEnd(lines: readonly string[]): string[][] {
  const pairs = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '')]
  })
  const listed = pairs
    .filter(([name]) => name?.toLowerCase() === 'connection')
    .flatMap(([, value]) => value?.toLowerCase().split(',') ?? [])
    .map((member) => member.trim())
    .filter((member) => member !== 'content-length')
  return pairs.filter(
    ([name = '']) =>
      !ours.test(name) && !ofOneHop.test(name) && !listed.includes(name.toLowerCase()),
  )
}

const fieldsOf = (message: Message | undefined) =>
  message?.fields.filter(([name]) => !ours.test(name) && !ofOneHop.test(name))

t.test('a request that is accepted goes on as one that a strict reader accepts', async (t) => {
  let accepted = 0
  assertProperty(
    t,
    fc.property(fieldLines, bodies, (lines, body) => {
      const all = ['POST /p?q HTTP/1.1', ...lines, 'Host: a.test', ...body]
      const head = readLines(all)
      if (typeof head === 'string') return
      accepted += 1
      const written = write(head, head.path + head.query)
      const { messages, error } = readStrictly('request', written)
      if (error !== undefined || messages.length !== 1) throw new Error(`${error} in ${written}`)
      t.same(fieldsOf(messages[0]), endToEnd(all.slice(1)))
      const framings = { none: 'none', length: 'length', chunked: 'chunked', close: '' }
      t.equal(messages[0]?.framing, framings[head.framing])
    }),
    { numRuns: 500 },
  )
  t.ok(accepted > 100, `${accepted} of 500 were accepted`)
})

t.test('so does a response', async (t) => {
  let accepted = 0
  assertProperty(
    t,
    fc.property(fieldLines, bodies, fc.boolean(), (lines, body, mayKeepAlive) => {
      const all = ['HTTP/1.1 200 Fine', ...lines, ...body]
      const head = new Http1ResponseHead()
      if (!readResponseHead(text(...all), 'GET', usualLimits, head)) return
      accepted += 1
      const isRechunked = head.framing !== 'length'
      const connection = mayKeepAlive ? '' : 'Connection: close\r\n'
      const written = finalHead(head.status, head.reason, head.fields, isRechunked, connection)
      const { messages, error } = readStrictly('response', written)
      if (error !== undefined || messages.length !== 1) throw new Error(`${error} in ${written}`)
      t.equal(messages[0]?.framing, isRechunked ? 'chunked' : 'length')
    }),
    { numRuns: 500 },
  )
  t.ok(accepted > 100, `${accepted} of 500 were accepted`)
})
