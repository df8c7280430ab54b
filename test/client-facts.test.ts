// What do the upstream and the log learn about the client? Over sockets: 127.0.0.1 is a trusted proxy, 127.0.0.2 is anybody.
import t from 'tap'
import {
  anybody,
  ask,
  compare,
  type FactsRow,
  networks,
  startPair,
  textOf,
  trustedPeer,
} from './support/client-facts.ts'
import { type InProcess, startInProcess } from './support/in-process.ts'
import { connectRaw } from './support/raw-client.ts'
import { echoFields, startEcho } from './support/upstream.ts'

const flags = [...networks, '--trusted-fields', 'all']

const web = await startEcho('web')
const dataPlane = await startInProcess({ flags, endpoints: { web: [web] } })
t.teardown(async () => {
  await dataPlane.close()
  await web.close()
})

const addresses = (count: number) =>
  Array.from({ length: count }, (_, index) => `198.51.100.${index + 1}`).join(', ')

const rows: readonly FactsRow[] = [
  {
    peer: anybody,
    sent: [],
    expected: {
      'X-Forwarded-For': anybody,
      'X-Forwarded-Proto': 'http',
      'X-Forwarded-Host': 'a.test',
      'X-Forwarded-Port': '80',
      'X-Real-IP': anybody,
      Forwarded: undefined,
    },
    client: anybody,
    why: 'a peer that nobody trusts is the client',
  },
  {
    peer: anybody,
    sent: [
      'X-Forwarded-For: 203.0.113.7',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: evil.test',
      'X-Forwarded-Port: 443',
      'X-Real-IP: 203.0.113.7',
      'Forwarded: for=203.0.113.7;proto=https',
      'X-Request-Id: chosen-by-the-client',
    ],
    expected: {
      'X-Forwarded-For': anybody,
      'X-Forwarded-Proto': 'http',
      'X-Forwarded-Host': 'a.test',
      'X-Forwarded-Port': '80',
      'X-Real-IP': anybody,
      Forwarded: undefined,
    },
    client: anybody,
    why: 'whatever it says about itself is replaced, not joined',
  },
  {
    peer: anybody,
    sent: [
      'X-Forwarded-Prefix: /admin',
      'X-Forwarded-Ssl: on',
      'X-Forwarded-Scheme: https',
      'X-Original-URL: /admin',
      'X-Rewrite-Url: /admin',
      'CF-Connecting-IP: 203.0.113.7',
      'True-Client-IP: 203.0.113.7',
      'CloudFront-Viewer-Address: 203.0.113.7:1',
      'x-forwarded-user: root',
      'X-FORWARDED-PROTOCOL: https',
    ],
    expected: {
      'X-Forwarded-Prefix': undefined,
      'X-Forwarded-Ssl': undefined,
      'X-Original-URL': undefined,
      'X-Rewrite-Url': undefined,
      'CF-Connecting-IP': undefined,
      'True-Client-IP': undefined,
      'CloudFront-Viewer-Address': undefined,
      'X-Forwarded-Scheme': undefined,
      'X-Forwarded-User': undefined,
      'X-Forwarded-Protocol': undefined,
    },
    why: 'every word of a proxy about its client counts as a claim, whatever its case',
  },
  {
    peer: anybody,
    sent: ['Connection: X-Forwarded-For, X-Forwarded-Proto, X-Real-IP, X-Request-Id'],
    expected: {
      'X-Forwarded-For': anybody,
      'X-Forwarded-Proto': 'http',
      'X-Real-IP': anybody,
      Connection: undefined,
    },
    why: 'Connection cannot name fields of ours away (CVE-2024-45410)',
  },
  {
    peer: anybody,
    sent: [
      'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      'tracestate: a=1',
      'X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678',
    ],
    expected: {
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      tracestate: 'a=1',
      'X-Amzn-Trace-Id': 'Root=1-67891233-abcdef012345678912345678',
    },
    why: 'traces pass as they are',
  },
  {
    peer: anybody,
    sent: ['Connection: X-Amzn-Trace-Id', 'X-Amzn-Trace-Id: Root=1-2-3'],
    expected: { 'X-Amzn-Trace-Id': 'Root=1-2-3' },
    why: 'nor can Connection name the trace of the load balancer away',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: 203.0.113.7'],
    expected: { 'X-Forwarded-For': '203.0.113.7, 127.0.0.1', 'X-Real-IP': '203.0.113.7' },
    why: 'a trusted proxy names its client and becomes a hop',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: 1.1.1.1, 203.0.113.7'],
    expected: { 'X-Real-IP': '203.0.113.7' },
    why: 'the right-most address that is not trusted is the client: what is left of it may be forged',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: 203.0.113.7, 10.1.2.3, 10.4.5.6'],
    expected: { 'X-Real-IP': '203.0.113.7' },
    why: 'trusted hops are passed over',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: 1.1.1.1', 'X-Forwarded-For: 203.0.113.7', 'X-Forwarded-For: 10.1.1.1'],
    expected: { 'X-Real-IP': '203.0.113.7' },
    why: 'several lines are one list',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: 203.0.113.7:50312'],
    expected: { 'X-Real-IP': '203.0.113.7' },
    why: 'with the port of the client, as a load balancer may add it',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: [2001:db8::7]:50312'],
    expected: { 'X-Real-IP': '2001:db8::7' },
    why: 'IPv6 in brackets with a port',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: [2001:DB8:0:0::7]'],
    expected: { 'X-Real-IP': '2001:db8::7' },
    why: 'IPv6 in brackets, in its short form',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: 2001:db8::7'],
    expected: { 'X-Real-IP': '2001:db8::7' },
    why: 'IPv6 without brackets',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: "[2001:db8::7]:50312"'],
    expected: { 'X-Real-IP': '2001:db8::7' },
    why: 'quoted',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: "203.0.113.7"'],
    expected: { 'X-Real-IP': '203.0.113.7' },
    why: 'quoted',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: ::ffff:203.0.113.7'],
    expected: { 'X-Real-IP': '203.0.113.7' },
    why: 'an IPv4-mapped address is the IPv4 address',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: 203.0.113.7, ::ffff:10.1.1.1'],
    expected: { 'X-Real-IP': '203.0.113.7' },
    why: 'and trusted as such',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: 203.0.113.7, 2001:db8:1::5'],
    expected: { 'X-Real-IP': '203.0.113.7' },
    why: 'an IPv6 hop is trusted by its network',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: 203.0.113.7, unknown'],
    expected: { 'X-Real-IP': trustedPeer },
    why: 'nothing left of a hop that hides itself can be believed',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: 203.0.113.7, _hidden'],
    expected: { 'X-Real-IP': trustedPeer },
    why: 'nor left of an obfuscated one',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: not an address'],
    expected: { 'X-Real-IP': trustedPeer },
    why: 'nor left of nonsense',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: '],
    expected: { 'X-Forwarded-For': trustedPeer, 'X-Real-IP': trustedPeer },
    why: 'an empty list names nobody',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: , 203.0.113.7, ,'],
    expected: { 'X-Real-IP': '203.0.113.7' },
    why: 'empty members are no members (RFC 9110 §5.6.1)',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-For: 10.1.1.1, 10.2.2.2'],
    expected: { 'X-Real-IP': '10.1.1.1' },
    why: 'where all are trusted, the first is the client',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-Proto: https', 'X-Forwarded-Port: 443', 'X-Forwarded-Host: shop.test'],
    expected: {
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Port': '443',
      'X-Forwarded-Host': 'shop.test',
      'X-Forwarded-For': trustedPeer,
    },
    why: 'scheme, port and host of a trusted proxy count',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-Proto: HTTPS'],
    expected: { 'X-Forwarded-Proto': 'https' },
    why: 'a scheme has no case',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-Proto: ftp', 'X-Forwarded-Port: 99999', 'X-Forwarded-Host: a b/<c>'],
    expected: {
      'X-Forwarded-Proto': 'http',
      'X-Forwarded-Port': '80',
      'X-Forwarded-Host': 'a.test',
    },
    why: 'but only where they are well formed',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-Proto: http, https'],
    expected: { 'X-Forwarded-Proto': 'https' },
    why: 'of a list the trusted proxy wrote the last member',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-Proto: https', 'X-Forwarded-Proto: http'],
    expected: { 'X-Forwarded-Proto': 'http' },
    why: 'several lines are one list',
  },
  {
    peer: trustedPeer,
    sent: ['X-Forwarded-Proto: https, http', 'X-Forwarded-For: 203.0.113.7, 10.1.1.1'],
    expected: { 'X-Forwarded-Proto': 'https', 'X-Real-IP': '203.0.113.7' },
    why: 'the hop that saw the client says how it came',
  },
  {
    peer: trustedPeer,
    sent: ['Forwarded: for=203.0.113.7;proto=https', 'X-Forwarded-Prefix: /shop'],
    expected: {
      Forwarded: 'for=203.0.113.7;proto=https',
      'X-Forwarded-Prefix': '/shop',
      'X-Real-IP': '203.0.113.7',
    },
    why: 'what a trusted proxy adds besides passes',
  },
  {
    peer: trustedPeer,
    sent: ['X-Request-Id: abc-123_DEF.4'],
    expected: { 'X-Request-Id': 'abc-123_DEF.4' },
    why: 'a well-formed request id of a trusted proxy is kept',
  },
  {
    peer: trustedPeer,
    sent: ['Connection: X-Forwarded-For', 'X-Forwarded-For: 203.0.113.7'],
    expected: { 'X-Forwarded-For': '203.0.113.7, 127.0.0.1', 'X-Real-IP': '203.0.113.7' },
    why: 'Connection has no effect on the list, whoever sends it',
  },
]

