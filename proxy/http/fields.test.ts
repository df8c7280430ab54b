import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { Scanner, scanFields } from '../http1/testing/scanner.ts'
import { dropFields, FieldCursor, fieldValue, listMembers } from './fields.ts'

/** Walks all lines; undefined when one is malformed. */
function walk(text: string): [name: string, value: string, line: string][] | undefined {
  const cursor = new FieldCursor()
  const seen: [string, string, string][] = []
  cursor.start(text, 0)
  for (let length = cursor.next(); length !== 0; length = cursor.next()) {
    if (length === -1) return undefined
    const line = text.slice(cursor.lineStart, cursor.lineEnd)
    if (line.length !== length) throw new Error('the length is not the length of the line')
    if (cursor.name().length !== cursor.nameLength) throw new Error('nameLength is wrong')
    seen.push([cursor.name(), cursor.value(), line])
  }
  return seen
}

const accepted = [
  { line: 'A: b', name: 'a', value: 'b', why: 'the usual form' },
  { line: 'A:b', name: 'a', value: 'b', why: 'white space is optional' },
  {
    line: 'A: \t b \t',
    name: 'a',
    value: 'b',
    why: 'white space around a value is not part of it',
  },
  { line: 'A:', name: 'a', value: '', why: 'a value may be empty' },
  { line: 'A: \t ', name: 'a', value: '', why: 'white space alone is an empty value' },
  { line: 'A: b \t c', name: 'a', value: 'b \t c', why: 'inside a value it counts' },
  { line: 'A: b:c', name: 'a', value: 'b:c', why: 'the first colon ends the name' },
  { line: '0: b', name: '0', value: 'b', why: 'a digit is a token char' },
  { line: "!#$%&'*+-.^_`|~: b", name: "!#$%&'*+-.^_`|~", value: 'b', why: 'all token chars' },
  { line: 'A: \x80\xff', name: 'a', value: '\x80\xff', why: 'obs-text is latin1, kept as it is' },
]

for (const { line, name, value, why } of accepted) {
  t.test(`${JSON.stringify(line)} is a field: ${why}`, async (t) => {
    t.same(walk(`${line}\r\n\r\n`), [[name, value, `${line}\r\n`]])
  })
}

const refused = [
  { text: 'A : b\r\n\r\n', why: 'RFC 9112 §5.1: no white space in front of the colon' },
  { text: 'A\t: b\r\n\r\n', why: 'no tab either' },
  { text: ' A: b\r\n\r\n', why: 'a line that begins with a space continues nothing' },
  { text: 'A: b\r\n c\r\n\r\n', why: 'RFC 9112 §5.2: no folding' },
  { text: 'A: b\r\n\tc\r\n\r\n', why: 'no folding by tab' },
  { text: ': b\r\n\r\n', why: 'an empty name' },
  { text: 'A\r\n\r\n', why: 'no colon' },
  { text: 'A b: c\r\n\r\n', why: 'a space in the name' },
  { text: 'A\xe9: c\r\n\r\n', why: 'a name is ASCII' },
  { text: 'A(: c\r\n\r\n', why: 'a delimiter in the name' },
  { text: 'A: b\0\r\n\r\n', why: 'NUL' },
  { text: 'A: b\x07\r\n\r\n', why: 'a control byte' },
  { text: 'A: b\x7f\r\n\r\n', why: 'DEL' },
  { text: 'A: b\x0bc\r\n\r\n', why: 'a vertical tab is no white space' },
  { text: 'A: b\rC: d\r\n\r\n', why: 'a bare CR' },
  { text: 'A: b\nC: d\r\n\r\n', why: 'a bare LF' },
  { text: 'A: b\r\r\n\r\n', why: 'two CRs' },
  { text: 'A: b\r\n\r', why: 'the end is cut' },
  { text: 'A: b', why: 'the line has no end' },
  { text: 'A: b\r\n', why: 'there is no empty line' },
  { text: '', why: 'nothing at all' },
  { text: '\r\n\r\n', why: 'bytes behind the empty line' },
]

