import t from 'tap'
import { readTrustedFields } from '../../shared/trusted-fields.ts'
import type { ProxyHeader } from '../net/proxy-protocol.ts'
import { clientFacts, connectionFacts, type ForwardedFields, settleFacts } from './forwarded.ts'
import { silentHead } from './testing/silent-head.ts'

const trusted = { has: (address: string) => address.startsWith('10.') }
/** The facts of a connection from `peerAddress`, behind a PROXY header or not. */
function peerFacts(
  peerAddress: string,
  trustedFields: readonly string[],
  header?: Pick<ProxyHeader, 'source' | 'destination'>,
) {
  const connection = {
    peerAddress,
    localPort: 9999,
    isSecure: false,
    proxySource: header?.source,
    proxyDestination: header?.destination,
  }
  const fields = readTrustedFields(trustedFields)
  return connectionFacts(connection, {
    trusted,
    believedOf: (address) => (trusted.has(address) ? fields : undefined),
    forwardedForField: undefined,
    nginx: undefined,
    isAsSkipper: false,
  })
}

t.test('the scheme of a connection', async (t) => {
  const rules = {
    trusted,
    believedOf: () => undefined,
    forwardedForField: undefined,
    nginx: undefined,
    isAsSkipper: false,
  }
  const rows: readonly (readonly [isSecure: boolean, port: number | undefined, string, string])[] =
    [
      [false, undefined, 'http', 'the plain port'],
      [true, undefined, 'https', 'the port that speaks TLS'],
      [false, 443, 'https', 'TLS ended at the load balancer, which says so by its port'],
      [false, 80, 'http', 'it did not'],
      [true, 8443, 'https', 'TLS ends here, whatever port of the load balancer leads here'],
      [true, 80, 'https', 'even if that is the port of plain HTTP'],
    ]
  for (const [isSecure, port, scheme, why] of rows) {
    const proxyDestination = port === undefined ? undefined : { address: '10.0.0.1', port }
    const connection = { peerAddress: '10.0.0.9', localPort: 9443, isSecure }
    const facts = connectionFacts(
      { ...connection, proxySource: undefined, proxyDestination },
      rules,
    )
    t.equal(facts.scheme, scheme, why)
  }
})

const nothing = { ...silentHead, authority: 'a.test:9999' }
const lies = {
  otherForwarded: '',
  requestId: '',
  forwardedFor: '6.6.6.6',
  forwardedProto: 'https',
  forwardedHost: 'evil.test',
  forwardedPort: '443',
  realIp: '7.7.7.7',
  authority: 'a.test',
}
const v1 = {
  source: { address: '192.168.0.1', port: 56324 },
  destination: { address: '192.168.0.11', port: 1234 },
}
const from10 = { ...v1, source: { address: '10.0.0.1', port: 1 } }
const tls = { ...v1, destination: { address: '192.168.0.11', port: 443 } }

