// Every way a request can fail, over sockets: what the client reads, what the log and the metrics say.
import t, { type Test } from 'tap'
import type { Endpoint } from '../../shared/routing/table.ts'
import type { RouteSketch } from '../../shared/routing/testing/route.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { startBlackhole } from '../support/blackhole.ts'
import { startInProcess } from '../support/in-process.ts'
import { connectRaw, fieldsOf, type RawResponse } from '../support/raw-client.ts'
import { type Script, startScripted } from '../support/upstream.ts'
import { get, head, startPair } from './pair.ts'

interface Row {
  readonly status: number
  readonly code: string
  readonly why: string
  /** What the client sends; a plain GET unless said otherwise. */
  readonly send?: string
  /** Moves the clock by so many ms once everything is sent. */
  readonly waitMs?: number
  /** The upstream of the service; absent: it answers. */
  readonly script?: Script
  /** Its endpoints, when it is not the scripted one; undefined: there is no such Service. */
  readonly endpoints?: readonly Endpoint[] | 'none'
  readonly route?: RouteSketch
  readonly flags?: readonly string[]
  readonly isUnsynced?: boolean
  /** The connection goes on: the request was read to its end. */
  readonly isKept?: boolean
  /** Attempts that failed upstream, in `weir_upstream_errors_total`. */
  readonly upstreamErrors?: number
  /** No route was found, so the metric has no names. */
  readonly isUnrouted?: boolean
}

const healthCheck = 'GET /kube-system/healthz HTTP/1.1\r\nHost: x\r\n\r\n'
const long = 'x'.repeat(20_000)
const manyFields = Array.from({ length: 1001 }, (_, index) => `F${index}: 1`)
const largeFields = Array.from({ length: 10 }, (_, index) => `F${index}: ${'x'.repeat(8000)}`)
const noPort: readonly Endpoint[] = [{ address: '127.0.0.1', port: 1 }]

