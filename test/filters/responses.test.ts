// Filters that change what clients get: CORS, compression, pages for errors, mirrored copies.
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { chooseCoding } from '../../shared/routing/filters/compress.ts'
import { filterKinds } from '../../shared/routing/filters/kinds.ts'
import { type FilterSketch, routeOf } from '../../shared/routing/testing/route.ts'
import { refOf } from '../../shared/routing/upstreams/backend-ref.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { get, head, response } from '../exchange/pair.ts'
import { startInProcess } from '../support/in-process.ts'
import { connectRaw, fieldsOf } from '../support/raw-client.ts'
import { type Script, startScripted } from '../support/upstream.ts'

/** A data plane whose route has these filters, before Services `web` and `side`. */
async function stage(
  t: Test,
  filters: readonly object[],
  { web, side }: { web?: Script; side?: Script } = {},
) {
  const upstream = await startScripted(web)
  const other = await startScripted(side)
  const sketches = filters.map((filter) => ({
    ...filterKinds.get((filter as FilterSketch).kind)?.defaults,
    ...(filter as FilterSketch),
  }))
  const dataPlane = await startInProcess({
    routes: [{ filters: sketches }, { host: 'gone.test', service: 'gone', filters: sketches }],
    endpoints: { web: [upstream], side: [other] },
  })
  const client = await connectRaw(dataPlane.port)
  t.teardown(async () => {
    client.close()
    await dataPlane.close()
    await upstream.close()
    await other.close()
  })
  return { dataPlane, upstream, other, client }
}

const side = refOf({ namespace: 'default', service: 'side', port: 80 })

t.test('the route builder names the side Service as the filters do', async (t) => {
  t.match(routeOf({ service: 'side' }).backend, { choices: [{ upstream: side.key }] })
})

// ── CORS ────────────────────────────────────────────────────────────────────────────────────────

const origins: {
  allowed: string[]
  origin: string
  is: string | undefined
  why: string
}[] = [
  { allowed: ['*'], origin: 'https://b.test', is: '*', why: 'everybody may read' },
  { allowed: ['https://b.test'], origin: 'https://b.test', is: 'https://b.test', why: 'by name' },
  { allowed: ['https://b.test'], origin: 'http://b.test', is: undefined, why: 'scheme counts' },
  { allowed: ['https://b.test'], origin: 'https://b.test:8443', is: undefined, why: 'so do ports' },
  {
    allowed: ['https://*.b.test'],
    origin: 'https://x.y.b.test',
    is: 'https://x.y.b.test',
    why: 'a wildcard stands for whole labels',
  },
  { allowed: ['https://*.b.test'], origin: 'https://b.test', is: undefined, why: 'at least one' },
  {
    allowed: ['https://*.b.test'],
    origin: 'https://evil.test/.b.test',
    is: undefined,
    why: 'and for nothing but labels',
  },
  { allowed: ['https://*.b.test'], origin: 'https://xb.test', is: undefined, why: 'not for parts' },
]

for (const { allowed, origin, is, why } of origins) {
  t.test(`[${allowed}] and a page of ${origin}: ${why}`, async (t) => {
    const { client } = await stage(t, [{ kind: 'cors', origins: allowed }])
    const answer = await client.request(head('GET / HTTP/1.1', `Origin: ${origin}`))
    t.equal(answer.status, 200, 'the request itself is served')
    t.equal(fieldsOf(answer, 'access-control-allow-origin')[0], is)
    t.same(fieldsOf(answer, 'vary'), is === '*' ? [] : ['Origin'])
  })
}

t.test('preflights are answered by Weir, failures can be read, too', async (t) => {
  const cors = { kind: 'cors', origins: ['https://b.test'], credentials: true, maxAgeSeconds: 60 }
  const { client, upstream } = await stage(t, [cors])
  const preflight = ['Origin: https://b.test', 'Access-Control-Request-Method: PUT']
  const asked = [...preflight, 'Access-Control-Request-Headers: x-a, x-b']
  const answer = await client.request(head('OPTIONS / HTTP/1.1', ...asked))
  t.equal(answer.status, 204)
  t.same(fieldsOf(answer, 'access-control-allow-headers'), ['x-a, x-b'])
  t.match(fieldsOf(answer, 'access-control-allow-methods')[0], /PUT/)
  t.same(fieldsOf(answer, 'access-control-allow-credentials'), ['true'])
  t.same(fieldsOf(answer, 'access-control-max-age'), ['60'])
  t.equal(upstream.requests.length, 0)
  const lost = get.replace('a.test', 'gone.test').replace('\r\n\r\n', `\r\n${preflight[0]}\r\n\r\n`)
  const failure = await client.request(lost)
  t.equal(failure.status, 503)
  t.same(fieldsOf(failure, 'access-control-allow-origin'), ['https://b.test'])
})