const peers = [
  {
    peer: '203.0.113.7',
    header: undefined,
    fields: nothing,
    is: ['203.0.113.7', 'http', '203.0.113.7', 'a.test:9999', '9999'],
    why: 'a client that comes directly',
  },
  {
    peer: '::ffff:203.0.113.7',
    header: undefined,
    fields: nothing,
    is: ['203.0.113.7', 'http', '203.0.113.7', 'a.test:9999', '9999'],
    why: 'a dual-stack socket',
  },
  {
    peer: '203.0.113.7',
    header: undefined,
    fields: lies,
    is: ['203.0.113.7', 'http', '203.0.113.7', 'a.test', '80'],
    why: 'nothing from an untrusted peer is believed',
  },
  {
    peer: '10.0.0.1',
    header: v1,
    fields: lies,
    is: ['192.168.0.1', 'http', '192.168.0.1', 'a.test', '1234'],
    why: 'the PROXY source is the peer, and not trusted (ingress-nginx e2e)',
  },
  {
    peer: '10.0.0.1',
    header: tls,
    fields: nothing,
    is: ['192.168.0.1', 'https', '192.168.0.1', 'a.test:9999', '443'],
    why: 'destination port 443 means https (ingress-nginx e2e)',
  },
  {
    peer: '203.0.113.7',
    header: from10,
    fields: lies,
    is: ['6.6.6.6', 'https', '6.6.6.6, 10.0.0.1', 'evil.test', '443'],
    why: 'a trusted PROXY source is believed',
  },
  {
    peer: '10.0.0.1',
    header: { source: undefined, destination: undefined },
    fields: nothing,
    is: ['10.0.0.1', 'http', '10.0.0.1', 'a.test:9999', '9999'],
    why: 'LOCAL: the socket counts',
  },
  {
    peer: '10.0.0.1',
    header: undefined,
    fields: lies,
    is: ['6.6.6.6', 'https', '6.6.6.6, 10.0.0.1', 'evil.test', '443'],
    why: 'a trusted peer is believed',
  },
  {
    peer: '10.0.0.1',
    header: undefined,
    fields: { ...nothing, forwardedFor: '6.6.6.6, 198.51.100.2' },
    is: ['198.51.100.2', 'http', '6.6.6.6, 198.51.100.2, 10.0.0.1', 'a.test:9999', '9999'],
    why: 'behind an ALB the entry that it added is the client',
  },
  {
    peer: '10.0.0.1',
    header: undefined,
    fields: { ...lies, forwardedProto: 'gopher', forwardedHost: 'a b', forwardedPort: '0' },
    is: ['6.6.6.6', 'http', '6.6.6.6, 10.0.0.1', 'a.test', '80'],
    why: 'malformed values count for nothing',
  },
  {
    peer: '10.0.0.1',
    header: undefined,
    fields: {
      ...lies,
      forwardedProto: 'http, HTTPS',
      forwardedHost: 'x.test, [2001:db8::1]:8443',
      forwardedPort: '80 , 8443',
    },
    is: ['6.6.6.6', 'https', '6.6.6.6, 10.0.0.1', '[2001:db8::1]:8443', '8443'],
    why: 'of a list the last member is from the nearest proxy, which is all that is trusted',
  },
  {
    peer: '10.0.0.1',
    header: undefined,
    fields: { ...lies, forwardedPort: '65536' },
    is: ['6.6.6.6', 'https', '6.6.6.6, 10.0.0.1', 'evil.test', '443'],
    why: 'ports end at 65535',
  },
] as const

for (const { peer, header, fields, is, why } of peers) {
  t.test(`${peer}${header ? ' with PROXY header' : ''}: ${why}`, async (t) => {
    const facts = clientFacts(peerFacts(peer, ['all'], header), fields)
    const { clientAddress, scheme, forwardedFor, forwardedHost, forwardedPort } = facts
    t.strictSame([clientAddress, scheme, forwardedFor, forwardedHost, forwardedPort], is)
  })
}

