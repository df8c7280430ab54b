import fc from 'fast-check'
import t from 'tap'
import type { FailureCode } from '../../shared/routing/failure.ts'
import { readRequest } from './read-request.ts'
import { Http2RequestHead } from './request-head.ts'

type Field = readonly [name: string, value: string]

const limits = { maxLineBytes: 200, maxHeadBytes: 2000, maxFields: 20 }
const base: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/a?b=c'],
  [':authority', 'a.test'],
]

function read(fields: readonly Field[], hasEnded = true): Http2RequestHead | FailureCode {
  const head = new Http2RequestHead()
  return readRequest(fields.flat(), hasEnded, limits, head) ?? head
}

/** The plain request with some of its pseudo fields said otherwise (undefined: left out), and fields behind them. */
function changed(changes: Readonly<Record<string, string | undefined>>, ...more: Field[]): Field[] {
  const kept = base.flatMap(([name, value]): Field[] => {
    const said = Object.hasOwn(changes, name) ? changes[name] : value
    return said === undefined ? [] : [[name, said]]
  })
  const known = new Set(base.map(([name]) => name))
  const added = Object.entries(changes).flatMap(([name, value]): Field[] =>
    known.has(name) || value === undefined ? [] : [[name, value]],
  )
  return [...kept, ...added, ...more]
}

const good: readonly {
  readonly fields: readonly Field[]
  readonly hasEnded?: boolean
  readonly is: Partial<Http2RequestHead>
  readonly why: string
}[] = [
  {
    fields: base,
    is: {
      method: 'GET',
      path: '/a',
      query: '?b=c',
      host: 'a.test',
      authority: 'a.test',
      bodyLength: 0,
    },
    why: 'the plain request',
  },
  { fields: base, hasEnded: false, is: { bodyLength: undefined }, why: 'a body without a length' },
  {
    fields: changed({}, ['content-length', '5']),
    hasEnded: false,
    is: { bodyLength: 5, fields: 'content-length: 5\r\n' },
    why: 'a body with one',
  },
  {
    fields: changed({}, ['content-length', '0']),
    is: { bodyLength: 0 },
    why: 'a length of nothing',
  },
  {
    fields: changed({}, ['cookie', 'a=1'], ['accept', '*/*'], ['cookie', 'b=2']),
    is: { fields: 'accept: */*\r\ncookie: a=1; b=2\r\n' },
    why: 'RFC 9113 §8.2.3: crumbs are joined',
  },
  {
    fields: changed({ ':authority': undefined }, ['host', 'B.test:8080']),
    is: { host: 'b.test', authority: 'B.test:8080', fields: '' },
    why: 'RFC 9113 §8.3.1: Host takes the place of :authority',
  },
  {
    fields: changed({}, ['host', 'A.test']),
    is: { host: 'a.test', authority: 'a.test' },
    why: 'both, and they agree',
  },
  {
    fields: changed({}, ['te', 'trailers']),
    is: { acceptsTrailers: true, fields: '' },
    why: 'the one TE',
  },
  {
    fields: changed({ ':method': 'OPTIONS', ':path': '*' }),
    is: { path: '*' },
    why: 'RFC 9113 §8.3.1: OPTIONS about the server',
  },
  {
    fields: changed({}, ['x-forwarded-for', '1.1.1.1'], ['x-forwarded-for', '2.2.2.2']),
    is: { forwardedFor: '1.1.1.1, 2.2.2.2', fields: '' },
    why: 'what a proxy says is taken out, as in HTTP/1.1',
  },
  { fields: changed({}, ['x-empty', '']), is: { fields: 'x-empty: \r\n' }, why: 'an empty value' },
  {
    fields: changed({}, ['x', '\xe9\xff']),
    is: { fields: 'x: \xe9\xff\r\n' },
    why: 'bytes are kept',
  },
  {
    fields: changed({}, ['expect', '100-continue']),
    hasEnded: false,
    is: { expectsContinue: true, fields: '' },
    why: 'written anew upstream',
  },
  {
    fields: changed({}, ['expect', '100-continue']),
    is: { expectsContinue: false },
    why: 'there is no body to wait for',
  },
  {
    fields: changed(
      { ':method': 'CONNECT', ':protocol': 'websocket' },
      ['sec-websocket-key', 'x'],
      ['sec-websocket-version', '13'],
    ),
    hasEnded: false,
    is: {
      method: 'GET',
      upgrade: 'websocket',
      bodyLength: 0,
      fields: 'sec-websocket-version: 13\r\n',
    },
    why: 'RFC 8441: a handshake; the key is made anew',
  },
  { fields: changed({ ':path': '/a/../b%2e' }), is: { path: '/b.' }, why: 'one spelling' },
]

for (const { fields, hasEnded, is, why } of good) t.match(read(fields, hasEnded), is, why)