for (const { text, why } of refused) {
  t.test(`${JSON.stringify(text)} is refused: ${why}`, async (t) => {
    t.equal(walk(text), undefined)
  })
}

t.test('any text is walked as the grammar reads it byte by byte', async (t) => {
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('A: b\r\n', 'Host: a.test\r\n', 'x-y:\tz \r\n') },
    {
      weight: 2,
      arbitrary: fc.constantFrom('\r\n', '\r', '\n', ':', ' ', '\t', '\0', '_', '\x7f'),
    },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)) },
  )
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => `${pieces.join('')}\r\n`)
  assertProperty(
    t,
    fc.property(text, (text) => {
      const fields = scanFields(new Scanner(text))
      const shouldBe = fields?.map(({ name, value, line }) => [name, value, line])
      return JSON.stringify(walk(text)) === JSON.stringify(shouldBe)
    }),
    { numRuns: 3000 },
  )
})

const lines = 'A: 1\r\nB: 2\r\na:  3 \r\nC: 4\r\n'

t.test('fields are dropped by their lower-case names, the rest stays byte-exact', async (t) => {
  t.equal(dropFields(lines, new Set(['a'])), 'B: 2\r\nC: 4\r\n')
  t.equal(dropFields(lines, new Set(['c', 'x'])), 'A: 1\r\nB: 2\r\na:  3 \r\n')
  t.equal(dropFields(lines, new Set(['a', 'b', 'c'])), '')
  t.equal(dropFields('', new Set(['a'])), '')
  t.equal(dropFields(lines, new Set(['x'])), lines)
})

t.test('a value is found among field lines, several are joined', async (t) => {
  t.equal(fieldValue(lines, 'b', '; '), '2')
  t.equal(fieldValue(lines, 'a', '; '), '1; 3')
  t.equal(fieldValue(lines, 'd', '; '), undefined)
  t.equal(fieldValue('Empty:\r\n', 'empty', ','), '')
})

const chars = fc.constantFrom('a', 'A', 'b', '-', '^', '~', '`', '@')
const name = fc.array(chars, { minLength: 1, maxLength: 3 }).map((chars) => chars.join(''))
const value = fc
  .array(fc.constantFrom('a', ':', ' ', '\t', '\xa0', 'b'), { maxLength: 5 })
  .map((chars) => chars.join(''))
const head = fc
  .array(
    fc.tuple(
      name.filter((name) => !name.includes('@')),
      value,
    ),
    { maxLength: 6 },
  )
  .map((fields) => fields.map(([name, value]) => `${name}:${value}\r\n`).join(''))

t.test('the value of a field is what a walk over all lines finds', async (t) => {
  assertProperty(
    t,
    fc.property(head, name, (lines, any) => {
      const name = any.toLowerCase()
      const values = walk(`${lines}\r\n`)?.filter(([own]) => own === name)
      const expected = values?.map(([, value]) => value).join('; ')
      return fieldValue(lines, name, '; ') === (values?.length === 0 ? undefined : expected)
    }),
    { numRuns: 5000 },
  )
  t.pass()
})

const lists = [
  { value: 'close', is: ['close'], why: 'one member' },
  { value: 'Keep-Alive, X-A ,\tX-B', is: ['keep-alive', 'x-a', 'x-b'], why: 'in lower case' },
  { value: ',, x ,', is: ['x'], why: 'RFC 9110 §5.6.1: empty members are ignored' },
  { value: '', is: [], why: 'an empty list' },
  { value: '\xa0close', is: ['\xa0close'], why: 'a no-break space is no white space' },
]
for (const { value, is, why } of lists) {
  t.test(`${JSON.stringify(value)} lists ${is.length} members: ${why}`, async (t) => {
    t.same(listMembers(value), is)
  })
}
