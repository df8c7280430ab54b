import t from 'tap'
import { Http2ResponseHead, readResponseHead, readTrailers } from './response-head.ts'

const limits = { maxLineBytes: 64, maxHeadBytes: 256, maxFields: 6 }
const ok = [':status', '200']

const cases: {
  list: string[]
  method?: string
  isEnd?: boolean
  is: false | { status?: number; fields?: string; bodyLength?: number | undefined }
  why: string
}[] = [
  { list: ok, is: { status: 200, fields: '', bodyLength: undefined }, why: 'nothing but a status' },
  {
    list: ok,
    isEnd: true,
    is: { fields: 'content-length: 0\r\n', bodyLength: 0 },
    why: 'HTTP/1.1 needs to be told that there is no body',
  },
  {
    list: [...ok, 'content-length', '5', 'x-a', 'b'],
    is: { fields: 'x-a: b\r\ncontent-length: 5\r\n', bodyLength: 5 },
    why: 'a length',
  },
  {
    list: [...ok, 'set-cookie', 'a=1', 'set-cookie', 'b=2'],
    is: { fields: 'set-cookie: a=1\r\nset-cookie: b=2\r\n' },
    why: 'what comes twice goes twice',
  },
  {
    list: [...ok, 'content-length', '5'],
    method: 'HEAD',
    isEnd: true,
    is: { fields: 'content-length: 5\r\n', bodyLength: 0 },
    why: 'the length that GET would have',
  },
  { list: ok, method: 'HEAD', isEnd: true, is: { fields: '', bodyLength: 0 }, why: 'none known' },
  {
    list: [':status', '204', 'content-length', '0'],
    isEnd: true,
    is: { fields: '', bodyLength: 0 },
    why: 'RFC 9110 §8.6: a 204 has no length',
  },
  {
    list: [':status', '304', 'content-length', '9'],
    isEnd: true,
    is: { fields: 'content-length: 9\r\n', bodyLength: 0 },
    why: 'a 304 may tell that of the 200',
  },
  { list: [':status', '103', 'link', '<a>'], is: { status: 103, bodyLength: 0 }, why: 'interim' },
  { list: [':status', '103'], isEnd: true, is: false, why: 'an interim head is never the last' },
  {
    list: [...ok, 'trailer', 'x', 'te', 'trailers'],
    is: { fields: '' },
    why: 'fields of this hop',
  },
  { list: [...ok, 'x', ''], is: { fields: 'x: \r\n' }, why: 'an empty value' },
  { list: [...ok, 'x', 'a\tb'], is: { fields: 'x: a\tb\r\n' }, why: 'a tab within' },
  { list: [...ok, 'x', '\xff'], is: { fields: 'x: \xff\r\n' }, why: 'obs-text' },
  { list: [], is: false, why: 'nothing' },
  { list: ['x', 'y'], is: false, why: 'no status' },
  { list: ['x', 'y', ...ok], is: false, why: 'RFC 9113 §8.3: pseudo-header fields come first' },
  { list: [...ok, ...ok], is: false, why: 'two statuses' },
  { list: [':status', '99'], is: false, why: 'no three digits' },
  { list: [':status', '1000'], is: false, why: 'four digits' },
  { list: [':status', '+20'], is: false, why: 'no number' },
  { list: [':status', '101'], is: false, why: 'RFC 9113 §8.6: nothing is switched' },
  { list: [...ok, ':path', '/'], is: false, why: 'a pseudo-header field of requests' },
  { list: [...ok, ':x', 'y'], is: false, why: 'one that does not exist' },
  { list: [...ok, 'X-A', 'b'], is: false, why: 'RFC 9113 §8.2: upper case' },
  { list: [...ok, 'x a', 'b'], is: false, why: 'a space in a name' },
  { list: [...ok, '', 'b'], is: false, why: 'no name' },
  { list: [...ok, 'x', 'a\r\nb: c'], is: false, why: 'a line in a value' },
  { list: [...ok, 'x', 'a\nb'], is: false, why: 'a bare LF' },
  { list: [...ok, 'x', 'a\rb'], is: false, why: 'a bare CR' },
  { list: [...ok, 'x', 'a\0b'], is: false, why: 'NUL' },
  { list: [...ok, 'x', ' a'], is: false, why: 'RFC 9113 §8.2.1: a space in front' },
  { list: [...ok, 'x', 'a\t'], is: false, why: 'white space behind' },
  { list: [...ok, 'connection', 'close'], is: false, why: 'RFC 9113 §8.2.2' },
  { list: [...ok, 'transfer-encoding', 'chunked'], is: false, why: 'RFC 9113 §8.2.2' },
  { list: [...ok, 'keep-alive', 'timeout=5'], is: false, why: 'RFC 9113 §8.2.2' },
  { list: [...ok, 'proxy-connection', 'close'], is: false, why: 'RFC 9113 §8.2.2' },
  { list: [...ok, 'upgrade', 'h2c'], is: false, why: 'RFC 9113 §8.2.2' },
  { list: [...ok, 'content-length', '1', 'content-length', '1'], is: false, why: 'two lengths' },
  { list: [...ok, 'content-length', '1,1'], is: false, why: 'a list of lengths' },
  { list: [...ok, 'content-length', '0x1'], is: false, why: 'no decimal' },
  { list: [...ok, 'content-length', '-1'], is: false, why: 'below 0' },
  { list: [...ok, 'content-length', '1'], isEnd: true, is: false, why: 'no byte of it comes' },
  { list: [...ok, 'x', 'a'.repeat(60)], is: false, why: 'a field that is too long' },
  { list: [...ok, ...Array(14).fill('a')], is: false, why: 'too many fields' },
  {
    list: [...ok, ...['a', 'b', 'c', 'd', 'e'].flatMap((name) => [name, 'x'.repeat(59)])],
    is: false,
    why: 'all of them are too long',
  },
]

