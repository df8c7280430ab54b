import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { followForwardedFor, memberAt, parseMember, parseViewerAddress } from './forwarded-for.ts'

const members = [
  { text: '203.0.113.7', is: '203.0.113.7', why: 'ip' },
  { text: '203.0.113.7:40001', is: '203.0.113.7', why: 'ip:port (ALB xff_client_port)' },
  { text: '[2001:DB8::7]', is: '2001:db8::7', why: '[v6]' },
  { text: '[2001:db8::7]:443', is: '2001:db8::7', why: '[v6]:port' },
  { text: '2001:db8::7', is: '2001:db8::7', why: 'bare v6 (ALB without ports)' },
  { text: '"[2001:db8::7]:443"', is: '2001:db8::7', why: 'quoted (RFC 7239)' },
  { text: '"203.0.113.7"', is: '203.0.113.7', why: 'quoted without need' },
  { text: '::ffff:203.0.113.7', is: '203.0.113.7', why: 'mapped' },
  { text: '[::ffff:203.0.113.7]:1', is: '203.0.113.7', why: 'mapped with port' },
  { text: 'unknown', is: 'hidden', why: 'unknown (RFC 7239 §6.2)' },
  { text: 'Unknown', is: 'hidden', why: 'in any case' },
  { text: '_gateway.1', is: 'hidden', why: 'obfuscated (RFC 7239 §6.3)' },
  { text: 'unix:', is: 'hidden', why: 'nginx, of a client on a Unix socket' },
  { text: '"203.0.113.7', is: undefined, why: 'an open quote' },
  { text: '203.0.113.7:', is: undefined, why: 'an empty port' },
  { text: '203.0.113.7:123456', is: undefined, why: 'a port of six digits' },
  { text: '[203.0.113.7]', is: undefined, why: 'brackets are for IPv6' },
  { text: '203.0.113:80', is: undefined, why: 'three octets' },
  { text: '203.0.113.07', is: undefined, why: 'a leading zero' },
  { text: 'a.test', is: undefined, why: 'a name' },
  { text: 'for=1.2.3.4', is: undefined, why: 'another syntax' },
  { text: `_${'a'.repeat(64)}`, is: undefined, why: 'too long' },
]

for (const { text, is, why } of members) {
  t.test(`${text.slice(0, 40)} is ${is}: ${why}`, async (t) => {
    t.equal(parseMember(text), is)
  })
}

const trusted = { has: (address: string) => address.startsWith('10.') }

const lists = [
  { list: '', client: '10.0.0.1', chain: '10.0.0.1', why: 'no list: the peer itself' },
  { list: ' , ,', client: '10.0.0.1', chain: '10.0.0.1', why: 'empty members count for nothing' },
  { list: ',', client: '10.0.0.1', chain: '10.0.0.1', why: 'nor does a comma alone' },
  { list: '1.1.1.1', client: '1.1.1.1', chain: '1.1.1.1, 10.0.0.1', why: 'one client' },
  {
    list: '6.6.6.6,1.1.1.1',
    client: '1.1.1.1',
    chain: '6.6.6.6, 1.1.1.1, 10.0.0.1',
    why: 'the right-most untrusted one',
  },
  {
    list: '6.6.6.6, 1.1.1.1, 10.0.0.9, 10.0.0.8',
    client: '1.1.1.1',
    chain: '6.6.6.6, 1.1.1.1, 10.0.0.9, 10.0.0.8, 10.0.0.1',
    why: 'past trusted ones',
  },
  {
    list: '10.0.0.9, 10.0.0.8',
    client: '10.0.0.9',
    chain: '10.0.0.9, 10.0.0.8, 10.0.0.1',
    why: 'all trusted: the left-most',
  },
  {
    list: '1.1.1.1, unknown, 10.0.0.8',
    client: '10.0.0.8',
    chain: '1.1.1.1, unknown, 10.0.0.8, 10.0.0.1',
    why: 'a hidden hop ends what is known',
  },
  {
    list: '1.1.1.1, nonsense, 10.0.0.8',
    client: '10.0.0.8',
    chain: '10.0.0.8, 10.0.0.1',
    why: 'a malformed hop ends the list',
  },
  {
    list: '1.1.1.1, nonsense',
    client: '10.0.0.1',
    chain: '10.0.0.1',
    why: 'nothing is left of it',
  },
  {
    list: '::ffff:10.0.0.9, 10.0.0.8:1',
    client: '10.0.0.9',
    chain: '::ffff:10.0.0.9, 10.0.0.8:1, 10.0.0.1',
    why: 'compared normalised, passed on as sent',
  },
]

