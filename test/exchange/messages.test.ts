// What of a message passes, byte for byte, and what stays on its hop? Fields both ways, trailers, interim responses, Expect.
import t from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { fieldsOf } from '../support/raw-client.ts'
import { okResponse } from '../support/upstream.ts'
import { get, head, response, startPair } from './pair.ts'

// ── fields ──────────────────────────────────────────────────────────────────────────────────────

/** The head that an upstream received, without the lines that Weir writes about the client. */
function ownLinesDropped(text: string): string {
  const facts = /^(?:X-Forwarded-(?:For|Proto|Host|Port)|X-Real-IP|X-Request-Id|CDN-Loop): .*\r\n/gm
  return text.replace(facts, '')
}

const requests = [
  {
    sent: ['Accept: */*', 'x-CuStOm:  two  blanks ', 'Cookie: a=1', 'Cookie: b=2', 'Empty:'],
    arrives: ['Accept: */*', 'x-CuStOm:  two  blanks ', 'Cookie: a=1', 'Cookie: b=2', 'Empty:'],
    why: 'order, case, blanks and repeated lines stay',
  },
  {
    sent: ['X-Name: caf\xe9 \xff\x80\xa0', 'X-Tab: a\tb'],
    arrives: ['X-Name: caf\xe9 \xff\x80\xa0', 'X-Tab: a\tb'],
    why: 'bytes above 0x7F stay',
  },
  {
    sent: [
      'Connection: keep-alive, X-Hop, x-other',
      'X-Hop: 1',
      'X-HOP: 2',
      'X-Other: 3',
      'X-Stays: 4',
    ],
    arrives: ['X-Stays: 4'],
    why: 'what Connection lists belongs to this hop',
  },
  {
    sent: ['Connection: X-Hop', 'X-Hop: 1', 'Connection: X-Other', 'X-Other: 2', 'X-Stays: 3'],
    arrives: ['X-Stays: 3'],
    why: 'over several lines',
  },
  {
    sent: [
      'Keep-Alive: timeout=5',
      'Proxy-Connection: keep-alive',
      'Proxy-Authorization: Basic x',
      'TE: gzip',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
      'Authorization: Bearer y',
    ],
    arrives: ['Authorization: Bearer y'],
    why: 'fields of this hop need not be listed',
  },
  {
    sent: ['Connection: TE', 'TE: gzip, trailers'],
    arrives: ['Connection: TE', 'TE: trailers'],
    why: 'of TE only trailers passes, as a field of the next hop',
  },
  {
    sent: ['Connection: Host, Content-Length, Cookie', 'Cookie: a=1'],
    arrives: [],
    why: 'Connection cannot name away what routing and framing rest on',
  },
]

for (const { sent, arrives, why } of requests) {
  t.test(`request fields: ${why}`, async (t) => {
    const { upstream, connect } = await startPair(t)
    const client = await connect()
    t.equal((await client.request(head('GET /x?y=%20 HTTP/1.1', ...sent))).status, 200)
    t.equal(ownLinesDropped(upstream.text), head('GET /x?y=%20 HTTP/1.1', ...arrives))
  })
}

const responses = [
  {
    sent: ['Set-Cookie: a=1; Path=/', 'Vary: a', 'Set-Cookie: b=2', 'set-cookie: a=3', 'Date: now'],
    arrives: [
      'Set-Cookie: a=1; Path=/',
      'Vary: a',
      'Set-Cookie: b=2',
      'set-cookie: a=3',
      'Date: now',
    ],
    why: 'each Set-Cookie is kept, in order and case',
  },
  {
    sent: ['X-Name: caf\xe9 \xff\x80', 'Server: theirs'],
    arrives: ['X-Name: caf\xe9 \xff\x80', 'Server: theirs'],
    why: 'bytes above 0x7F and their Server stay',
  },
  {
    sent: ['Connection: X-Hop', 'X-Hop: 1', 'x-hop: 2', 'X-Stays: 3'],
    arrives: ['X-Stays: 3'],
    why: 'what Connection lists belongs to the other hop',
  },
  {
    sent: ['Keep-Alive: timeout=5', 'Proxy-Connection: close', 'Upgrade: h2c', 'Trailer: X-T'],
    arrives: [],
    why: 'fields of the other hop need not be listed',
  },
]

