import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../testing/assert-property.ts'
import { firstParameter } from './query-parameter.ts'

const rows = [
  { query: '', name: 'a', found: undefined, why: 'no query' },
  { query: '?', name: 'a', found: undefined, why: 'an empty one' },
  { query: '?a=1', name: 'a', found: '1', why: 'the plain case' },
  { query: '?b=2&a=1&c=3', name: 'a', found: '1', why: 'in the middle' },
  { query: '?a=1&a=2', name: 'a', found: '1', why: 'the first of several' },
  { query: '?a', name: 'a', found: '', why: 'no = is an empty value' },
  { query: '?a=', name: 'a', found: '', why: 'as is nothing behind it' },
  { query: '?a=b=c', name: 'a', found: 'b=c', why: 'the first = divides' },
  { query: '?ab=1', name: 'a', found: undefined, why: 'a longer name is another one' },
  { query: '?A=1', name: 'a', found: undefined, why: 'case counts' },
  { query: '?x+y=a+b', name: 'x y', found: 'a b', why: '+ is a space' },
  { query: '?a=%2B', name: 'a', found: '+', why: 'an escaped + is a +' },
  { query: '?a=%2541', name: 'a', found: '%41', why: 'decoded once' },
  { query: '?%61=1', name: 'a', found: '1', why: 'names are decoded, too' },
  { query: '?a=%zz%4', name: 'a', found: '%zz%4', why: 'what is no escape stays' },
  { query: '?a=caf%C3%A9', name: 'a', found: 'café', why: 'escapes are UTF-8' },
  { query: '?a=caf\xc3\xa9', name: 'a', found: 'café', why: 'so are raw bytes' },
  { query: '?a=%E9', name: 'a', found: '\ufffd', why: 'what is not UTF-8 is replaced' },
  { query: '?a=1;b=2', name: 'b', found: undefined, why: '; divides nothing' },
  { query: '?&&a=1', name: 'a', found: '1', why: 'empty pieces are passed over' },
  { query: '?=1', name: 'a', found: undefined, why: 'a nameless piece' },
  { query: '?a?=1', name: 'a?', found: '1', why: 'only the first ? begins the query' },
  { query: '?__proto__=1', name: '__proto__', found: '1', why: 'no name is special' },
]

for (const { query, name, found, why } of rows) {
  t.test(`${JSON.stringify(query)} has ${name}=${found}: ${why}`, async (t) => {
    t.equal(firstParameter(query, name), found)
  })
}

const piece = fc.constantFrom(
  ...['a', 'b', '=', '&', '+', '?', '%', '%61', '%26', '%3D', '%2', '%c3%a9', '\xc3', '\xa9', ';'],
)
const text = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''))

t.test('it is what URLSearchParams says, which knows no raw bytes', async (t) => {
  assertProperty(
    t,
    fc.property(text, fc.constantFrom('a', 'b', 'aa', 'a b', 'é', '='), (text, name) => {
      const escaped = text.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`)
      const expected = new URLSearchParams(`?${escaped}`).get(name) ?? undefined
      return firstParameter(`?${text}`, name) === expected
    }),
    { numRuns: 20_000 },
  )
  t.pass()
})