for (const { list, method = 'GET', isEnd = false, is, why } of cases) {
  t.test(`${JSON.stringify(list).slice(0, 80)}: ${why}`, async (t) => {
    const head = new Http2ResponseHead()
    t.equal(readResponseHead(list, method, isEnd, limits, head), is !== false)
    if (is === false) return
    for (const [name, value] of Object.entries(is)) {
      t.equal(head[name as keyof Http2ResponseHead], value, name)
    }
  })
}

t.test('what a head says about Weir’s own fields, and the reason that HTTP/1.1 gets', async (t) => {
  const head = new Http2ResponseHead()
  readResponseHead([':status', '404', 'date', 'x', 'server', 'y'], 'GET', false, limits, head)
  t.match(head, { hasDate: true, hasServer: true, reason: 'Not Found', upgrade: '' })
  readResponseHead([':status', '299'], 'GET', false, limits, head)
  t.match(head, { hasDate: false, hasServer: false, reason: '' })
})

const trailers: { list: string[]; is: string | undefined; why: string }[] = [
  { list: [], is: '', why: 'none' },
  { list: ['grpc-status', '0'], is: 'grpc-status: 0\r\n', why: 'a status' },
  { list: ['my_meta-bin', 'YQ'], is: 'my_meta-bin: YQ\r\n', why: 'metadata of gRPC' },
  { list: ['content-type', 'x', 'x-a', 'b'], is: 'x-a: b\r\n', why: 'RFC 9110 §6.5.1' },
  { list: ['content_length', '1'], is: '', why: 'what some read as one of those' },
  { list: ['transfer-encoding', 'chunked'], is: undefined, why: 'malformed here, too' },
  { list: [':status', '200'], is: undefined, why: 'RFC 9113 §8.1: no pseudo-header fields' },
  { list: ['x', 'a\r\nb'], is: undefined, why: 'a line in a value' },
  { list: Array(14).fill('a'), is: undefined, why: 'too many' },
]
for (const { list, is, why } of trailers) {
  t.equal(readTrailers(list, limits), is, `trailers ${JSON.stringify(list)}: ${why}`)
}