/** What is sent by 10.0.0.1 besides Host a.test, and what becomes of it when these fields are trusted. */
const trusting: readonly {
  readonly trust: readonly string[]
  readonly sent: Partial<ForwardedFields>
  readonly is: readonly [client: string, scheme: string, host: string, port: string]
  readonly why: string
}[] = [
  {
    trust: ['alb'],
    sent: lies,
    is: ['6.6.6.6', 'https', 'a.test', '443'],
    why: 'an ALB writes no X-Forwarded-Host: this one is the client’s',
  },
  {
    trust: ['none'],
    sent: lies,
    is: ['10.0.0.1', 'http', 'a.test', '80'],
    why: 'nothing is believed of anybody',
  },
  {
    trust: ['X-Forwarded-For'],
    sent: lies,
    is: ['6.6.6.6', 'http', 'a.test', '80'],
    why: 'one field alone, by its name in any case',
  },
  {
    trust: ['x-real-ip'],
    sent: lies,
    is: ['7.7.7.7', 'http', 'a.test', '80'],
    why: 'nginx may write X-Real-IP only',
  },
  {
    trust: ['alb', 'x-forwarded-host'],
    sent: { ...lies, forwardedHost: 'shop.test:8443', forwardedPort: undefined },
    is: ['6.6.6.6', 'https', 'shop.test:8443', '8443'],
    why: 'a preset and a name; the port is that of the host that is believed',
  },
  {
    trust: ['alb'],
    sent: { forwardedFor: '6.6.6.6', forwardedProto: 'https' },
    is: ['6.6.6.6', 'https', 'a.test', '443'],
    why: 'without a port anywhere it is that of the scheme',
  },
  {
    trust: ['alb'],
    sent: { forwardedFor: '6.6.6.6', forwardedProto: 'https', authority: 'a.test:8443' },
    is: ['6.6.6.6', 'https', 'a.test:8443', '8443'],
    why: 'the port of Host is nearer to the truth than that of the scheme',
  },
  {
    trust: ['alb'],
    sent: { authority: '[2001:db8::1]' },
    is: ['10.0.0.1', 'http', '[2001:db8::1]', '80'],
    why: 'an IPv6 address has colons without having a port',
  },
  {
    trust: ['alb'],
    sent: { authority: 'a.test:' },
    is: ['10.0.0.1', 'http', 'a.test:', '80'],
    why: 'an empty port is none (RFC 9110 §4.2.1)',
  },
  {
    trust: ['alb'],
    sent: { forwardedProto: 'wss', forwardedFor: '6.6.6.6' },
    is: ['6.6.6.6', 'https', 'a.test', '443'],
    why: 'Traefik says wss of a WebSocket',
  },
  {
    trust: ['alb'],
    sent: { forwardedProto: 'https, http', forwardedFor: '6.6.6.6' },
    is: ['6.6.6.6', 'http', 'a.test', '80'],
    why: 'one trusted hop: what is left of its word is the client’s',
  },
  {
    trust: ['alb'],
    sent: {
      forwardedProto: 'https, http',
      forwardedFor: '6.6.6.6, 10.0.0.9',
      forwardedPort: '443,80',
    },
    is: ['6.6.6.6', 'https', 'a.test', '443'],
    why: 'two trusted hops: the outer one knows how the client came',
  },
  {
    trust: ['alb'],
    sent: { forwardedProto: 'https', forwardedFor: '6.6.6.6, 10.0.0.9, 10.0.0.8' },
    is: ['6.6.6.6', 'https', 'a.test', '443'],
    why: 'most proxies write one value whatever came: the only word there is',
  },
  {
    trust: ['alb', 'forwarded'],
    sent: { otherForwarded: 'Forwarded: for="[2001:DB8::7]:4711";proto=https;host=shop.test\r\n' },
    is: ['2001:db8::7', 'https', 'shop.test', '443'],
    why: 'Forwarded where it is trusted (RFC 7239)',
  },
  {
    trust: ['alb', 'forwarded'],
    sent: {
      otherForwarded:
        'Forwarded: for=6.6.6.6;proto=http\r\nForwarded: for=1.1.1.1;proto=https, For=10.0.0.9;PROTO=http\r\n',
    },
    is: ['1.1.1.1', 'https', 'a.test', '443'],
    why: 'its hops are followed as those of X-Forwarded-For',
  },
  {
    trust: ['alb', 'forwarded'],
    sent: { ...lies, otherForwarded: 'Forwarded: for=9.9.9.9;proto=http;host=h.test\r\n' },
    is: ['6.6.6.6', 'https', 'h.test', '443'],
    why: 'where both are there X-Forwarded-* count',
  },
  {
    trust: ['alb', 'forwarded'],
    sent: { otherForwarded: 'Forwarded: for=9.9.9.9;proto=https, nonsense\r\n' },
    is: ['10.0.0.1', 'http', 'a.test', '80'],
    why: 'a malformed one says nothing',
  },
  {
    trust: ['alb'],
    sent: { otherForwarded: 'Forwarded: for=9.9.9.9;proto=https;host=evil.test\r\n' },
    is: ['10.0.0.1', 'http', 'a.test', '80'],
    why: 'behind an ALB Forwarded is the client’s',
  },
  {
    trust: ['cloudfront'],
    sent: {
      forwardedFor: '6.6.6.6, 198.51.100.10, 64.252.0.1',
      forwardedProto: 'http',
      forwardedPort: '80',
      otherForwarded:
        'CloudFront-Viewer-Address: 198.51.100.10:46532\r\nCloudFront-Forwarded-Proto: https\r\n',
    },
    is: ['198.51.100.10', 'https', 'a.test', '443'],
    why: 'what CloudFront saw counts, not what the ALB saw of CloudFront',
  },
  {
    trust: ['cloudfront'],
    sent: { otherForwarded: 'CloudFront-Viewer-Address: 2001:db8:0:0:0:8a2e:370:7334:46532\r\n' },
    is: ['2001:db8::8a2e:370:7334', 'http', 'a.test', '80'],
    why: 'IPv6 without brackets',
  },
  {
    trust: ['cloudfront'],
    sent: { forwardedFor: '198.51.100.10, 64.252.0.1', forwardedProto: 'https' },
    is: ['64.252.0.1', 'https', 'a.test', '443'],
    why: 'a distribution that adds none of its fields: what the ALB wrote',
  },
  {
    trust: ['alb'],
    sent: {
      forwardedFor: '64.252.0.1',
      otherForwarded: 'CloudFront-Viewer-Address: 6.6.6.6:1\r\n',
    },
    is: ['64.252.0.1', 'http', 'a.test', '80'],
    why: 'without CloudFront in front its fields are the client’s',
  },
]