t.test('what upstream says about origins gives way to the filter', async (t) => {
  const { client } = await stage(t, [{ kind: 'cors', origins: ['https://b.test'] }], {
    web: { onRequest: () => response('200 OK', 'x', 'Access-Control-Allow-Origin: *') },
  })
  const answer = await client.request(head('GET / HTTP/1.1', 'Origin: https://b.test'))
  t.same(fieldsOf(answer, 'access-control-allow-origin'), ['https://b.test'])
})

// ── compression ─────────────────────────────────────────────────────────────────────────────────

const long = 'a text that repeats itself. '.repeat(200)
const decoders = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync }

for (const coding of ['gzip', 'br', 'zstd'] as const) {
  for (const framing of ['length', 'chunked'] as const) {
    t.test(`a body of framing ${framing} is sent as ${coding}`, async (t) => {
      const body =
        framing === 'length'
          ? response(
              '200 OK',
              long,
              'Content-Type: text/html; charset=utf-8',
              'ETag: "1"',
              'Content-Digest: sha-256=:YQ==:',
            )
          : `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: "1"\r\nTransfer-Encoding: chunked\r\n\r\n${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`
      const { client } = await stage(t, [{ kind: 'compress', codings: ['gzip', 'br', 'zstd'] }], {
        web: { onRequest: () => body },
      })
      const answer = await client.request(head('GET / HTTP/1.1', `Accept-Encoding: ${coding}`))
      t.same(fieldsOf(answer, 'content-encoding'), [coding])
      t.same(fieldsOf(answer, 'content-length'), [])
      t.same(fieldsOf(answer, 'vary'), ['Accept-Encoding'])
      t.same(fieldsOf(answer, 'etag'), ['W/"1"'])
      t.same(fieldsOf(answer, 'content-digest'), [], 'it is of other bytes')
      const bytes = Buffer.from(answer.body, 'latin1')
      t.ok(bytes.length < long.length / 4)
      t.equal(decoders[coding](bytes).toString(), long)
    })
  }
}

const untouched: {
  fields: string[]
  body?: string
  accept?: string
  line?: string
  why: string
}[] = [
  { fields: ['Content-Type: image/png'], why: 'a type that is coded by itself' },
  { fields: ['Content-Type: text/html', 'Content-Encoding: br'], why: 'never twice' },
  { fields: ['Content-Type: text/html', 'Cache-Control: no-transform'], why: 'it is forbidden' },
  { fields: ['Content-Type: text/html'], body: 'short', why: 'short' },
  { fields: ['Content-Type: text/html'], accept: 'identity', why: 'not accepted' },
  { fields: ['Content-Type: text/html'], accept: 'gzip;q=0', why: 'refused by weight' },
  { fields: ['Content-Type: text/html'], line: '206 Partial Content', why: 'bytes are counted' },
]

for (const { fields, body = long, accept = 'gzip', line = '200 OK', why } of untouched) {
  t.test(`a body is sent as it is: ${why}`, async (t) => {
    const { client } = await stage(t, [{ kind: 'compress', codings: ['gzip'] }], {
      web: { onRequest: () => response(line, body, ...fields) },
    })
    const answer = await client.request(head('GET / HTTP/1.1', `Accept-Encoding: ${accept}`))
    t.equal(answer.body, body)
  })
}

const html = 'Content-Type: text/html'

const codingsOfTwo: { accept: string; agent?: string; is: string | undefined; why: string }[] = [
  { accept: 'gzip, br', is: 'br', why: 'the first filter that fits' },
  { accept: 'gzip', is: 'gzip', why: 'the other one' },
  { accept: 'zstd', is: undefined, why: 'neither' },
  { accept: 'gzip', agent: 'Mozilla/4.0 (compatible; msie 6.0)', is: undefined, why: 'excepted' },
]

for (const { accept, agent = 'curl/8', is, why } of codingsOfTwo) {
  t.test(`two compressors, ${accept} of ${agent}: ${why}`, async (t) => {
    const all = { kind: 'compress', types: ['*/*'] }
    const filters = [
      { ...all, codings: ['br'], level: 0 },
      { ...all, codings: ['gzip'], exceptAgents: String.raw`MSIE [456]\.` },
    ]
    const { client } = await stage(t, filters, {
      web: { onRequest: () => response('200 OK', long, 'Content-Type: application/x-own') },
    })
    const asked = [`Accept-Encoding: ${accept}`, `User-Agent: ${agent}`]
    const answer = await client.request(head('GET / HTTP/1.1', ...asked))
    t.same(fieldsOf(answer, 'content-encoding'), is === undefined ? [] : [is])
    t.same(fieldsOf(answer, 'vary'), ['Accept-Encoding'], 'said once')
  })
}

