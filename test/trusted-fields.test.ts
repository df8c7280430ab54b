// Which fields of a trusted peer are believed? Over sockets: what an ALB, CloudFront and others write, and what their clients add.
import t from 'tap'
import { compare, type FactsRow, networks, startPair, trustedPeer } from './support/client-facts.ts'
import { connectRaw } from './support/raw-client.ts'
import { echoFields } from './support/upstream.ts'

/** What a client can send through an ALB, which writes three fields and passes on the rest. */
const throughAlb = [
  'X-Forwarded-For: 6.6.6.6, 203.0.113.7',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Port: 443',
  'X-Forwarded-Host: evil.test',
  'X-Forwarded-Prefix: /evil',
  'X-Forwarded-Server: evil.test',
  'Forwarded: for=6.6.6.6;host=evil.test',
  'X-Request-Id: chosen-by-the-client',
  'X-Real-IP: 6.6.6.6',
  'X-Original-URL: /admin',
  'CloudFront-Viewer-Address: 6.6.6.6:1',
  'CloudFront-Forwarded-Proto: http',
  'CF-Connecting-IP: 6.6.6.6',
]
const byAlb = {
  'X-Forwarded-For': '6.6.6.6, 203.0.113.7, 127.0.0.1',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Port': '443',
  'X-Forwarded-Host': 'a.test',
  'X-Forwarded-Prefix': undefined,
  'X-Forwarded-Server': undefined,
  Forwarded: undefined,
  'X-Real-IP': '203.0.113.7',
  'X-Original-URL': undefined,
  'CloudFront-Viewer-Address': undefined,
  'CloudFront-Forwarded-Proto': undefined,
  'CF-Connecting-IP': undefined,
}

const byField: readonly (Omit<FactsRow, 'peer'> & { readonly trust: string | undefined })[] = [
  { trust: undefined, sent: throughAlb, expected: byAlb, why: 'the default is an ALB' },
  { trust: 'alb', sent: throughAlb, expected: byAlb, why: 'a trusted peer is no trusted field' },
  {
    trust: 'none',
    sent: throughAlb,
    expected: {
      ...byAlb,
      'X-Forwarded-For': trustedPeer,
      'X-Forwarded-Proto': 'http',
      'X-Forwarded-Port': '80',
      'X-Real-IP': trustedPeer,
    },
    why: 'nothing is believed',
  },
  {
    trust: 'alb,X-Forwarded-Host,x-forwarded-prefix,X-Original-*',
    sent: throughAlb,
    expected: {
      ...byAlb,
      'X-Forwarded-Host': 'evil.test',
      'X-Forwarded-Prefix': '/evil',
      'X-Original-URL': '/admin',
    },
    why: 'only what is named besides',
  },
  {
    trust: 'cloudfront',
    sent: [
      'X-Forwarded-For: 6.6.6.6, 203.0.113.7, 64.252.0.1',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Port: 80',
      'CloudFront-Viewer-Address: 203.0.113.7:46532',
      'CloudFront-Forwarded-Proto: https',
      'CloudFront-Viewer-Country: DE',
      'X-Forwarded-Host: evil.test',
    ],
    expected: {
      'X-Forwarded-For': '6.6.6.6, 203.0.113.7, 64.252.0.1, 127.0.0.1',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Port': '443',
      'X-Forwarded-Host': 'a.test',
      'X-Real-IP': '203.0.113.7',
      'CloudFront-Viewer-Country': 'DE',
      'CloudFront-Viewer-Address': '203.0.113.7:46532',
    },
    why: 'the viewer is the client, by the word of CloudFront',
  },
  {
    trust: 'cloudfront',
    sent: ['CloudFront-Viewer-Address: [2001:db8::7]:46532'],
    expected: { 'X-Real-IP': '2001:db8::7' },
    why: 'IPv6 in brackets',
  },
  {
    trust: 'alb,forwarded',
    sent: ['Forwarded: for="[2001:db8::7]:4711";proto=https;host=shop.test'],
    expected: {
      'X-Forwarded-For': '[2001:db8::7]:4711, 127.0.0.1',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'shop.test',
      'X-Forwarded-Port': '443',
      'X-Real-IP': '2001:db8::7',
      Forwarded: 'for="[2001:db8::7]:4711";proto=https;host=shop.test',
    },
    why: 'RFC 7239, for proxies that write it',
  },
]

for (const { trust, ...row } of byField) {
  t.test(`trusting ${trust}, ${row.sent.join(' ⏎ ')}: ${row.why}`, async (t) => {
    const more = trust === undefined ? [] : ['--trusted-fields', trust]
    const { plane, upstream } = await startPair(t, [...networks, ...more])
    await compare(t, plane, upstream, { ...row, peer: trustedPeer })
  })
}

const ports = [
  { host: 'a.test', port: '80', why: 'the port of http' },
  { host: 'a.test:8080', port: '8080', why: 'the port that the client asked for' },
  { host: 'a.test:80', port: '80', why: 'written out' },
  { host: '[2001:db8::1]', port: '80', why: 'colons of an address' },
  { host: '[2001:db8::1]:8443', port: '8443', why: 'an address with a port' },
]

for (const { host, port, why } of ports) {
  t.test(`X-Forwarded-Port of Host ${host} is ${port}: ${why}`, async (t) => {
    const { plane, upstream } = await startPair(t, [], { routes: [{ host: '' }] })
    const client = await connectRaw(plane.port)
    await client.request(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    client.close()
    t.same(echoFields(upstream.requests.at(-1), 'X-Forwarded-Port'), [port])
  })
}