for (const { trust, sent, is, why } of trusting) {
  t.test(`${trust} trusted, ${JSON.stringify(sent)}: ${why}`, async (t) => {
    const fields = { ...nothing, authority: 'a.test', ...sent }
    const facts = clientFacts(peerFacts('10.0.0.1', trust), fields)
    t.strictSame([facts.clientAddress, facts.scheme, facts.forwardedHost, facts.forwardedPort], is)
  })
}

t.test('the port of a PROXY header is better than that of Host', async (t) => {
  const facts = clientFacts(peerFacts('10.0.0.1', ['none'], v1), { ...nothing, authority: 'a:81' })
  t.equal(facts.forwardedPort, '1234')
})

const direct = peerFacts('203.0.113.7', ['all'])
const viaProxy = peerFacts('10.0.0.1', ['all'])
const head = { ...lies, otherForwarded: 'Forwarded: for=6.6.6.6\r\n', requestId: 'mine-1' }
const createRequestId = () => 'made'

t.test('an untrusted peer leaves no trace in the lines for the upstream', async (t) => {
  const facts = settleFacts(direct, head, createRequestId)
  t.strictSame(facts, {
    clientAddress: '203.0.113.7',
    scheme: 'http',
    requestId: 'made',
    lines:
      'X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: http\r\nX-Real-IP: 203.0.113.7\r\n' +
      'X-Forwarded-Host: a.test\r\nX-Forwarded-Port: 80\r\nX-Request-Id: made\r\n',
  })
})

t.test('what a trusted peer says goes on, with the peer appended', async (t) => {
  const facts = settleFacts(viaProxy, head, createRequestId)
  t.strictSame(facts, {
    clientAddress: '6.6.6.6',
    scheme: 'https',
    requestId: 'mine-1',
    lines:
      'X-Forwarded-For: 6.6.6.6, 10.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Real-IP: 6.6.6.6\r\n' +
      'X-Forwarded-Host: evil.test\r\nX-Forwarded-Port: 443\r\nX-Request-Id: mine-1\r\n' +
      'Forwarded: for=6.6.6.6\r\n',
  })
})

t.test('a malformed id of a trusted peer is replaced', async (t) => {
  t.equal(settleFacts(viaProxy, { ...head, requestId: 'a b' }, createRequestId).requestId, 'made')
})

t.test('a request without Host has no X-Forwarded-Host', async (t) => {
  const { lines } = settleFacts(direct, { ...head, authority: '' }, createRequestId)
  t.notMatch(lines, /X-Forwarded-Host/)
})
