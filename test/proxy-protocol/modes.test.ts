// Who is believed in which mode? Off, required and optional; trusted and other peers; health checks; one header, not two.
import t, { type Test } from 'tap'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { type InProcess, type InProcessOptions, startInProcess } from '../support/in-process.ts'
import { connectRaw, type RawResponse } from '../support/raw-client.ts'
import {
  type Echo,
  type EchoUpstream,
  echoFields,
  readEcho,
  startEcho,
} from '../support/upstream.ts'
import { v2Local, v2Tcp4 } from './vectors.ts'

const v1 = Buffer.from('PROXY TCP4 203.0.113.7 10.0.0.5 40001 9999\r\n')
const v2 = v2Tcp4('203.0.113.7', 40001, 9999)
const get = Buffer.from('GET /pp HTTP/1.1\r\nHost: a.test\r\n\r\n')
const health = Buffer.from('GET /kube-system/healthz HTTP/1.1\r\nHost: 10.0.0.5\r\n\r\n')

const off: readonly string[] = []
const required = ['--proxy-protocol', 'required', '--proxy-protocol-from', '127.0.0.1/32']
const optional = ['--proxy-protocol', 'optional', '--proxy-protocol-from', '127.0.0.1/32']
const trusted = '127.0.0.1'
const other = '127.0.0.2'

interface Row {
  readonly mode: readonly string[]
  readonly peer: string
  readonly bytes: readonly Buffer[]
  /** The client that the upstream is told; a number is the status of a refusal, `closed` an end without an answer. */
  readonly expected: string | number
  readonly why: string
}

const rows: readonly Row[] = [
  { mode: off, peer: trusted, bytes: [get], expected: trusted, why: 'off: the peer is the client' },
  { mode: off, peer: trusted, bytes: [v1, get], expected: 400, why: 'off: v1 is no HTTP' },
  { mode: off, peer: trusted, bytes: [v2, get], expected: 400, why: 'off: v2 is no HTTP' },
  { mode: off, peer: trusted, bytes: [v2Local, get], expected: 400, why: 'off: LOCAL is no HTTP' },
  { mode: required, peer: trusted, bytes: [v1, get], expected: '203.0.113.7', why: 'v1 counts' },
  { mode: required, peer: trusted, bytes: [v2, get], expected: '203.0.113.7', why: 'v2 counts' },
  {
    mode: required,
    peer: trusted,
    bytes: [get],
    expected: 'closed',
    why: 'a header that must be there is not there',
  },
  {
    mode: required,
    peer: other,
    bytes: [v1, get],
    expected: 'closed',
    why: 'a peer outside the networks cannot name a client',
  },
  {
    mode: required,
    peer: other,
    bytes: [get],
    expected: 'closed',
    why: 'nobody passes by the load balancer',
  },
  { mode: optional, peer: trusted, bytes: [v1, get], expected: '203.0.113.7', why: 'v1 counts' },
  { mode: optional, peer: trusted, bytes: [v2, get], expected: '203.0.113.7', why: 'v2 counts' },
  {
    mode: optional,
    peer: trusted,
    bytes: [v2Local, get],
    expected: trusted,
    why: 'LOCAL: the load balancer speaks for itself',
  },
  {
    mode: optional,
    peer: trusted,
    bytes: [get],
    expected: trusted,
    why: 'without a header the peer is the client',
  },
  {
    mode: optional,
    peer: trusted,
    bytes: [
      Buffer.from('P'),
      Buffer.from('OST /pp HTTP/1.1\r\nHost: a.test\r\n'),
      Buffer.from('\r\n'),
    ],
    expected: trusted,
    why: 'a method may begin like a header',
  },
  {
    mode: optional,
    peer: trusted,
    bytes: [Buffer.from('\r\n'), get],
    expected: trusted,
    why: 'an empty line before the request begins like v2',
  },
  {
    mode: optional,
    peer: trusted,
    bytes: [Buffer.from('PROXY TCP9 a b 1 2\r\n'), get],
    expected: 'closed',
    why: 'what begins as a header must be one',
  },
  {
    mode: optional,
    peer: other,
    bytes: [get],
    expected: other,
    why: 'peers outside the networks speak HTTP',
  },
  { mode: optional, peer: other, bytes: [v1, get], expected: 400, why: 'their header is no HTTP' },
  { mode: optional, peer: other, bytes: [v2, get], expected: 400, why: 'their header is no HTTP' },
  {
    mode: required,
    peer: trusted,
    bytes: [v1, v1, get],
    expected: 400,
    why: 'one header, not two',
  },
  {
    mode: required,
    peer: trusted,
    bytes: [v2, v2, get],
    expected: 400,
    why: 'one header, not two',
  },
  {
    mode: required,
    peer: trusted,
    bytes: [v1, v2, get],
    expected: 400,
    why: 'one header, not two',
  },
  {
    mode: optional,
    peer: trusted,
    bytes: [v2, v1, get],
    expected: 400,
    why: 'one header, not two',
  },
]