const bodiless: {
  line: string
  fields: string[]
  method?: string
  varies: boolean
  why: string
}[] = [
  { line: '200 OK', method: 'HEAD', fields: [html], varies: true, why: 'a length is not told' },
  {
    line: '200 OK',
    method: 'HEAD',
    fields: [html, 'Content-Length: 4096'],
    varies: true,
    why: 'a GET would have been compressed',
  },
  {
    line: '200 OK',
    method: 'HEAD',
    fields: [html, 'Content-Length: 40'],
    varies: false,
    why: 'a GET would have been too short',
  },
  {
    line: '200 OK',
    method: 'HEAD',
    fields: ['Content-Type: image/png'],
    varies: false,
    why: 'a GET would have been sent as it is',
  },
  { line: '304 Not Modified', fields: [], varies: true, why: 'nobody knows its type' },
  {
    line: '304 Not Modified',
    fields: ['Content-Type: image/png'],
    varies: false,
    why: 'its type is told',
  },
]

for (const { line, method = 'GET', fields, varies, why } of bodiless) {
  t.test(`${method} ${line} [${fields}] tells caches as a GET does: ${why}`, async (t) => {
    const answer = `HTTP/1.1 ${line}\r\n${['ETag: "1"', ...fields].join('\r\n')}\r\n\r\n`
    const { client } = await stage(t, [{ kind: 'compress', codings: ['gzip'] }], {
      web: { onRequest: () => answer },
    })
    for (const _ of ['first', 'on the same connection']) {
      const got = await client.request(head(`${method} / HTTP/1.1`, 'Accept-Encoding: gzip'))
      t.same(fieldsOf(got, 'vary'), varies ? ['Accept-Encoding'] : [])
      t.same(fieldsOf(got, 'etag'), [varies ? 'W/"1"' : '"1"'])
      t.same(fieldsOf(got, 'content-encoding'), [])
      t.equal(got.body, '')
    }
  })
}

t.test('an event of a stream is not held back', async (t) => {
  const { client, upstream } = await stage(t, [{ kind: 'compress', codings: ['gzip'] }], {
    web: {
      onRequest: () =>
        'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nc\r\ndata: one\n\n\n\r\n',
    },
  })
  client.send(head('GET / HTTP/1.1', 'Accept-Encoding: gzip'))
  const body = () => client.text.split('\r\n\r\n')[1] ?? ''
  await eventually('the first event is there', () => body().length > 20)
  upstream.connections[0]?.send('0\r\n\r\n')
  const answer = await client.response()
  t.equal(gunzipSync(Buffer.from(answer.body, 'latin1')).toString(), 'data: one\n\n\n')
})

t.test('compressing a body that is cut is given up', async (t) => {
  const { client, upstream, dataPlane } = await stage(
    t,
    [{ kind: 'compress', codings: ['gzip'] }],
    {
      web: {
        onRequest: () =>
          'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\nfirst',
      },
    },
  )
  client.send(head('GET / HTTP/1.1', 'Accept-Encoding: gzip'))
  await client.head()
  await upstream.close()
  await eventually('it is logged', () => dataPlane.log().length === 1)
  t.match(dataPlane.log()[0], { status: 200, error: 'upstream-reset' })
})

const choices = [
  { accept: 'gzip, br', is: 'gzip', why: 'equal weights: our order' },
  { accept: 'gzip;q=0.5, br', is: 'br', why: 'the client’s weights come first' },
  { accept: '*', is: 'gzip', why: 'anything' },
  { accept: '*, gzip;q=0', is: 'br', why: 'anything else' },
  { accept: 'x-gzip', is: 'gzip', why: 'RFC 9110 §8.4.1.3' },
  { accept: 'identity, gzip;q=0.1', is: undefined, why: 'liked better as it is' },
  { accept: 'GZIP;Q=1.0', is: 'gzip', why: 'names have no case' },
  { accept: 'gzip;q=x', is: undefined, why: 'a weight that is none' },
  { accept: '', is: undefined, why: 'nothing is accepted' },
]