const malformed: readonly {
  readonly fields: readonly Field[]
  readonly hasEnded?: boolean
  readonly why: string
}[] = [
  { fields: changed({ ':method': undefined }), why: 'no method' },
  { fields: changed({ ':scheme': undefined }), why: 'no scheme' },
  { fields: changed({ ':path': undefined }), why: 'no path' },
  { fields: changed({ ':authority': undefined }), why: 'no host at all' },
  { fields: changed({ ':authority': '' }), why: 'an empty one' },
  { fields: changed({ ':path': '' }), why: 'an empty path' },
  { fields: changed({ ':path': 'a' }), why: 'a path without its slash' },
  { fields: changed({ ':path': '*' }), why: 'a star that is no OPTIONS' },
  { fields: changed({ ':path': 'http://b.test/' }), why: 'an absolute form where a path belongs' },
  { fields: changed({ ':path': '/ HTTP/1.1\r\nX: y' }), why: 'a request line in the path' },
  { fields: changed({ ':path': '/a b' }), why: 'a space in the path' },
  { fields: changed({ ':path': '/\0' }), why: 'NUL in the path' },
  { fields: changed({ ':method': 'GET / HTTP/1.1' }), why: 'a request line in the method' },
  { fields: changed({ ':method': '' }), why: 'an empty method' },
  { fields: changed({ ':scheme': 'ftp' }), why: 'another scheme' },
  { fields: changed({ ':scheme': 'http://b.test/x?' }), why: 'a URL in the scheme' },
  { fields: changed({ ':authority': 'u@a.test' }), why: 'RFC 9113 §8.3.1: no user' },
  { fields: changed({ ':authority': 'a.test/x' }), why: 'a path in the authority' },
  { fields: changed({ ':authority': 'a.test\r\nX: y' }), why: 'a line end in the authority' },
  { fields: changed({}, [':path', '/b']), why: 'a pseudo field twice' },
  { fields: [['x', 'y'], ...base], why: 'a pseudo field behind another one' },
  { fields: changed({ ':status': '200' }), why: 'one of responses' },
  { fields: changed({ ':unknown': '1' }), why: 'one that nobody knows' },
  { fields: changed({ ':protocol': 'websocket' }), why: 'a protocol without CONNECT' },
  {
    fields: changed({ ':method': 'CONNECT', ':protocol': 'websocket' }),
    why: 'a handshake that ends at once',
  },
  {
    fields: changed({ ':method': 'CONNECT', ':protocol': 'websocket' }, ['content-length', '0']),
    hasEnded: false,
    why: 'a handshake with a length',
  },
  { fields: changed({}, ['host', 'b.test']), why: 'two hosts' },
  { fields: changed({}, ['host', 'a.test'], ['host', 'a.test']), why: 'Host twice' },
  { fields: changed({}, ['host', '']), why: 'an empty Host beside the authority' },
  { fields: changed({}, ['connection', 'close']), why: 'RFC 9113 §8.2.2' },
  { fields: changed({}, ['keep-alive', 'timeout=1']), why: 'RFC 9113 §8.2.2' },
  { fields: changed({}, ['proxy-connection', 'close']), why: 'RFC 9113 §8.2.2' },
  {
    fields: changed({}, ['transfer-encoding', 'chunked']),
    why: 'RFC 9113 §8.2.2: the way to a second request',
  },
  { fields: changed({}, ['upgrade', 'websocket']), why: 'RFC 9113 §8.2.2' },
  { fields: changed({}, ['te', 'gzip']), why: 'TE is for trailers only' },
  { fields: changed({}, ['te', 'trailers, gzip']), why: 'and for nothing beside' },
  { fields: changed({}, ['Accept', '*/*']), why: 'RFC 9113 §8.2.1: upper case' },
  { fields: changed({}, ['', 'x']), why: 'an empty name' },
  { fields: changed({}, ['a b', 'x']), why: 'a space in a name' },
  { fields: changed({}, ['a:', 'x']), why: 'a colon in a name' },
  { fields: changed({}, ['a\r\nb', 'x']), why: 'a line end in a name' },
  { fields: changed({}, ['a', 'x\r\nb: c']), why: 'a line end in a value' },
  { fields: changed({}, ['a', 'x\ny']), why: 'LF in a value' },
  { fields: changed({}, ['a', 'x\ry']), why: 'CR in a value' },
  { fields: changed({}, ['a', 'x\0y']), why: 'NUL in a value' },
  { fields: changed({}, ['a', ' x']), why: 'RFC 9113 §8.2.1: white space in front' },
  { fields: changed({}, ['a', 'x\t']), why: 'RFC 9113 §8.2.1: white space behind' },
  { fields: changed({}, ['cookie', 'a=1\r\nx: y']), why: 'a line end in a crumb' },
  {
    fields: changed({}, ['content-length', '1'], ['content-length', '1']),
    hasEnded: false,
    why: 'two lengths',
  },
  { fields: changed({}, ['content-length', '1, 1']), hasEnded: false, why: 'a list of lengths' },
  { fields: changed({}, ['content-length', '+1']), hasEnded: false, why: 'no decimal' },
  { fields: changed({}, ['content-length', '0x1']), hasEnded: false, why: 'no decimal' },
  { fields: changed({}, ['content-length', '5']), why: 'a length, and no body' },
  {
    fields: changed({}, ['content_length', '5']),
    hasEnded: false,
    why: 'what some read as a length',
  },
  { fields: changed({}, ['transfer_encoding', 'chunked']), why: 'what some read as a coding' },
]