for (const { sent, arrives, why } of responses) {
  t.test(`response fields: ${why}`, async (t) => {
    const answer = response('200 Fine by \xe9', 'ok', ...sent)
    const { connect } = await startPair(t, { script: { onRequest: () => answer } })
    const client = await connect()
    await client.request(get)
    const own = /^(?:Date: \w{3}, .*|Server: weir)\r\n/gm
    t.equal(client.text.replace(own, ''), response('200 Fine by \xe9', 'ok', ...arrives))
    t.equal(client.text.match(/^Date: /gim)?.length, 1, 'there is one Date')
    t.equal(client.text.match(/^Server: /gim)?.length, 1, 'there is one Server')
  })
}

t.test('every byte of a body passes both ways', async (t) => {
  const bytes = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte))
  const script = { onRequest: () => response('200 OK', bytes) }
  const { upstream, connect } = await startPair(t, { script })
  const client = await connect()
  const got = await client.request(head('POST / HTTP/1.1', 'Content-Length: 256') + bytes)
  t.equal(got.body, bytes)
  t.equal(upstream.requests[0]?.body, bytes)
})

// ── trailers ────────────────────────────────────────────────────────────────────────────────────

const chunkedAnswer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n'
const trailers = [
  { fields: ['Connection: TE', 'TE: trailers'], got: [['X-Sum', '42']], why: 'it accepts them' },
  { fields: ['TE: gzip;q=0.5, trailers'], got: [['X-Sum', '42']], why: 'it accepts them' },
  { fields: [], got: [], why: 'it did not say so' },
  { fields: ['TE: gzip'], got: [], why: 'it wants something else' },
]

for (const { fields, got, why } of trailers) {
  t.test(`response trailers for ${fields.join() || 'nobody'}: ${why}`, async (t) => {
    const answer = `${chunkedAnswer}2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n`
    const { connect } = await startPair(t, { script: { onRequest: () => answer } })
    const client = await connect()
    const message = await client.request(head('GET / HTTP/1.1', ...fields))
    t.equal(message.body, 'ok')
    t.same(message.trailers, got)
    t.equal((await client.request(get)).body, 'ok', 'the connection goes on')
  })
}

t.test('trailers that would change a message are dropped, both ways', async (t) => {
  const evil =
    'Content-Length: 5\r\nHost: evil.test\r\nTransfer-Encoding: x\r\nX-Forwarded-For: 6.6.6.6\r\n'
  const answer = `${chunkedAnswer}2\r\nok\r\n0\r\n${evil}X-Sum: 42\r\n\r\n`
  const { upstream, connect } = await startPair(t, { script: { onRequest: () => answer } })
  const client = await connect()
  const chunked = head('POST / HTTP/1.1', 'Transfer-Encoding: chunked', 'TE: trailers')
  client.send(`${chunked}2\r\nok\r\n0\r\n${evil}X-Fine: 1\r\n\r\n`)
  const got = await client.response()
  const dangerous = ['content-length', 'host', 'transfer-encoding', 'x-forwarded-for']
  const names = (fields: readonly (readonly [string, string])[]) =>
    fields.map(([name]) => name.toLowerCase()).filter((name) => dangerous.includes(name))
  t.same(names(got.trailers), [])
  t.same(names(upstream.requests[0]?.trailers ?? []), [])
  t.equal(upstream.requests[0]?.body, 'ok')
})

// ── interim responses and Expect ────────────────────────────────────────────────────────────────

const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n'

t.test('interim responses pass in order, with their fields', async (t) => {
  const answer = `HTTP/1.1 102 Processing\r\n\r\n${hints}${okResponse}`
  const { upstream, connect } = await startPair(t, { script: { onRequest: () => answer } })
  const client = await connect()
  for (let request = 0; request < 2; request += 1) {
    t.equal((await client.request(get)).body, 'ok')
  }
  t.same(
    client.responses.map(({ status }) => status),
    [102, 103, 200, 102, 103, 200],
  )
  t.same(client.responses[1]?.fields, [['Link', '</a.css>; rel=preload']])
  t.equal(upstream.connectionCount, 1)
})