for (const { list, client, chain, why } of lists) {
  t.test(`"${list}" comes from ${client}: ${why}`, async (t) => {
    const { hops, ...followed } = followForwardedFor(list, '10.0.0.1', trusted)
    t.strictSame(followed, { client, chain })
  })
}

const viewers = [
  { text: '198.51.100.10:46532', is: '198.51.100.10', why: 'as documented' },
  { text: '[2001:DB8::7]:46532', is: '2001:db8::7', why: 'IPv6 in brackets' },
  { text: '2001:db8::7:46532', is: '2001:db8::7', why: 'without: the last number is the port' },
  { text: '2001:db8:1:2:3:4:5:6:46532', is: '2001:db8:1:2:3:4:5:6', why: 'not shortened' },
  { text: '198.51.100.10', is: '198.51.100.10', why: 'no port' },
  { text: '198.51.100.10:', is: undefined, why: 'an empty port' },
  { text: '[198.51.100.10', is: undefined, why: 'half a bracket' },
  { text: 'a.test:80', is: undefined, why: 'a name' },
  { text: '', is: undefined, why: 'nothing' },
]

for (const { text, is, why } of viewers) {
  t.test(`CloudFront-Viewer-Address ${text} is ${is}: ${why}`, async (t) => {
    t.equal(parseViewerAddress(text), is)
  })
}

const positions = [
  { list: 'a, b, c', hops: 0, is: 'c', why: 'the nearest' },
  { list: 'a, b, c', hops: 1, is: 'b', why: 'behind one hop' },
  { list: 'a, b, c', hops: 2, is: 'a', why: 'the first' },
  { list: 'a, b, c', hops: 9, is: 'a', why: 'fewer members than hops' },
  { list: ' a ,, ,b, ', hops: 1, is: 'a', why: 'empty members are no members' },
  { list: ',', hops: 0, is: '', why: 'no member' },
  { list: '', hops: 0, is: '', why: 'no list' },
  { list: undefined, hops: 1, is: '', why: 'no field' },
]

for (const { list, hops, is, why } of positions) {
  t.test(`"${list}" has "${is}" at ${hops}: ${why}`, async (t) => {
    t.equal(memberAt(list, hops), is)
  })
}

t.test('keeps thirty members at most, the right-most ones', async (t) => {
  const list = Array.from({ length: 100 }, (_, i) => `10.0.0.${i}`).join(', ')
  const { client, chain } = followForwardedFor(list, '10.0.0.1', trusted)
  t.equal(client, '10.0.0.71')
  t.equal(chain.split(', ').length, 30)
  t.ok(chain.endsWith('10.0.0.99, 10.0.0.1'))
  t.equal(followForwardedFor(','.repeat(60_000), '10.0.0.1', trusted).client, '10.0.0.1')
})

/** The oracle: the rules in their own words, over a list that is split first. */
function follow(list: string): { client: string; hops: number } {
  const addresses = ['10.0.0.1']
  for (const member of list.split(',').reverse().slice(0, 29)) {
    const text = member.trim()
    if (text === '') continue
    const address = parseMember(text)
    if (address === undefined || address === 'hidden') break
    addresses.push(address)
  }
  const first = addresses.findIndex((address) => !trusted.has(address))
  const found = first === -1 ? addresses.length - 1 : first
  return { client: addresses[found] ?? '', hops: first === -1 ? addresses.length - 1 : first - 1 }
}

t.test('finds the client that the rules name', async (t) => {
  const member = fc.constantFrom(
    '10.0.0.2',
    '10.0.0.3:80',
    '1.1.1.1',
    '"2.2.2.2"',
    '[2001:db8::1]',
    'unknown',
    '_x',
    '',
    ' ',
    'bad',
    '::ffff:10.9.9.9',
  )
  assertProperty(
    t,
    fc.property(
      fc.array(member, { maxLength: 40 }),
      fc.constantFrom(',', ', ', ' ,\t'),
      (list, comma) => {
        const text = list.join(comma)
        const { client, chain, hops } = followForwardedFor(text, '10.0.0.1', trusted)
        const expected = follow(text)
        return client === expected.client && hops === expected.hops && chain.endsWith('10.0.0.1')
      },
    ),
    { numRuns: 2000 },
  )
  assertProperty(
    t,
    fc.property(fc.string(), (text) => followForwardedFor(text, '10.0.0.1', trusted).client !== ''),
  )
  t.pass()
})
