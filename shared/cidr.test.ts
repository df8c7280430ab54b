import fc from 'fast-check'
import t from 'tap'
import { createCidrSet, parseCidr } from './cidr.ts'
import { assertProperty } from './testing/assert-property.ts'

const members = [
  { list: ['10.0.0.0/8'], address: '10.255.0.1', has: true, why: 'inside' },
  { list: ['10.0.0.0/8'], address: '11.0.0.0', has: false, why: 'just past the end' },
  {
    list: ['10.1.2.3/8'],
    address: '10.9.9.9',
    has: true,
    why: 'bits below the prefix do not count',
  },
  { list: ['192.0.2.7'], address: '192.0.2.7', has: true, why: 'a single address is a /32' },
  { list: ['192.0.2.7'], address: '192.0.2.8', has: false, why: 'and no more than that' },
  { list: ['0.0.0.0/0'], address: '203.0.113.9', has: true, why: '/0 is all of IPv4' },
  { list: ['0.0.0.0/0'], address: '2001:db8::1', has: false, why: 'but not IPv6' },
  { list: ['::/0'], address: '2001:db8::1', has: true, why: '::/0 is all of IPv6' },
  { list: ['::/0'], address: '203.0.113.9', has: false, why: 'but not IPv4' },
  { list: ['::/0'], address: '::ffff:203.0.113.9', has: false, why: 'however IPv4 is written' },
  {
    list: ['10.0.0.0/8'],
    address: '::ffff:10.0.0.1',
    has: true,
    why: 'dual-stack sockets map IPv4',
  },
  { list: ['10.0.0.0/8'], address: '::ffff:a00:1', has: true, why: 'mapped, in hexadecimal' },
  { list: ['10.0.0.0/8'], address: '0:0:0:0:0:FFFF:0a00:0001', has: true, why: 'mapped, in full' },
  {
    list: ['::ffff:10.0.0.0/104'],
    address: '10.7.7.7',
    has: true,
    why: 'a mapped network is IPv4',
  },
  { list: ['::ffff:10.0.0.0/104'], address: '11.7.7.7', has: false, why: 'with its own prefix' },
  { list: ['2001:db8::/32'], address: '2001:db8:ffff::1', has: true, why: 'IPv6 inside' },
  { list: ['2001:db8::/32'], address: '2001:db9::1', has: false, why: 'IPv6 outside' },
  {
    list: ['fe80::/10'],
    address: 'fe80::1%eth0',
    has: true,
    why: 'a peer with a zone is its address',
  },
  {
    list: ['10.0.0.0/8', 'fd00::/8'],
    address: 'fd12::1',
    has: true,
    why: 'families mix in a list',
  },
  { list: [], address: '10.0.0.1', has: false, why: 'nothing is in an empty list' },
  { list: ['0.0.0.0/0', '::/0'], address: '', has: false, why: 'no address is in no list' },
  { list: ['0.0.0.0/0', '::/0'], address: 'unknown', has: false, why: 'nor is a word' },
  { list: ['0.0.0.0/0'], address: '10.0.0.1:80', has: false, why: 'nor an address with a port' },
  { list: ['0.0.0.0/0'], address: '010.0.0.1', has: false, why: 'octal notation is ambiguous' },
]

for (const { list, address, has, why } of members) {
  t.test(`[${list}] ${has ? 'has' : 'has not'} '${address}': ${why}`, async (t) => {
    t.equal(createCidrSet(list).has(address), has)
  })
}

const refused = [
  { text: '', why: 'empty' },
  { text: 'example.com', why: 'a name' },
  { text: '10.0.0.0/33', why: 'longer than the address' },
  { text: '2001:db8::/129', why: 'longer than the address' },
  { text: '10.0.0.0/', why: 'no digits' },
  { text: '10.0.0.0/-1', why: 'negative' },
  { text: '10.0.0.0/08', why: 'octal or decimal?' },
  { text: '10.0.0.0/8/8', why: 'two prefixes' },
  { text: '10.0.0.0/255.0.0.0', why: 'a netmask is not CIDR' },
  { text: '10.0.0/8', why: 'three octets' },
  { text: ' 10.0.0.0/8', why: 'white space is the caller’s to trim' },
  { text: 'fe80::1%eth0', why: 'a zone has no meaning in a list' },
  { text: '10.0.0.1\n0.0.0.0/0', why: 'one line hides another' },
]

for (const { text, why } of refused) {
  t.test(`${JSON.stringify(text)} is refused: ${why}`, async (t) => {
    t.equal(parseCidr(text).ok, false)
    t.throws(() => createCidrSet([text]), RangeError)
  })
}

t.test(
  'membership equals comparing the first bits, for any IPv4 network and address',
  async (t) => {
    const octet = fc.integer({ min: 0, max: 255 })
    const address = fc.tuple(octet, octet, octet, octet)
    assertProperty(
      t,
      fc.property(address, address, fc.integer({ min: 0, max: 32 }), (network, probe, prefix) => {
        const bits = (parts: readonly number[]) =>
          parts.map((part) => part.toString(2).padStart(8, '0')).join('')
        const expected = bits(network).slice(0, prefix) === bits(probe).slice(0, prefix)
        return createCidrSet([`${network.join('.')}/${prefix}`]).has(probe.join('.')) === expected
      }),
      { numRuns: 500 },
    )
  },
)