for (const { mode, peer, bytes, expected, why } of rows) {
  const name = mode[1] ?? 'off'
  t.test(`${name}, peer ${peer}, ${bytes.length} parts: ${why}`, async (t) => {
    const { dataPlane, web } = await start(t, { flags: mode })
    for (const parts of [bytes, [Buffer.concat(bytes)]]) {
      const before = web.requests.length
      t.equal(await seen(dataPlane, peer, parts), expected)
      t.equal(
        web.requests.length - before,
        typeof expected === 'string' && expected !== 'closed' ? 1 : 0,
      )
    }
  })
}

t.test('the address serves all requests of its connection, in log and fields', async (t) => {
  const { dataPlane, web } = await start(t, { flags: required })
  const client = await connectRaw(dataPlane.port)
  client.send(v2)
  for (let request = 0; request < 3; request += 1) await client.request(get.toString())
  client.close()
  t.same(
    web.requests.map((echo) => told(echo, 'x-forwarded-for')),
    ['203.0.113.7', '203.0.113.7', '203.0.113.7'],
  )
  t.same(
    dataPlane.log().map((line) => line.client),
    ['203.0.113.7', '203.0.113.7', '203.0.113.7'],
  )
})

t.test('two connections through one load balancer keep their clients apart', async (t) => {
  const { dataPlane, web } = await start(t, { flags: required })
  const sources = ['203.0.113.7', '203.0.113.8']
  for (let round = 0; round < 3; round += 1) {
    for (const source of sources) {
      const parts = [v2Tcp4(source, 1, 9999), get]
      t.equal(await seen(dataPlane, trusted, parts), source)
    }
  }
  t.equal(web.connectionCount, 1, 'although they share the upstream connection')
})

t.test('a header behind the first request is not believed', async (t) => {
  const { dataPlane, web } = await start(t, { flags: required })
  const client = await connectRaw(dataPlane.port)
  client.send(v1)
  t.equal((await client.request(get.toString())).status, 200)
  client.send('PROXY TCP4 198.51.100.1 10.0.0.5 1 2\r\n')
  client.send(get)
  t.equal((await client.response()).status, 400)
  t.equal(await client.whenEnded(), 'fin')
  client.close()
  t.equal(web.requests.length, 1)
})

const destinations = [
  { port: 443, proto: 'https', why: 'the client came by the TLS port' },
  { port: 80, proto: 'http', why: 'the client came by the plain port' },
  { port: 9999, proto: 'http', why: 'no port of TLS' },
]

for (const { port, proto, why } of destinations) {
  t.test(`destination port ${port} is ${proto}: ${why}`, async (t) => {
    const { dataPlane, web } = await start(t, { flags: required })
    await seen(dataPlane, trusted, [v2Tcp4('203.0.113.7', 40001, port), get])
    const [echo] = web.requests
    t.equal(told(echo, 'x-forwarded-proto'), proto)
    t.equal(told(echo, 'x-forwarded-port'), String(port))
  })
}

const chains = [
  {
    source: '203.0.113.7',
    expected: '203.0.113.7',
    client: '203.0.113.7',
    why: 'a client that is no trusted proxy says nothing about others',
  },
  {
    source: '10.9.0.1',
    expected: '198.51.100.1, 10.9.0.1',
    client: '198.51.100.1',
    why: 'the source is a trusted proxy, so its client counts',
  },
]

