// What do clients get of upstreams that write HTTP carelessly? Over real sockets: what nginx, HAProxy and Caddy all serve is
// served, written strictly; what is doubtful is a 502 and its connection is closed. docs/http.md lists the rules.
import t from 'tap'
import { startPair } from './exchange/pair.ts'
import { fieldsOf } from './support/raw-client.ts'
import type { UpstreamSide } from './support/upstream.ts'

const ok = 'HTTP/1.1 200 OK'
const length = 'Content-Length: 5'
const chunked = 'Transfer-Encoding: chunked'
const head = (...lines: readonly string[]) => [...lines, '', ''].join('\r\n')

interface Case {
  readonly method?: 'HEAD'
  readonly sends: string
  /** Status line that the client gets. */
  readonly line?: string
  readonly body?: string
  /** Value of X-A that the client gets. */
  readonly field?: string
  /** False: the upstream's connection is not used again. */
  readonly isKept?: false
  readonly why: string
}

const served: readonly Case[] = [
  { sends: `${ok}\n${length}\n\nhello`, why: 'bare LF line ends' },
  { sends: `${ok}\r\n${length}\r\n\nhello`, why: 'in the empty line only' },
  { sends: `${ok}\n${chunked}\n\n5\r\nhello\r\n0\r\n\r\n`, why: 'in front of chunks' },
  {
    sends: `${ok}\nContent-Length: 9\n\n\r\n\r\nhello`,
    body: '\r\n\r\nhello',
    why: 'CRLF CRLF is body',
  },
  {
    sends: `HTTP/1.1 103 Early Hints\nLink: </a>\n\n${ok}\n${length}\n\nhello`,
    why: 'in an interim response',
  },
  { sends: `${head('HTTP/1.1 200', length)}hello`, line: 'HTTP/1.1 200 ', why: 'no reason' },
  {
    sends: `${head('HTTP/1.1 200 O\x01K', length)}hello`,
    line: 'HTTP/1.1 200 O K',
    why: 'odd bytes',
  },
  { sends: `${head('HTTP/1.2 200 OK', length)}hello`, why: 'a minor version to come' },
  {
    sends: `${head('HTTP/1.1 999 No', length)}hello`,
    line: 'HTTP/1.1 999 No',
    why: 'an odd status',
  },
  { sends: `${head(ok, 'X-A: a\x1b[1m\x7f', length)}hello`, field: 'a [1m', why: 'control bytes' },
  { sends: `${head(ok, 'X-A: caf\xe9', length)}hello`, field: 'caf\xe9', why: 'bytes above 0x7f' },
  { sends: `${head(ok, length, length)}hello`, why: 'one length twice' },
  { sends: `${head(ok, 'Content-Length: 00000000000000000005')}hello`, why: 'zeros in front' },
  { sends: `${head(ok, chunked)}5 \r\nhello\r\n0\n\r\n`, why: 'loose size lines' },
  {
    sends: `${head(ok, chunked)}5;a="\r\nhello\r\n0\r\nX[]: 1\r\n\r\n`,
    why: 'odd extension, odd trailer',
  },
  {
    method: 'HEAD',
    sends: head(ok, length, chunked),
    body: '',
    isKept: false,
    why: 'both framings, but the answer to HEAD ends with its head',
  },
  {
    sends: head('HTTP/1.1 204 No Content', length, chunked),
    line: 'HTTP/1.1 204 No Content',
    body: '',
    isKept: false,
    why: 'so does a 204',
  },
]

for (const { method = 'GET', sends, line = ok, body = 'hello', field, isKept, why } of served) {
  for (const isWhole of [true, false]) {
    const how = isWhole ? 'whole' : 'byte by byte'
    t.test(`${method} ← ${JSON.stringify(sends)} (${how}) is served: ${why}`, async (t) => {
      const pair = await startPair(t, {
        script: { onRequest: (_request, side) => void sendCut(side, sends, isWhole) },
      })
      const client = await pair.connect()
      const request = `${method} / HTTP/1.1\r\nHost: a.test\r\n\r\n`
      // The client's reader is strict: a head or chunk that is not would fail here.
      const first = await client.request(request)
      t.ok(client.text.includes(`${line}\r\n`), client.text)
      t.equal(first.body, body)
      if (field !== undefined) t.same(fieldsOf(first, 'x-a'), [field])
      await client.request(request)
      t.equal(pair.upstream.connectionCount, isKept === false ? 2 : 1)
    })
  }
}

async function sendCut(side: UpstreamSide, text: string, isWhole: boolean): Promise<void> {
  for (const part of isWhole ? [text] : text) {
    side.send(part)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const doubtful = [
  { sends: `${head(ok, length, chunked)}5\r\nhello\r\n0\r\n\r\n`, why: 'two framings' },
  { sends: `${head(ok, length, 'Content-Length: 6')}hello!`, why: 'two lengths' },
  {
    sends: `${head('HTTP/1.0 200 OK', chunked)}5\r\nhello\r\n0\r\n\r\n`,
    why: 'chunks in HTTP/1.0',
  },
  { sends: `${head(ok, 'Content-Length: +5')}hello`, why: 'a sign' },
  { sends: `${ok}\r${length}\r\rhello`, why: 'bare CR' },
  { sends: `\n${ok}\n${length}\n\nhello`, why: 'an empty line in front' },
]

for (const { sends, why } of doubtful) {
  t.test(`${JSON.stringify(sends)} is a 502: ${why}`, async (t) => {
    const pair = await startPair(t, { script: { onRequest: () => sends } })
    const client = await pair.connect()
    for (const connections of [1, 2]) {
      const { status, body } = await client.request('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
      t.match(`${status} ${body}`, '502 502 upstream-malformed')
      t.equal(pair.upstream.connectionCount, connections, 'its connection is not used again')
    }
  })
}

t.test('a chunk that is doubtful cuts the response', async (t) => {
  const sends = `${head(ok, chunked)}5\r\nhello\n0\r\n\r\n`
  const pair = await startPair(t, { script: { onRequest: () => sends } })
  const client = await pair.connect()
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await client.whenEnded()
  t.match(client.responses, [{ status: 200, body: 'hello', complete: false }])
})
