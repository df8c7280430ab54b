import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { readForwarded } from './forwarded-field.ts'

const rows = [
  { value: '', lists: ['', '', ''], why: 'nothing' },
  { value: ' , ,', lists: ['', '', ''], why: 'empty members mean nothing' },
  {
    value: 'for="_gazonk"',
    lists: ['_gazonk', '*', '*'],
    why: 'RFC 7239 §4, first example',
  },
  {
    value: 'For="[2001:db8:cafe::17]:4711"',
    lists: ['[2001:db8:cafe::17]:4711', '*', '*'],
    why: 'names have no case',
  },
  {
    value: 'for=192.0.2.60;proto=http;by=203.0.113.43',
    lists: ['192.0.2.60', 'http', '*'],
    why: 'by is not asked for',
  },
  {
    value: 'for=192.0.2.43, for=198.51.100.17;host="a.test:8443"',
    lists: ['192.0.2.43, 198.51.100.17', '*, *', '*, a.test:8443'],
    why: 'lists stay in step',
  },
  {
    value: 'for=[2001:db8::1]:80 ; proto=https',
    lists: ['[2001:db8::1]:80', 'https', '*'],
    why: 'without quotes, and with spaces, as some write it',
  },
  { value: 'for="a\\"b"', lists: ['unknown', '*', '*'], why: 'no member of a list' },
  { value: 'for="a, b";host=h', lists: ['unknown', '*', 'h'], why: 'nor is a comma' },
  { value: 'for=', lists: ['unknown', '*', '*'], why: 'an empty value' },
  { value: 'for=a;for=b', lists: undefined, why: 'a parameter twice in one element' },
  { value: 'for', lists: undefined, why: 'no value' },
  { value: 'for=a;', lists: undefined, why: 'a separator without a parameter' },
  { value: 'for="a', lists: undefined, why: 'an open quote' },
  { value: 'for=a b', lists: undefined, why: 'two words' },
  { value: 'for = a', lists: undefined, why: 'spaces around =' },
  { value: '10.0.0.1', lists: undefined, why: 'another syntax' },
] as const

for (const { value, lists, why } of rows) {
  t.test(`${value || 'nothing'}: ${why}`, async (t) => {
    const [forwardedFor, forwardedProto, forwardedHost] = lists ?? []
    const expected = lists && { forwardedFor, forwardedProto, forwardedHost }
    t.strictSame(readForwarded(value), expected)
  })
}

t.test('reads back what it is written as, and never throws', async (t) => {
  const node = fc.constantFrom('1.1.1.1', '[2001:db8::1]:80', 'unknown', '_x')
  assertProperty(
    t,
    fc.property(fc.array(node), (nodes) => {
      const value = nodes.map((one) => `proto=http;for="${one}"`).join(' , ')
      return readForwarded(value)?.forwardedFor === nodes.join(', ')
    }),
  )
  const piece = fc.constantFrom('for', '=', '"', ';', ',', ' ', '\\', 'a', '[::1]')
  assertProperty(
    t,
    fc.property(fc.array(piece), (pieces) => {
      const lists = readForwarded(pieces.join(''))
      if (lists === undefined) return true
      const counts = Object.values(lists).map((list) => list.split(',').length)
      return new Set(counts).size === 1
    }),
    { numRuns: 5000 },
  )
  t.pass()
})
