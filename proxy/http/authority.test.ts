import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { normaliseHost } from './authority.ts'

const cases = [
  { value: 'a.test', is: 'a.test', why: 'a plain name' },
  { value: 'A.Test', is: 'a.test', why: 'names are compared without case' },
  { value: 'a.test:80', is: 'a.test', why: 'a port does not choose a host' },
  { value: 'a.test:', is: 'a.test', why: 'RFC 3986 §3.2.3 allows an empty port' },
  { value: 'a.test:65535', is: 'a.test', why: 'the last port' },
  { value: 'a.test:65536', is: undefined, why: 'no such port' },
  { value: 'a.test:000080', is: undefined, why: 'more digits than a port has' },
  { value: 'a.test:port', is: undefined, why: 'a port is digits' },
  { value: 'a.test:80:80', is: undefined, why: 'one port only' },
  { value: 'a.test:+80', is: undefined, why: 'a port has no sign' },
  { value: 'a.test.', is: 'a.test', why: 'one trailing dot is the same name' },
  { value: 'a.test.:80', is: 'a.test', why: 'also in front of a port' },
  { value: 'a.test..', is: undefined, why: 'two are an empty label' },
  { value: 'a..test', is: undefined, why: 'an empty label' },
  { value: '.a.test', is: undefined, why: 'an empty first label' },
  { value: '.', is: undefined, why: 'no label at all' },
  { value: '', is: undefined, why: 'RFC 9110 §7.2 allows it for targets without authority only' },
  { value: ':80', is: undefined, why: 'a port without a host' },
  { value: 'under_score.test', is: 'under_score.test', why: 'in use, though no DNS host name' },
  { value: 'xn--bcher-kva.test', is: 'xn--bcher-kva.test', why: 'punycode is plain' },
  { value: '127.0.0.1', is: '127.0.0.1', why: 'an IPv4 address is written like a name' },
  { value: '[::1]', is: '[::1]', why: 'an IPv6 literal' },
  { value: '[::1]:80', is: '[::1]', why: 'with a port' },
  { value: '[2001:DB8::A]', is: '[2001:db8::a]', why: 'hex digits have no case' },
  { value: '[::ffff:1.2.3.4]', is: '[::ffff:1.2.3.4]', why: 'dotted quad at its end' },
  { value: '[::1', is: undefined, why: 'no closing bracket' },
  { value: '::1', is: undefined, why: 'no brackets' },
  { value: '[::g]', is: undefined, why: 'no hex digit' },
  { value: '[::1%eth0]', is: undefined, why: 'a zone means nothing here' },
  { value: '[1.2.3.4]', is: undefined, why: 'brackets are for IPv6' },
  { value: '[::1]x', is: undefined, why: 'nothing between bracket and port' },
  { value: '[::1]:99999', is: undefined, why: 'no such port' },
  { value: 'user@a.test', is: undefined, why: 'no userinfo in Host' },
  { value: 'a.test/x', is: undefined, why: 'no path' },
  { value: 'a.test?x', is: undefined, why: 'no query' },
  { value: 'a.test#x', is: undefined, why: 'no fragment' },
  { value: 'a.test\\', is: undefined, why: 'no backslash' },
  { value: 'a.test,b.test', is: undefined, why: 'no list' },
  { value: 'a.test b.test', is: undefined, why: 'no space' },
  { value: 'a.test%00', is: undefined, why: 'no escapes' },
  { value: '*.a.test', is: undefined, why: 'a wildcard is no host' },
  { value: 'a.test\n', is: undefined, why: '$ must not match in front of a line end' },
  { value: '\xe4.test', is: undefined, why: 'no raw bytes' },
]

for (const { value, is, why } of cases) {
  t.test(`${JSON.stringify(value)} becomes ${is}: ${why}`, async (t) => {
    t.equal(normaliseHost(value), is)
  })
}

t.test('a host of more than 253 chars, a dot and a port is refused', async (t) => {
  const label = 'a'.repeat(63)
  const longest = `${label}.${label}.${label}.${'a'.repeat(61)}`
  t.equal(normaliseHost(`${longest}.:65535`), longest)
  t.equal(normaliseHost('a'.repeat(262)), undefined)
})

t.test('what is normalised stays as it is, and the port and case never matter', async (t) => {
  const label = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/)
  const host = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'))
  const suffix = fc.constantFrom('', '.', ':', ':80', '.:8080')
  assertProperty(
    t,
    fc.property(host, suffix, (host, suffix) => {
      const normalised = normaliseHost(host + suffix)
      return (
        normalised === host.toLowerCase() &&
        normaliseHost(normalised) === normalised &&
        normaliseHost(host.toUpperCase() + suffix) === normalised
      )
    }),
  )
})