for (const { accept, is, why } of choices) {
  t.test(`Accept-Encoding: ${accept} gives ${is}: ${why}`, async (t) => {
    t.equal(chooseCoding(accept, ['gzip', 'br']), is)
  })
}

// ── pages for errors ────────────────────────────────────────────────────────────────────────────

const pages = { kind: 'error-pages', statuses: [503, 404], from: side, path: '/e/{status}' }

t.test('a page of a Service takes the place of errors, status kept', async (t) => {
  const bodies = ['404 Not Found', '500 Internal Server Error', '200 OK']
  const { client, upstream, other } = await stage(t, [pages], {
    web: { onRequest: () => response(bodies[upstream.requests.length - 1] ?? '', 'plain') },
    side: { onRequest: () => response('200 OK', '<p>lost</p>', 'Content-Type: text/html') },
  })
  const lost = await client.request(head('GET /x?y HTTP/1.1', 'Accept: text/html'))
  t.match(lost, { status: 404, body: '<p>lost</p>' })
  t.same(fieldsOf(lost, 'content-type'), ['text/html'])
  const asked = other.requests[0]
  t.equal(asked?.target, '/e/404')
  const fields = Object.fromEntries(asked?.fields.map(([k, v]) => [k.toLowerCase(), v]) ?? [])
  t.match(fields, { 'x-code': '404', 'x-format': 'text/html', 'x-original-uri': '/x?y' })
  t.match(await client.request(get), { status: 500, body: 'plain' }, 'not one of them')
  t.match(await client.request(get), { status: 200, body: 'plain' })
  const gone = await client.request(get.replace('a.test', 'gone.test'))
  t.match(gone, { status: 503, body: '<p>lost</p>' }, 'a failure of Weir has its page, too')
})

const kept: { status: string; field: string; why: string }[] = [
  { status: '401 Unauthorized', field: 'WWW-Authenticate: Basic realm="a"', why: 'browsers ask' },
  { status: '405 Method Not Allowed', field: 'Allow: GET', why: 'RFC 9110 §15.5.6' },
  { status: '416 Range Not Satisfiable', field: 'Content-Range: bytes */5', why: '§15.5.17' },
  { status: '429 Too Many Requests', field: 'Retry-After: 7', why: 'clients wait' },
]

for (const { status, field, why } of kept) {
  t.test(`a page for ${status} keeps ${field}: ${why}`, async (t) => {
    const { client } = await stage(t, [{ ...pages, statuses: [401, 405, 416, 429] }], {
      web: { onRequest: () => response(status, 'plain', field, 'X-Other: 1') },
      side: { onRequest: () => response('200 OK', 'page', 'Content-Type: text/html') },
    })
    const got = await client.request(get)
    t.match(got, { status: Number(status.slice(0, 3)), body: 'page' })
    const [name = '', value] = field.split(': ')
    t.same(fieldsOf(got, name), [value])
    t.same(fieldsOf(got, 'x-other'), [])
  })
}

t.test(
  'what still comes of a body that is refused goes nowhere while its page is fetched',
  async (t) => {
    const { client, upstream, other, dataPlane } = await stage(t, [{ ...pages, statuses: [413] }], {
      side: {},
    })
    const limits = { bufferBytes: 4 }
    const filters = [{ ...filterKinds.get('error-pages')?.defaults, ...pages, statuses: [413] }]
    dataPlane.apply({
      routes: [
        { filters, backend: { limits } },
        { host: 'b.test', filters, backend: { limits: { maxBodyBytes: 4 } } },
      ],
      endpoints: { web: [upstream], side: [other] },
    })
    const post = head('POST / HTTP/1.1', 'Transfer-Encoding: chunked')
    for (const host of ['a.test', 'b.test']) {
      client.expectAnswerTo('POST')
      client.send(`${post.replace('a.test', host)}5\r\n01234\r\n`)
      const asked = other.requests.length
      await eventually('the page is asked for', () => other.requests.length > asked)
      client.send('5\r\n56789\r\n0\r\n\r\n')
      other.connections.at(-1)?.send(response('200 OK', 'page'))
      t.match(await client.response(), { status: 413, body: 'page' })
    }
    t.notMatch(upstream.requests, [{ target: '/', body: '01234' }], 'nothing was sent')
  },
)

t.test('a page that cannot be had leaves the response as it was', async (t) => {
  const { client } = await stage(t, [{ ...pages, timeoutMs: 200 }], {
    web: { onRequest: () => response('404 Not Found', 'plain') },
    side: {},
  })
  t.match(await client.request(get), { status: 404, body: 'plain' })
})

// ── mirror ──────────────────────────────────────────────────────────────────────────────────────

