import { isIPv6 } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { formatIpv6, normaliseAddress, parseIpv6 } from './ip-address.ts'
import { assertProperty } from './testing/assert-property.ts'

const cases = [
  { text: '10.0.0.1', is: '10.0.0.1', why: 'IPv4 has one spelling' },
  { text: '10.0.0.01', is: undefined, why: 'a leading zero may mean octal' },
  { text: '10.0.0.256', is: undefined, why: 'an octet ends at 255' },
  { text: '10.0.1', is: undefined, why: 'four octets' },
  { text: '::ffff:203.0.113.7', is: '203.0.113.7', why: 'mapped addresses are IPv4' },
  { text: '::FFFF:cb00:7107', is: '203.0.113.7', why: 'in hex, too' },
  { text: '2001:DB8:0:0:0:0:0:5', is: '2001:db8::5', why: 'lower case, compressed' },
  { text: '2001:db8:0:1:1:1:1:1', is: '2001:db8:0:1:1:1:1:1', why: 'one zero group stays' },
  { text: '1:0:0:2:0:0:0:3', is: '1:0:0:2::3', why: 'the longest run is compressed' },
  { text: '1:0:0:2:3:0:0:4', is: '1::2:3:0:0:4', why: 'of equal runs the first' },
  { text: '::', is: '::', why: 'all zero' },
  { text: '::1', is: '::1', why: 'loopback' },
  { text: '1::', is: '1::', why: 'a run at the end' },
  { text: '64:ff9b::1.2.3.4', is: '64:ff9b::102:304', why: 'an embedded IPv4 that is not mapped' },
  { text: '1.2.3.4::', is: undefined, why: 'IPv4 only at the end' },
  { text: '1:2:3:4:5:6:7::', is: '1:2:3:4:5:6:7:0', why: 'the gap stands for one group' },
  { text: '1:2:3:4:5:6:7:8::', is: undefined, why: 'a gap of nothing' },
  { text: '1::2::3', is: undefined, why: 'two gaps' },
  { text: ':::1', is: undefined, why: 'three colons' },
  { text: ':1:2:3:4:5:6:7', is: undefined, why: 'a group is missing' },
  { text: '12345::', is: undefined, why: 'five digits' },
  { text: 'fe80::1%eth0', is: undefined, why: 'a zone is not part of the address' },
  { text: '[::1]', is: undefined, why: 'nor are brackets' },
  { text: '', is: undefined, why: 'empty' },
  { text: `1${':'.repeat(60)}`, is: undefined, why: 'longer than any address' },
]

for (const { text, is, why } of cases) {
  t.test(`${text} is ${is}: ${why}`, async (t) => {
    t.equal(normaliseAddress(text), is)
  })
}

t.test('formats every address so that it reads back as itself', async (t) => {
  const group = fc.oneof(fc.constant(0), fc.nat(0xffff))
  assertProperty(
    t,
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const text = formatIpv6(groups)
      if (!text.includes(':')) return normaliseAddress(text) === text
      return isIPv6(text) && JSON.stringify(parseIpv6(text)) === JSON.stringify(groups)
    }),
  )
  t.pass()
})

t.test('accepts what inet_pton accepts and nothing else', async (t) => {
  const part = fc.constantFrom(':', '::', '0', '1', 'ffff', 'A', '1.2.3.4', '.', 'g')
  assertProperty(
    t,
    fc.property(fc.array(part, { maxLength: 16 }), (parts) => {
      const text = parts.join('')
      return isIPv6(text) === (parseIpv6(text) !== undefined)
    }),
    { numRuns: 3000 },
  )
  t.pass()
})
