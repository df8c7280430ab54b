import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { type AdminServerOptions, startAdminServer } from './admin-server.ts'
import { eventually } from './testing/eventually.ts'

async function setUp(t: Test, changes: Partial<AdminServerOptions> = {}) {
  const errors: unknown[] = []
  const options: AdminServerOptions = {
    host: '127.0.0.1',
    port: 0,
    metrics: () => pieces('# HELP a x\n# TYPE a gauge\n', 'a 1\n'),
    isLive: () => true,
    whyNotReady: () => undefined,
    pages: new Map([['/things', { help: '/things (?of=A)', type: 'text/plain', body: things }]]),
    log: { error: (fields) => errors.push(fields) },
    ...changes,
  }
  const admin = await startAdminServer(options)
  t.teardown(() => admin.close())
  const { port } = admin.address
  return {
    admin,
    errors,
    options,
    port,
    get: (path: string, method = 'GET') => send(port, path, method),
  }
}

/** Many small pieces, so that a client may go away in the middle. */
function* things(query: URLSearchParams) {
  yield `of ${query.get('of')}\n`
  for (let at = 0; at < 1_000; at++) yield 'a thing among many\n'.repeat(500)
}

async function send(port: number, path: string, method: string) {
  const outgoing = request({ host: '127.0.0.1', port, path, method, agent: false })
  outgoing.end()
  const [response] = await once(outgoing, 'response')
  const body = await readText(response)
  return { status: response.statusCode, headers: response.headers, body }
}

/** Gives `texts` one by one; none at all is a fault. */
async function* pieces(...texts: string[]) {
  if (texts.length === 0) throw new Error('broken')
  yield* texts
}

async function sendRaw(port: number, bytes: string) {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  return readText(socket)
}

t.test('/metrics gives the text in the format that Prometheus asks for', async (t) => {
  const { get } = await setUp(t)
  const { status, headers, body } = await get('/metrics')
  t.equal(status, 200)
  t.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  t.equal(body, '# HELP a x\n# TYPE a gauge\na 1\n')
})

t.test('a page of the program is served by its path, its query beside it', async (t) => {
  const { get } = await setUp(t)
  const { status, headers, body } = await get('/things?of=b%20c&x=1')
  t.equal(status, 200)
  t.equal(headers['content-type'], 'text/plain')
  t.equal(headers['cache-control'], 'no-store')
  t.ok(body.startsWith('of b c\na thing among many\n'))
})

t.test('a long text arrives whole', async (t) => {
  const long = Array.from({ length: 50_000 }, (_, i) => `a_metric_of_some_length ${i}\n`).join('')
  const { get } = await setUp(t, { metrics: () => pieces(long, long) })
  t.ok((await get('/metrics')).body === long + long)
})

t.test('/healthz and /readyz say what they find', async (t) => {
  let isLive = true
  let why: string | undefined = 'routes are not loaded yet'
  const { get } = await setUp(t, { isLive: () => isLive, whyNotReady: () => why })
  t.match(await get('/healthz'), { status: 200, body: 'ok\n' })
  t.match(await get('/readyz'), { status: 503, body: 'not ready: routes are not loaded yet\n' })
  isLive = false
  why = undefined
  t.match(await get('/healthz'), { status: 503, body: 'not live\n' })
  t.match(await get('/readyz'), { status: 200, body: 'ok\n' })
})

for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
  t.test(`${method} is refused: nothing here changes state`, async (t) => {
    const { get } = await setUp(t)
    const { status, headers } = await get('/things', method)
    t.equal(status, 405)
    t.equal(headers.allow, 'GET, HEAD')
  })
}

t.test('HEAD answers like GET, without a body', async (t) => {
  const { get } = await setUp(t, { whyNotReady: () => 'draining' })
  t.match(await get('/metrics', 'HEAD'), { status: 200, body: '' })
  t.match(await get('/readyz', 'HEAD'), { status: 503, body: '' })
})

for (const path of [
  '/',
  '/metric',
  '/metrics/',
  '/things/../metrics',
  '//healthz',
  '*',
  '/drain',
]) {
  t.test(`${path} is unknown and the answer says what is known`, async (t) => {
    const { get } = await setUp(t)
    const { status, body } = await get(path)
    t.equal(status, 404)
    t.equal(body, 'Known here: /metrics, /healthz, /readyz, /things (?of=A).\n')
  })
}

const malformed = [
  { bytes: 'nonsense\r\n\r\n', status: 400, why: 'no HTTP' },
  { bytes: 'GET / HTTP/1.1\r\n\r\n', status: 400, why: 'no Host' },
  {
    bytes: 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    status: 400,
    why: 'two lengths',
  },
  {
    bytes: `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(9000)}\r\n\r\n`,
    status: 431,
    why: 'a head that is too large',
  },
]

for (const { bytes, status, why } of malformed) {
  t.test(`${status} for ${why}, and the port goes on`, async (t) => {
    const { port, get } = await setUp(t)
    t.match(await sendRaw(port, bytes), new RegExp(`^HTTP/1\\.1 ${status} `))
    t.equal((await get('/healthz')).status, 200)
  })
}

t.test('a fault while answering is a 500 and a log line', async (t) => {
  const { get, errors } = await setUp(t, { metrics: () => pieces() })
  t.equal((await get('/metrics')).status, 500)
  t.equal(errors.length, 1)
  t.equal((await get('/healthz')).status, 200)
})

t.test('a client that goes away in the middle ends the work', async (t) => {
  let ended = 0
  function* body(query: URLSearchParams) {
    try {
      yield* things(query)
    } finally {
      ended += 1
    }
  }
  const { port, get } = await setUp(t, {
    pages: new Map([['/things', { help: '/things', type: 'text/plain', body }]]),
  })
  const socket = connect(port, '127.0.0.1')
  socket.write('GET /things HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
  socket.destroy()
  await eventually('the page is given up', () => ended === 1)
  t.equal((await get('/healthz')).status, 200)
})

t.test('close ends open connections too', async (t) => {
  const { admin, port } = await setUp(t)
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const ended = once(socket, 'close')
  await admin.close()
  await ended
  t.pass('the client saw the end')
})

t.test('a port that is taken is an error of the start', async (t) => {
  const { port, options } = await setUp(t)
  await t.rejects(startAdminServer({ ...options, port }), { code: 'EADDRINUSE' })
})