t.test('a copy goes to the other Service, body and all, and nobody waits for it', async (t) => {
  const { client, upstream, other } = await stage(t, [{ kind: 'mirror', to: side }], { side: {} })
  const post = head('POST /x?y HTTP/1.1', 'Content-Length: 5', 'X-A: 1')
  t.equal((await client.request(`${post}hello`)).status, 200)
  await eventually('the copy is there', () => other.requests[0]?.body === 'hello')
  t.equal(other.requests[0]?.target, '/x?y')
  const sorted = (side: typeof other) => side.requests[0]?.fields.map(String).sort()
  t.same(sorted(other), sorted(upstream))
  t.equal((await client.request(get)).status, 200, 'while the copy is not answered')
})

const askedFor: { parts: object; target: string; host: string; body: string; why: string }[] = [
  { parts: {}, target: '/x?y=1', host: 'a.test', body: 'hello', why: 'what goes upstream' },
  {
    parts: { authority: 'shadow.test', path: '/copy' },
    target: '/copy?y=1',
    host: 'shadow.test',
    body: 'hello',
    why: 'a path and a host of its own',
  },
  {
    parts: { path: '/copy?z=2' },
    target: '/copy?z=2&y=1',
    host: 'a.test',
    body: 'hello',
    why: 'a query of its own',
  },
  {
    parts: { path: '/copy', sendsUri: true },
    target: '/copy/a?y=1',
    host: 'a.test',
    body: 'hello',
    why: 'what the client asked for, behind a path',
  },
  { parts: { isBodiless: true }, target: '/x?y=1', host: 'a.test', body: '', why: 'no body' },
]

for (const { parts, target, host, body, why } of askedFor) {
  t.test(`copies ask for ${target} of ${host}: ${why}`, async (t) => {
    const rewrite = { kind: 'rewrite', by: 'prefix', from: '/a', to: '/x' }
    const { client, other } = await stage(t, [rewrite, { kind: 'mirror', to: side, ...parts }])
    const patch = head('PATCH /a?y=1 HTTP/1.1', 'Content-Length: 5')
    t.equal((await client.request(`${patch}hello`)).status, 200)
    await eventually('the copy is there', () => other.requests[0]?.body === body)
    t.equal(
      other.requests[0]?.fields.filter(([name]) => /length/i.test(name)).length,
      body === '' ? 0 : 1,
    )
    t.equal(other.requests[0]?.target, target)
    t.same(fieldsOf(other.requests[0] ?? { fields: [] }, 'host'), [host])
  })
}

t.test('what is not to be copied is not', async (t) => {
  const none = await stage(t, [{ kind: 'mirror', to: side, percent: 0 }])
  await none.client.request(get)
  const large = await stage(t, [{ kind: 'mirror', to: side, maxBodyBytes: 4 }])
  const post = head('POST / HTTP/1.1', 'Content-Length: 5')
  t.equal((await large.client.request(`${post}hello`)).status, 200)
  await large.client.request(get)
  await eventually('only the small one', () => large.other.requests.length === 1)
  t.equal(large.other.requests[0]?.method, 'GET')
  t.equal(none.other.requests.length, 0)
})

t.test('copies are bounded, and a dead Service harms nothing', async (t) => {
  const { client, other } = await stage(t, [{ kind: 'mirror', to: side, maxInFlight: 1 }], {
    side: {},
  })
  for (let n = 0; n < 3; n += 1) t.equal((await client.request(get)).status, 200)
  t.equal(other.requests.length, 1)
  const dead = await stage(t, [
    { kind: 'mirror', to: refOf({ namespace: 'default', service: 'none', port: 1 }) },
  ])
  t.equal((await dead.client.request(get)).status, 200)
})

// ── where applications believe to be ────────────────────────────────────────────────────────────

t.test('Location and cookies of an application name its public place', async (t) => {
  const filters = [
    { kind: 'rewrite-location', from: 'http://in.test/', to: 'https://out.test/' },
    { kind: 'rewrite-cookies', path: { from: '/in/', to: '/' } },
  ]
  const fields = [
    'Location: http://in.test/x',
    'Set-Cookie: a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/in/',
    'Set-Cookie: b=2; Path=/other/',
  ]
  const { client } = await stage(t, filters, {
    web: { onRequest: () => response('302 Found', '', ...fields) },
  })
  const answer = await client.request(get)
  t.same(fieldsOf(answer, 'location'), ['https://out.test/x'])
  t.same(fieldsOf(answer, 'set-cookie'), [
    'a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/',
    'b=2; Path=/other/',
  ])
})
