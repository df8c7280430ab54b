import t from 'tap'
import type { OutgoingRequest } from '../http/stream.ts'
import { requestList } from './request-list.ts'

const usual: OutgoingRequest = {
  method: 'GET',
  target: '/a?b',
  authority: 'a.test:8080',
  fields: '',
  bodyLength: 0,
  upgrade: '',
  expectsContinue: false,
  acceptsTrailers: false,
  isLast: false,
}

const cases: { given: Partial<OutgoingRequest>; is: string[]; why: string }[] = [
  { given: {}, is: [], why: 'nothing' },
  { given: { fields: 'X-A: b\r\n' }, is: ['x-a', 'b'], why: 'names are lower case' },
  { given: { fields: 'x:\t a b \r\n' }, is: ['x', 'a b'], why: 'no white space around values' },
  { given: { fields: 'x:\r\n' }, is: ['x', ''], why: 'an empty value' },
  { given: { fields: 'x: a:b\r\n' }, is: ['x', 'a:b'], why: 'a colon in a value' },
  { given: { fields: 'a: 1\r\nA: 2\r\n' }, is: ['a', '1', 'a', '2'], why: 'twice is twice' },
  {
    given: { fields: 'Content-Length: 5\r\n', bodyLength: 5 },
    is: ['content-length', '5'],
    why: 'the length',
  },
  {
    given: {
      fields:
        'Connection: x\r\nHost: b\r\nKeep-Alive: 1\r\nTE: gzip\r\nTransfer-Encoding: chunked\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\nProxy-Connection: x\r\nExpect: 100-continue\r\n',
    },
    is: [],
    why: 'RFC 9113 §8.2.2, whoever asked for them',
  },
  { given: { acceptsTrailers: true }, is: ['te', 'trailers'], why: 'trailers' },
  { given: { expectsContinue: true }, is: ['expect', '100-continue'], why: '100-continue' },
  { given: { upgrade: 'websocket', isLast: true }, is: [], why: 'what only HTTP/1.1 has' },
]

for (const { given, is, why } of cases) {
  const list = requestList({ ...usual, ...given }, 'http')
  t.same(list.slice(0, 8), [
    ...[':method', 'GET', ':scheme', 'http'],
    ...[':authority', 'a.test:8080', ':path', '/a?b'],
  ])
  const own = ['cdn-loop', 'weir']
  const at = list.indexOf('cdn-loop')
  t.same(list.slice(at, at + 2), own)
  t.same([...list.slice(8, at), ...list.slice(at + 2)], is, why)
}
