// What is written as a PROXY header is what Weir's own strict reader of them reads.
import t from 'tap'
import { writeProxyHeader } from './proxy-header.ts'
import { parseProxyHeader } from './proxy-protocol.ts'

const cases = [
  { why: 'IPv4', from: '192.0.2.7', to: '10.0.0.1', read: ['192.0.2.7', '10.0.0.1'] },
  { why: 'IPv6', from: '2001:db8::7', to: 'fd00::1', read: ['2001:db8::7', 'fd00::1'] },
  { why: 'all groups', from: '1:2:3:4:5:6:7:8', to: '::', read: ['1:2:3:4:5:6:7:8', '::'] },
  { why: 'zeros in front', from: '::1', to: '::5:6', read: ['::1', '::5:6'] },
  // The reader gives a mapped address as the IPv4 one that it is.
  { why: 'two families', from: '192.0.2.7', to: 'fd00::1', read: ['192.0.2.7', 'fd00::1'] },
  {
    why: 'an IPv4 end',
    from: '2001:db8::1.2.3.4',
    to: 'fd00::1',
    read: ['2001:db8::102:304', 'fd00::1'],
  },
] as const

for (const { why, from, to, read } of cases) {
  for (const version of ['v1', 'v2'] as const) {
    t.test(`${version}: ${why}`, async (t) => {
      const source = { address: from, port: 65_535 }
      const header = writeProxyHeader(version, source, { address: to, port: 443 })
      const [sourceRead, destinationRead] = read
      t.match(parseProxyHeader(Buffer.concat([header, Buffer.from('rest')])), {
        kind: 'header',
        length: header.length,
        source: { port: 65_535 },
        destination: { address: destinationRead, port: 443 },
      })
      const parsed = parseProxyHeader(header)
      if (typeof parsed === 'string' || parsed.kind === 'error') t.fail('not read')
      else t.match(parsed.source?.address.replace(/^::ffff:/, ''), sourceRead)
    })
  }
}
