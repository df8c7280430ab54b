import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../../testing/assert-property.ts'
import { readStatements, type Statement } from './snippet-statements.ts'

/** Names, words and blocks alone. */
type Plain = readonly [name: string, args: readonly string[], block?: readonly Plain[]]

function plain({ name, args, block }: Statement): Plain {
  return block === undefined ? [name, args] : [name, args, block.map(plain)]
}

const read: { text: string; is: readonly Plain[]; why: string }[] = [
  { text: '', is: [], why: 'nothing' },
  { text: '# only a word;\n', is: [], why: 'a comment' },
  { text: 'deny all;', is: [['deny', ['all']]], why: 'one directive' },
  {
    text: 'a b\n  "c d";# x\ne;',
    is: [
      ['a', ['b', 'c d']],
      ['e', []],
    ],
    why: 'over lines',
  },
  { text: `a 'it "is"' "it's";`, is: [['a', ['it "is"', "it's"]]], why: 'quotes in quotes' },
  { text: String.raw`a "x\"y" \;;`, is: [['a', ['x"y', '\\;']]], why: 'escapes' },
  {
    text: String.raw`a ^/x\.y$ "\d\\";`,
    is: [['a', ['^/x\\.y$', '\\d\\']]],
    why: 'patterns keep theirs',
  },
  { text: `a ${'$'}{b}c;`, is: [['a', [`${'$'}{b}c`]]], why: 'a brace of a variable' },
  { text: 'a b"c"d;', is: [['a', ['b"c"d']]], why: 'a quote within a word means itself' },
  { text: 'a { b c; }', is: [['a', [], [['b', ['c']]]]], why: 'a block' },
  {
    text: 'a{b{c;}}d;',
    is: [
      ['a', [], [['b', [], [['c', []]]]]],
      ['d', []],
    ],
    why: 'without space',
  },
]

for (const { text, is, why } of read) {
  t.test(`${JSON.stringify(text)}: ${why}`, async (t) => {
    const result = readStatements(text)
    t.ok(result.ok)
    t.same(result.ok && result.statements.map(plain), is)
  })
}

const refused: { text: string; says: RegExp }[] = [
  { text: 'deny all', says: /lacks the ;/ },
  { text: 'a { b; ', says: /\{ without its \}/ },
  { text: 'a; }', says: /\} without its \{/ },
  { text: ';', says: /without a directive/ },
  { text: '{ }', says: /without a directive/ },
  { text: 'a "b;', says: /without its end/ },
  { text: 'a "b"c;', says: /right behind/ },
  { text: 'a { b { c { d { e; } } } }', says: /blocks in blocks/ },
  { text: 'a;'.repeat(201), says: /more than 200/ },
  { text: ' '.repeat(16_385), says: /longer/ },
]

for (const { text, says } of refused) {
  t.test(`${JSON.stringify(text.slice(0, 30))} is refused`, async (t) => {
    const result = readStatements(text)
    t.match(result, { ok: false, reason: says })
  })
}

// The oracle is a writer: what it writes in any of the ways that nginx allows is read as what was meant.
const word = fc.oneof(
  fc.stringMatching(/^[a-z_][a-z0-9_.:/$-]{0,8}$/),
  fc.string({ unit: fc.constantFrom(...'ab \t;{}#$"\'\\.^:/'), maxLength: 8 }),
)
const name = fc.stringMatching(/^[a-z][a-z_]{0,8}$/)
const directive: fc.Arbitrary<Plain> = fc.oneof(
  fc.tuple(name, fc.array(word, { maxLength: 4 })),
  fc.tuple(
    name,
    fc.array(word, { maxLength: 2 }),
    fc.array(fc.tuple(name, fc.array(word, { maxLength: 2 })), { maxLength: 3 }),
  ),
)

function write([name, args, block]: Plain, style: number): string {
  const gap = ['\n', ' ', '\t # a comment; }\n'][style % 3] ?? ' '
  const words = [name, ...args.map((arg) => written(arg, style))].join(gap)
  const end =
    block === undefined ? ';' : `{${block.map((each) => write(each, style + 1)).join('')}}`
  return `${words}${style % 2 === 0 ? '' : gap}${end}`
}

function written(arg: string, style: number): string {
  // A lone backslash stays, so that only those before an escape's char need another.
  const escaped = arg.replaceAll('\\', '\\\\')
  if (/^[a-z_][a-z0-9_.:/-]*$/.test(arg) && style % 4 < 2) return escaped
  return style % 2 === 0
    ? `"${escaped.replaceAll('"', '\\"')}"`
    : `'${escaped.replaceAll("'", "\\'")}'`
}

t.test('whatever is written is read', async (t) => {
  assertProperty(
    t,
    fc.property(fc.array(directive, { maxLength: 6 }), fc.nat(11), (directives, style) => {
      const text = directives.map((each) => write(each, style)).join('\n')
      const result = readStatements(text)
      if (!result.ok) throw new Error(`${result.reason}: ${JSON.stringify(text)}`)
      return JSON.stringify(result.statements.map(plain)) === JSON.stringify(directives)
    }),
  )
})

t.test('no text throws, and quoted texts are parts of it', async (t) => {
  const text = fc.string({ unit: fc.constantFrom(...'ab \n;{}#$"\'\\'), maxLength: 60 })
  assertProperty(
    t,
    fc.property(text, (given) => {
      const result = readStatements(given)
      return !result.ok || result.statements.every((statement) => given.includes(statement.text))
    }),
    { numRuns: 2000 },
  )
})