t.test('an interim response is passed on at once', async (t) => {
  const { upstream, connect } = await startPair(t, { script: { onRequest: () => hints } })
  const client = await connect()
  client.send(get)
  await client.interim(103)
  upstream.connections[0]?.send(okResponse)
  t.equal((await client.response()).body, 'ok')
})

t.test('HTTP/1.0 clients see no interim response', async (t) => {
  const script = { onRequest: () => `HTTP/1.1 100 Continue\r\n\r\n${hints}${okResponse}` }
  const { connect } = await startPair(t, { script })
  const client = await connect()
  await client.request(head('GET / HTTP/1.0', 'Expect: 100-continue'))
  t.same(
    client.responses.map(({ status }) => status),
    [200],
  )
})

t.test('a 100 that nobody asked for is not passed on', async (t) => {
  const script = { onRequest: () => `HTTP/1.1 100 Continue\r\n\r\n${okResponse}` }
  const { connect } = await startPair(t, { script })
  const client = await connect()
  await client.request(`${head('POST / HTTP/1.1', 'Content-Length: 2')}ok`)
  t.same(
    client.responses.map(({ status }) => status),
    [200],
  )
})

const waiting = head('POST / HTTP/1.1', 'Expect: 100-continue', 'Content-Length: 5')

t.test('a client that waits gets the 100 of its upstream', async (t) => {
  const { upstream, connect } = await startPair(t, {
    script: {
      onHead: (_, side) => side.send('HTTP/1.1 100 Continue\r\n\r\n'),
      onRequest: ({ body }) => response('200 OK', body),
    },
  })
  const client = await connect()
  client.send(waiting)
  await client.interim(100)
  client.send('hello')
  t.equal((await client.response()).body, 'hello')
  t.same(fieldsOf(upstream.requests[0] ?? { fields: [] }, 'expect'), ['100-continue'])
  t.equal((await client.request(get)).status, 200, 'the connection goes on')
})

t.test('a client that waits for a silent upstream goes on after a second', async (t) => {
  const { upstream, clock, connect } = await startPair(t, {
    script: { onRequest: () => `HTTP/1.1 100 Continue\r\n\r\n${okResponse}` },
  })
  const client = await connect()
  client.send(waiting)
  await eventually('the head is upstream', () => upstream.requests.length === 1)
  clock.advance(900)
  t.equal(client.text, '', 'not before')
  clock.advance(300)
  await client.interim(100)
  client.send('hello')
  t.equal((await client.response()).body, 'ok')
  t.equal(client.responses.filter(({ status }) => status === 100).length, 1, 'one 100 is enough')
})

t.test('a client that does not wait for its 100 is served', async (t) => {
  const { upstream, connect } = await startPair(t)
  const client = await connect()
  t.equal((await client.request(`${waiting}hello`)).body, 'ok')
  t.equal(upstream.requests[0]?.body, 'hello')
})

t.test(
  'a final answer instead of a 100 reaches the client, whose body is not awaited',
  async (t) => {
    const { upstream, connect } = await startPair(t, {
      script: { onHead: (_, side) => side.send(response('401 Unauthorized', 'no')) },
    })
    const client = await connect()
    client.send(waiting)
    const got = await client.response()
    t.equal(got.status, 401)
    t.same(fieldsOf(got, 'connection'), ['close'], 'what follows could be body or request')
    t.equal(await client.whenEnded(), 'fin')
    await eventually('the upstream connection is closed', () => {
      return upstream.connections[0]?.ended !== 'open'
    })
  },
)

t.test('another expectation is refused', async (t) => {
  const { upstream, connect } = await startPair(t)
  const client = await connect()
  t.equal((await client.request(head('GET / HTTP/1.1', 'Expect: magic'))).status, 417)
  t.equal(upstream.requests.length, 0)
})