for (const row of rows) {
  const { peer, sent, why } = row
  t.test(`${sent.join(' ⏎ ') || 'nothing'} from ${peer}: ${why}`, (t) =>
    compare(t, dataPlane, web, row),
  )
}

t.test(
  'a list of 30 addresses, the peer among them, is followed; what lies further left is not',
  async (t) => {
    const hops = (count: number) =>
      Array.from({ length: count }, (_, index) => `10.0.0.${index + 1}`).join(', ')
    const within = [`X-Forwarded-For: 203.0.113.7, ${hops(28)}`]
    t.same(echoFields(await ask(dataPlane, web, trustedPeer, within), 'X-Real-IP'), ['203.0.113.7'])
    const beyond = [`X-Forwarded-For: 203.0.113.7, ${hops(29)}`]
    t.same(echoFields(await ask(dataPlane, web, trustedPeer, beyond), 'X-Real-IP'), ['10.0.0.1'])
  },
)

t.test('a long list does not grow on its way upstream without bound', async (t) => {
  const echo = await ask(dataPlane, web, trustedPeer, [`X-Forwarded-For: ${addresses(200)}`])
  const members = (echoFields(echo, 'X-Forwarded-For')[0] ?? '').split(',')
  t.ok(members.length <= 30, `${members.length} members`)
  t.equal(members.at(-1)?.trim(), trustedPeer, 'the peer is the last one')
  t.equal(members.at(-2)?.trim(), '198.51.100.200', 'the nearest hops are kept')
})