for (const { fields, hasEnded, why } of malformed) {
  t.equal(read(fields, hasEnded), 'malformed-request', `malformed: ${why}`)
}

t.test('a path that is refused is no malformed request of HTTP/2', async (t) => {
  for (const [path, hasBadTarget] of [
    ['/a%', true],
    ['/a b', false],
  ] as const) {
    const head = new Http2RequestHead()
    const list = changed({ ':path': path }).flat()
    t.equal(readRequest(list, true, limits, head), 'malformed-request')
    t.equal(head.hasBadTarget, hasBadTarget)
  }
})

const others: readonly {
  readonly fields: readonly Field[]
  readonly is: FailureCode
  readonly why: string
}[] = [
  { fields: changed({ ':method': 'TRACE' }), is: 'method-refused', why: 'shows fields to scripts' },
  {
    fields: [
      [':method', 'CONNECT'],
      [':authority', 'a.test:443'],
    ],
    is: 'method-refused',
    why: 'RFC 9113 §8.5: Weir is no forward proxy',
  },
  {
    fields: changed({ ':method': 'CONNECT', ':protocol': 'connect-udp' }),
    is: 'method-refused',
    why: 'only WebSockets',
  },
  { fields: changed({}, ['expect', 'x']), is: 'expectation-failed', why: 'RFC 9110 §10.1.1' },
  {
    fields: changed({ ':path': `/${'x'.repeat(200)}` }),
    is: 'target-too-long',
    why: 'as a request line',
  },
  { fields: changed({}, ['x', 'y'.repeat(300)]), is: 'head-too-large', why: 'as a line' },
  {
    fields: changed({}, ...Array.from({ length: 21 }, (): Field => ['x', ''])),
    is: 'head-too-large',
    why: 'too many fields',
  },
  {
    fields: changed({}, ...Array.from({ length: 60 }, (): Field => ['x', ''])),
    is: 'head-too-large',
    why: 'RFC 9113 §6.5.2 counts 32 for each',
  },
]

for (const { fields, is, why } of others) t.equal(read(fields), is, why)

t.test('a head is read the same whatever the object held before', async (t) => {
  const head = new Http2RequestHead()
  for (const { fields, hasEnded = true } of [...good, ...malformed, ...good]) {
    const failure = readRequest(fields.flat(), hasEnded, limits, head)
    const fresh = new Http2RequestHead()
    t.equal(readRequest(fields.flat(), hasEnded, limits, fresh), failure)
    if (failure === undefined) t.same({ ...head }, { ...fresh })
  }
})

// The invariant, told naively: lines and line ends of what goes upstream are those that were meant, one for each field.
const odd = fc.constantFrom(
  '\r',
  '\n',
  '\0',
  ':',
  ' ',
  '\t',
  'A',
  'a',
  '-',
  '/',
  '1',
  '\xff',
  '\x7f',
)
const text = fc.string({ unit: odd, maxLength: 6 })
const name = fc.oneof(
  text,
  fc.constantFrom(
    'host',
    'x',
    'cookie',
    'te',
    'content-length',
    'connection',
    ':path',
    ':method',
    ':authority',
  ),
)

t.test('whatever comes, what is accepted is one head of HTTP/1.1', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, text), { maxLength: 5 }),
      text,
      fc.boolean(),
      (more, path, hasEnded) => {
        const result = read([...changed({ ':path': `/${path}` }), ...more], hasEnded)
        if (typeof result === 'string') return true
        const { method, path: target, query, authority, fields } = result
        const lines = fields.split('\r\n')
        return (
          lines.pop() === '' &&
          lines.every((line) =>
            /^[!#$%&'*+\-.^_`|~0-9a-z]+: ?[\t\x20-\x7e\x80-\xff]*$/.test(line),
          ) &&
          lines.length <= more.length &&
          lines.every((line) => !/^(?:host|connection|transfer-encoding|upgrade|te):/.test(line)) &&
          lines.filter((line) => line.startsWith('content-length:')).length <= 1 &&
          /^[A-Za-z]+$/.test(method) &&
          /^[\x21-\x7e\x80-\xff]+$/.test(target + query + authority)
        )
      },
    ),
    { numRuns: 3000 },
  )
  t.pass('held')
})