const rows: readonly Row[] = [
  {
    status: 400,
    code: 'malformed-request',
    send: 'GET / HTTP/1.1\r\nHost : a.test\r\n\r\n',
    why: 'a blank before the colon',
    isUnrouted: true,
  },
  {
    status: 400,
    code: 'malformed-request',
    send: 'GET / HTTP/1.1\r\n\r\n',
    why: 'no Host',
    isUnrouted: true,
  },
  {
    status: 400,
    code: 'malformed-request',
    send: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    why: 'a TLS hello',
    isUnrouted: true,
  },
  {
    status: 400,
    code: 'malformed-request',
    send: `${head('POST / HTTP/1.1', 'Transfer-Encoding: chunked')}zz\r\n`,
    why: 'a chunk size that is none',
  },
  {
    status: 405,
    code: 'method-refused',
    send: head('TRACE / HTTP/1.1'),
    why: 'TRACE shows fields to scripts',
    isUnrouted: true,
  },
  {
    status: 405,
    code: 'method-refused',
    send: 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n',
    why: 'this is no forward proxy',
    isUnrouted: true,
  },
  {
    status: 404,
    code: 'no-route',
    send: 'GET / HTTP/1.1\r\nHost: other.test\r\n\r\n',
    why: 'no rule for the host',
    isKept: true,
    isUnrouted: true,
  },
  {
    status: 408,
    code: 'request-timeout',
    send: 'GET / HTTP/1.1\r\nHost: a.te',
    waitMs: 10_200,
    why: 'the head does not arrive',
    isUnrouted: true,
  },
  {
    status: 408,
    code: 'request-timeout',
    send: `${head('POST / HTTP/1.1', 'Content-Length: 10')}half`,
    waitMs: 60_200,
    why: 'the body stalls',
    script: {},
  },
  {
    status: 413,
    code: 'body-too-large',
    send: `${head('POST / HTTP/1.1', 'Content-Length: 11')}01234567890`,
    route: { backend: { limits: { maxBodyBytes: 10 } } },
    why: 'the route allows less, and the length says so',
  },
  {
    status: 413,
    code: 'body-too-large',
    send: `${head('POST / HTTP/1.1', 'Transfer-Encoding: chunked')}b\r\n01234567890\r\n`,
    route: { backend: { limits: { maxBodyBytes: 10 } } },
    why: 'the route allows less, and chunks grow beyond it',
  },
  {
    status: 414,
    code: 'target-too-long',
    send: `GET /${long} HTTP/1.1\r\nHost: a.test\r\n\r\n`,
    why: 'a target beyond the line limit',
    isUnrouted: true,
  },
  {
    status: 417,
    code: 'expectation-failed',
    send: head('GET / HTTP/1.1', 'Expect: wonders'),
    why: 'an expectation that does not exist',
    isUnrouted: true,
  },
  {
    status: 431,
    code: 'head-too-large',
    send: head('GET / HTTP/1.1', `X-Long: ${long}`),
    why: 'a field beyond the line limit',
    isUnrouted: true,
  },
  {
    status: 431,
    code: 'head-too-large',
    send: head('GET / HTTP/1.1', ...largeFields),
    why: 'a head beyond its limit',
    isUnrouted: true,
  },
  {
    status: 431,
    code: 'head-too-large',
    send: head('GET / HTTP/1.1', ...manyFields),
    why: 'too many fields',
    isUnrouted: true,
  },
  {
    status: 501,
    code: 'coding-unsupported',
    send: head('POST / HTTP/1.1', 'Transfer-Encoding: gzip'),
    why: 'a transfer coding that is not known',
    isUnrouted: true,
  },
  {
    status: 505,
    code: 'version-unsupported',
    send: 'GET / HTTP/2.0\r\nHost: a.test\r\n\r\n',
    why: 'another version in this form',
    isUnrouted: true,
  },
  {
    status: 403,
    code: 'access-denied',
    route: { filters: [{ kind: 'access', allow: ['10.0.0.0/8'], deny: [] }] },
    why: 'an address outside the list',
    isKept: true,
  },
  {
    status: 503,
    code: 'policy-closed',
    route: { backend: { kind: 'closed', reason: 'not understood' } },
    why: 'a route whose protection is not understood',
    isKept: true,
  },
  {
    status: 503,
    code: 'service-missing',
    endpoints: 'none',
    why: 'a Service that does not exist',
    isKept: true,
  },
  { status: 503, code: 'no-endpoints', endpoints: [], why: 'no ready endpoint', isKept: true },
  {
    status: 503,
    code: 'not-synced',
    isUnsynced: true,
    why: 'before the first table',
    isKept: true,
    isUnrouted: true,
  },
  {
    status: 502,
    code: 'connect-failed',
    endpoints: noPort,
    flags: ['--retries', '0'],
    why: 'nobody listens',
    isKept: true,
    upstreamErrors: 1,
  },
  {
    status: 502,
    code: 'upstream-reset',
    script: { onRequest: (_, side) => void side.socket.resetAndDestroy() },
    why: 'a reset instead of an answer',
    isKept: true,
    upstreamErrors: 1,
  },
  {
    status: 502,
    code: 'upstream-reset',
    script: { onRequest: (_, side) => void side.socket.end() },
    why: 'an end instead of an answer',
    isKept: true,
    upstreamErrors: 1,
  },
  {
    status: 502,
    code: 'upstream-malformed',
    script: {
      onRequest: () => 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok',
    },
    why: 'two lengths',
    isKept: true,
    upstreamErrors: 1,
  },
  {
    status: 502,
    code: 'upstream-malformed',
    script: { onRequest: () => 'SSH-2.0-OpenSSH_9.9\r\n' },
    why: 'another protocol',
    isKept: true,
    upstreamErrors: 1,
  },
  {
    status: 502,
    code: 'upstream-malformed',
    script: {
      onRequest: () =>
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    },
    why: 'an upgrade that nobody asked for',
    isKept: true,
    upstreamErrors: 1,
  },
  {
    status: 504,
    code: 'response-timeout',
    script: {},
    waitMs: 60_200,
    why: 'the upstream stays silent',
    isKept: true,
    upstreamErrors: 1,
  },
  {
    status: 504,
    code: 'response-timeout',
    script: {},
    route: { backend: { limits: { readMs: 1000 } } },
    waitMs: 1200,
    why: 'for as long as the route gives it',
    isKept: true,
    upstreamErrors: 1,
  },
  {
    status: 504,
    code: 'response-timeout',
    script: { onRequest: () => 'HTTP/1.1 200 OK\r\nContent-' },
    waitMs: 60_200,
    why: 'half a head does not help',
    isKept: true,
    upstreamErrors: 1,
  },
]