const madeIds = [
  { peer: anybody, sent: [], why: 'none was sent' },
  { peer: anybody, sent: ['X-Request-Id: abc'], why: 'an untrusted one does not count' },
  { peer: trustedPeer, sent: ['X-Request-Id: '], why: 'empty' },
  { peer: trustedPeer, sent: ['X-Request-Id: has space'], why: 'not well formed' },
  { peer: trustedPeer, sent: ['X-Request-Id: <script>'], why: 'not well formed' },
  { peer: trustedPeer, sent: [`X-Request-Id: ${'a'.repeat(300)}`], why: 'too long' },
]

for (const { peer, sent, why } of madeIds) {
  t.test(`a request id is made: ${why} (${peer})`, async (t) => {
    const first = echoFields(await ask(dataPlane, web, peer, sent), 'X-Request-Id')
    const second = echoFields(await ask(dataPlane, web, peer, sent), 'X-Request-Id')
    t.match(first, [/^[0-9a-f]{32}$/])
    t.equal(first.length, 1)
    t.not(first[0], second[0], 'each request has its own')
  })
}

t.test('a field that a CGI-like upstream would read as one of ours is refused', async (t) => {
  for (const name of ['X_Forwarded_For', 'x-forwarded_proto', 'X_Real_IP', 'X_Original_URL']) {
    const status = await statusOf(dataPlane, anybody, [`${name}: 203.0.113.7`])
    t.equal(status, 400, name)
  }
})

t.test('without trusted proxies nobody is believed', async (t) => {
  const { plane, upstream } = await startPair(t, [])
  const echo = await ask(plane, upstream, trustedPeer, [
    'X-Forwarded-For: 203.0.113.7',
    'X-Request-Id: abc',
  ])
  t.same(echoFields(echo, 'X-Forwarded-For'), [trustedPeer])
  t.not(echoFields(echo, 'X-Request-Id')[0], 'abc')
})

t.test('facts are settled for each request of a connection anew', async (t) => {
  const client = await connectRaw(dataPlane.port)
  const before = web.requests.length
  for (const address of ['203.0.113.1', '203.0.113.2']) {
    await client.request(`GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: ${address}\r\n\r\n`)
  }
  await client.request('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  client.close()
  t.same(
    web.requests.slice(before).map((echo) => echoFields(echo, 'X-Real-IP')),
    [['203.0.113.1'], ['203.0.113.2'], [trustedPeer]],
  )
})

async function statusOf(
  { port }: InProcess,
  localAddress: string,
  fields: readonly string[],
): Promise<number> {
  const client = await connectRaw(port, { localAddress })
  try {
    return (await client.request(textOf(fields))).status
  } finally {
    client.close()
  }
}
