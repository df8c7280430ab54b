import t from 'tap'
import type { ProxyHeader } from '../net/proxy-protocol.ts'
import { clientFacts, connectionFacts, settleFacts } from './forwarded.ts'

const trusted = { has: (address: string) => address.startsWith('10.') }
/** The facts of a connection from `peerAddress`, behind a PROXY header or not. */
function peerFacts(
  peerAddress: string,
  listenPort: number,
  header?: Pick<ProxyHeader, 'source' | 'destination'>,
) {
  return connectionFacts({
    peerAddress,
    proxySource: header?.source,
    proxyDestination: header?.destination,
    trusted,
    listenPort,
  })
}

const nothing = {
  forwardedFor: undefined,
  forwardedProto: undefined,
  forwardedHost: undefined,
  forwardedPort: undefined,
  authority: 'a.test:9999',
  otherForwarded: '',
  requestId: '',
}
const lies = {
  otherForwarded: '',
  requestId: '',
  forwardedFor: '6.6.6.6',
  forwardedProto: 'https',
  forwardedHost: 'evil.test',
  forwardedPort: '443',
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
    is: ['203.0.113.7', 'http', '203.0.113.7', 'a.test', '9999'],
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
    is: ['6.6.6.6', 'http', '6.6.6.6, 10.0.0.1', 'a.test', '9999'],
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
    why: 'of a list the last member is from the nearest proxy',
  },
  {
    peer: '10.0.0.1',
    header: undefined,
    fields: { ...lies, forwardedPort: '65536' },
    is: ['6.6.6.6', 'https', '6.6.6.6, 10.0.0.1', 'evil.test', '9999'],
    why: 'ports end at 65535',
  },
] as const

for (const { peer, header, fields, is, why } of peers) {
  t.test(`${peer}${header ? ' with PROXY header' : ''}: ${why}`, async (t) => {
    const facts = clientFacts(peerFacts(peer, 9999, header), fields)
    const { clientAddress, scheme, forwardedFor, forwardedHost, forwardedPort } = facts
    t.strictSame([clientAddress, scheme, forwardedFor, forwardedHost, forwardedPort], is)
  })
}

const direct = peerFacts('203.0.113.7', 80)
const viaProxy = peerFacts('10.0.0.1', 80)
const head = { ...lies, otherForwarded: 'Forwarded: for=6.6.6.6\r\n', requestId: 'mine-1' }
const createRequestId = () => 'made'

t.test('an untrusted peer leaves no trace in the lines for the upstream', async (t) => {
  const facts = settleFacts(direct, head, createRequestId)
  t.strictSame(facts, {
    clientAddress: '203.0.113.7',
    scheme: 'http',
    requestId: 'made',
    lines:
      'X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n' +
      'X-Real-IP: 203.0.113.7\r\nX-Forwarded-Host: a.test\r\nX-Request-Id: made\r\n',
  })
})

t.test('what a trusted peer says goes on, with the peer appended', async (t) => {
  const facts = settleFacts(viaProxy, head, createRequestId)
  t.strictSame(facts, {
    clientAddress: '6.6.6.6',
    scheme: 'https',
    requestId: 'mine-1',
    lines:
      'X-Forwarded-For: 6.6.6.6, 10.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n' +
      'X-Real-IP: 6.6.6.6\r\nX-Forwarded-Host: evil.test\r\nX-Request-Id: mine-1\r\n' +
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
