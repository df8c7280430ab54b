import t from 'tap'
import { caseFile } from './case-file.ts'
import { bytesOf, clientParts, cut, readCases, segmentations } from './cases.ts'
import { readStrictly, StrictReader } from './strict.ts'

const rows = [
  { text: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', found: ['GET /'], error: false, why: 'plain' },
  {
    text: '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    found: ['GET /'],
    error: false,
    why: 'empty line before',
  },
  { text: 'GET / HTTP/1.1\r\n\r\n', found: [], error: true, why: 'no Host' },
  { text: 'GET / HTTP/1.1\nHost: a\n\n', found: [], error: true, why: 'bare LF' },
  { text: 'GET / HTTP/1.1\r\nHost: a\r\n\rX: 1\r\n\r\n', found: [], error: true, why: 'bare CR' },
  {
    text: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    found: [],
    error: true,
    why: 'both framings',
  },
  {
    text: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na\nbGET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
    found: ['POST /', 'GET /2'],
    error: false,
    why: 'a body may hold anything',
  },
  {
    text: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a="b;c"\r\nx\r\n0\r\nT: 1\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
    found: ['POST /', 'GET /2'],
    error: false,
    why: 'extension and trailer',
  },
  {
    text: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n',
    found: ['POST /'],
    error: true,
    why: 'a chunk line ends in CR LF',
  },
]

for (const { text, found, error, why } of rows) {
  t.test(`the strict reader on ${why}`, async (t) => {
    const reader = readStrictly('request', text)
    t.same(
      reader.messages.map(({ method, target }) => `${method} ${target}`),
      found,
    )
    t.equal(reader.error !== undefined, error)
  })
}

t.test('a response ends where its request says: none after HEAD', async (t) => {
  const reader = new StrictReader('response')
  reader.requestMethods.push('HEAD', 'GET')
  reader.push('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 No\r\n\r\n')
  t.same(
    reader.messages.map(({ status, complete }) => [status, complete]),
    [
      [200, true],
      [204, true],
    ],
  )
})

t.test('however the bytes are cut, they are the same and are read the same', async (t) => {
  for (const hostile of readCases(caseFile)) {
    const text = bytesOf(clientParts(hostile))
    if (text.length > 20_000) continue
    const whole = readStrictly('request', text)
    for (const segmentation of segmentations) {
      const pieces = cut(text, segmentation)
      t.equal(pieces.join(''), text, hostile.id)
      const reader = new StrictReader('request')
      for (const piece of pieces) reader.push(piece)
      t.equal(reader.error === undefined, whole.error === undefined, hostile.id)
      t.same(reader.messages, whole.messages, hostile.id)
    }
  }
})