for (const row of rows) {
  const { status, code, why, flags = [], route = {}, isUnsynced = false } = row
  t.test(`${status} ${code}: ${why}`, async (t) => {
    const clock = new ManualClock()
    const upstream = await startScripted(row.script)
    const endpoints = row.endpoints === undefined ? [upstream] : row.endpoints
    const dataPlane = await startInProcess({
      clock,
      flags,
      isUnsynced,
      routes: [route],
      endpoints: endpoints === 'none' ? {} : { web: endpoints },
    })
    const client = await connectRaw(dataPlane.port)
    t.teardown(async () => {
      client.close()
      await dataPlane.close()
      await upstream.close()
    })
    client.send(row.send ?? get)
    if (row.waitMs !== undefined) {
      await settle(dataPlane.port)
      clock.advance(row.waitMs)
    }
    const response = await client.response()
    checkPage(t, response, row)
    if (row.isKept === true) {
      client.send(healthCheck)
      t.equal((await client.response()).status, isUnsynced ? 503 : 200, 'the connection goes on')
    } else {
      t.equal(await client.whenEnded(), 'fin', 'the connection ends, and not by a reset')
    }
    const names = { ingress: 'rules', namespace: 'default', service: 'web' }
    const none = { ingress: '', namespace: '', service: '' }
    const lines = dataPlane.log()
    t.equal(lines.length, 1, 'one line in the log')
    t.match(lines[0], { status, error: code, client: '127.0.0.1' })
    const method = String(lines[0]?.method ?? '')
    t.equal(
      dataPlane.counter('weir_requests_total', {
        ...(row.isUnrouted === true ? none : names),
        method: method === '' ? 'OTHER' : method,
        status: String(status),
      }),
      1,
      'one request in the metric',
    )
    const errors = dataPlane.counter('weir_upstream_errors_total', { code })
    t.equal(errors, row.upstreamErrors ?? 0, 'failed attempts in the metric')
    t.equal(dataPlane.plane.inFlight, 0)
  })
}

/** Waits until the data plane has read what came before: a request that was sent later is answered. */
async function settle(port: number): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    const client = await connectRaw(port)
    await client.request(healthCheck)
    client.close()
  }
}

function checkPage(t: Test, response: RawResponse, { status, code }: Row): void {
  t.equal(response.status, status)
  t.match(fieldsOf(response, 'content-type'), [/^text\/plain/])
  t.match(response.body, code)
  t.match(response.body, new RegExp(`^${status} `))
  t.ok(response.body.length < 300, 'a short page')
  t.equal(fieldsOf(response, 'content-length').length, 1)
  t.equal(fieldsOf(response, 'date').length, 1)
}

t.test('504 connect-timeout: an endpoint that does not take connections', async (t) => {
  const hole = await startBlackhole()
  const clock = new ManualClock()
  const flags = ['--retries', '0']
  const dataPlane = await startInProcess({ clock, flags, endpoints: { web: [hole] } })
  const client = await connectRaw(dataPlane.port)
  t.teardown(async () => {
    client.close()
    await dataPlane.close()
    await hole.close()
  })
  client.send(get)
  await settle(dataPlane.port)
  clock.advance(1800)
  t.equal(client.text, '', 'not before its time')
  clock.advance(400)
  const row = { status: 504, code: 'connect-timeout', why: '' }
  checkPage(t, await client.response(), row)
  t.match(dataPlane.log(), [{ status: 504, error: 'connect-timeout' }])
  t.equal(dataPlane.counter('weir_upstream_errors_total', { code: 'connect-timeout' }), 1)
})

t.test('503 over-capacity: more connections than allowed are told so and closed', async (t) => {
  const { dataPlane, connect } = await startPair(t, { flags: ['--max-connections', '2'] })
  const first = await connect()
  const second = await connect()
  t.equal((await first.request(get)).status, 200)
  t.equal((await second.request(get)).status, 200)
  const third = await connect()
  checkPage(t, await third.response(), { status: 503, code: 'over-capacity', why: '' })
  t.equal(await third.whenEnded(), 'fin')
  t.equal(dataPlane.counter('weir_connections_refused_total'), 1)
  second.close()
  await eventually(
    'there is room',
    () => dataPlane.counter('weir_connections', { state: 'idle' }) === 1,
  )
  t.equal((await (await connect()).request(get)).status, 200)
})

t.test('a failure page to HEAD has its length and no body', async (t) => {
  const { connect } = await startPair(t)
  const client = await connect()
  const got = await client.request('HEAD / HTTP/1.1\r\nHost: other.test\r\n\r\n')
  t.equal(got.status, 404)
  t.equal(got.body, '')
  t.match(fieldsOf(got, 'content-length'), [/^[1-9]/])
  t.equal((await client.request(get)).status, 200, 'the connection goes on')
})

t.test('nothing that the client sent is repeated in a failure page', async (t) => {
  const { connect } = await startPair(t)
  const client = await connect()
  const got = await client.request('GET /<script>x</script> HTTP/1.1\r\nHost: evil.test\r\n\r\n')
  t.notMatch(got.body, /script|evil/)
})