for (const { source, expected, client, why } of chains) {
  t.test(`X-Forwarded-For from ${source}: ${why}`, async (t) => {
    const flags = [...required, '--trusted-proxies', '10.9.0.0/16,127.0.0.0/8']
    const { dataPlane, web } = await start(t, { flags })
    const fields = 'Host: a.test\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n'
    const request = Buffer.from(`GET / HTTP/1.1\r\n${fields}`)
    await seen(dataPlane, trusted, [v2Tcp4(source, 40001, 9999), request])
    t.equal(told(web.requests[0], 'x-forwarded-for'), expected)
    t.equal(told(web.requests[0], 'x-real-ip'), client)
    t.equal(dataPlane.log()[0]?.client, client)
  })
}

const checks = [
  { header: v2Local, why: 'LOCAL, as a Network Load Balancer checks' },
  { header: Buffer.from('PROXY UNKNOWN\r\n'), why: 'v1 UNKNOWN' },
  { header: v1, why: 'with a client' },
  { header: v2, why: 'with a client' },
]

for (const { header, why } of checks) {
  t.test(`health checks through the PROXY protocol: ${why}`, async (t) => {
    const { dataPlane } = await start(t, { flags: required, isUnsynced: true })
    t.equal(await statusOf(dataPlane, [header, health]), 503, 'before the first table')
    dataPlane.apply({})
    t.equal(await statusOf(dataPlane, [header, health]), 200)
    dataPlane.plane.drain()
    t.equal(await statusOf(dataPlane, [header, health]), 503, 'while draining')
    t.same(dataPlane.log(), [], 'health checks are not logged')
  })
}

t.test('a client that leaves within the header leaves nothing behind', async (t) => {
  const clock = new ManualClock()
  const { dataPlane, web } = await start(t, { flags: required, clock })
  for (const header of [v1, v2]) {
    for (let length = 1; length < header.length; length += 5) {
      for (const leave of ['reset', 'end'] as const) {
        const client = await connectRaw(dataPlane.port)
        await client.sendParts([header.subarray(0, length)])
        client[leave]()
        if (leave === 'end') t.match(await client.whenEnded(), /fin|reset/)
        client.close()
      }
    }
  }
  clock.advance(10_000)
  t.equal(await seen(dataPlane, trusted, [v2, get]), '203.0.113.7', 'others are served')
  t.equal(web.requests.length, 1)
  t.same(dataPlane.log().length, 1, 'and nothing was logged for them')
})

async function start(
  t: Test,
  options: InProcessOptions,
): Promise<{ readonly dataPlane: InProcess; readonly web: EchoUpstream }> {
  const web = await startEcho('web')
  const dataPlane = await startInProcess({ ...options, endpoints: { web: [web] } })
  t.teardown(async () => {
    await dataPlane.close()
    await web.close()
  })
  return { dataPlane, web }
}

/** The client that the upstream was told, the status of a refusal, or `closed`. */
async function seen(
  dataPlane: InProcess,
  peer: string,
  parts: readonly Buffer[],
): Promise<string | number> {
  const response = await play(dataPlane, peer, parts)
  if (response === undefined) return 'closed'
  if (response.status !== 200) return response.status
  return told(readEcho(response.body), 'x-forwarded-for')
}

async function statusOf(dataPlane: InProcess, parts: readonly Buffer[]): Promise<number> {
  return (await play(dataPlane, trusted, parts))?.status ?? 0
}

async function play(
  { port }: InProcess,
  localAddress: string,
  parts: readonly Buffer[],
): Promise<RawResponse | undefined> {
  const client = await connectRaw(port, { localAddress })
  try {
    await client.sendParts(parts)
    return await client.response().catch((error: unknown) => {
      if (client.ended === 'open' || client.text !== '') throw error
      return undefined
    })
  } finally {
    client.close()
  }
}

function told(echo: Echo | undefined, name: string): string {
  return echoFields(echo, name).join(' | ')
}
