import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../testing/assert-property.ts'
import { compileAnySearch, compileSearch, type SearchResult } from './pattern.ts'

const rows = [
  { pattern: 'bot', text: 'a robot', found: true, why: 'anywhere' },
  { pattern: 'Bot', text: 'a robot', found: false, why: 'case counts' },
  { pattern: '(?i)Bot', text: 'a robot', found: true, why: 'unless it is switched off' },
  { pattern: '^bot', text: 'a bot', found: false, why: 'anchored at the begin' },
  { pattern: 'bot$', text: 'bots', found: false, why: 'anchored at the end' },
  { pattern: '^bot$', text: 'bot\n', found: false, why: '$ is the end of all, not of a line' },
  { pattern: '^(a|b)$', text: 'b', found: true, why: 'a list of texts' },
  { pattern: '^(a|b)$', text: 'ab', found: false, why: 'one of them, the whole' },
  { pattern: '^a|b$', text: 'xb', found: true, why: 'an anchor belongs to its own text' },
  { pattern: '^a|b$', text: 'bx', found: false, why: 'also at the end' },
  { pattern: 'a.c', text: 'abc', found: true, why: 'a dot is any character' },
  { pattern: 'a\\.c', text: 'abc', found: false, why: 'an escaped one is a dot' },
  { pattern: '', text: '', found: true, why: 'the empty text is in every text' },
  { pattern: '^v[0-9]+$', text: 'v12', found: true, why: 'a pattern that is no list of texts' },
  { pattern: '^v[0-9]+$', text: 'V12', found: false, why: 'case counts there, too' },
  { pattern: '^é$', text: 'é', found: true, why: 'not only ASCII' },
]

for (const { pattern, text, found, why } of rows) {
  t.test(`${pattern} is ${found ? '' : 'not '}in ${JSON.stringify(text)}: ${why}`, async (t) => {
    const result = compileSearch(pattern)
    t.equal(result.ok && result.search(text), found)
  })
}

const refused = [
  { pattern: '(', reason: /./, why: 'no pattern at all' },
  { pattern: '(?=a)', reason: /./, why: 'RE2 looks not around' },
  { pattern: '(a)\\1', reason: /./, why: 'nor back' },
  { pattern: 'a'.repeat(513), reason: /512/, why: 'longer than patterns are' },
  { pattern: '(a{1,30}){1,30}', reason: /complex/, why: 'repetitions multiply' },
]

for (const { pattern, reason, why } of refused) {
  t.test(`${pattern.slice(0, 20)} is refused: ${why}`, async (t) => {
    const result = compileSearch(pattern)
    t.match(result.ok ? '' : result.reason, reason)
  })
}

t.test('a pattern that blows up a backtracking engine is found out about in time', async (t) => {
  const result = compileSearch('^(a*)*(a|aa)+b$')
  const start = performance.now()
  t.equal(result.ok && result.search(`${'a'.repeat(50_000)}c`), false)
  t.ok(performance.now() - start < 2000)
})

function outcome(result: SearchResult, text: string): boolean | 'refused' {
  return result.ok ? result.search(text) : 'refused'
}

const piece = fc.constantFrom(
  ...['a', 'b', 'ab', '^', '$', '|', '|', '(', ')', '(?:', '^(', ')$', '\\.', '\\|', '\\_', '\\-'],
  ...['.', ' ', '-', ':', '/', '\\', '[', ']', '{', '*', '+', '?', '`', '\\`', '\\a', '\n'],
)
const pattern = fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join(''))
const text = fc
  .array(fc.constantFrom('a', 'b', '.', '|', '-', ' ', '\n', '_', '`', '/'), { maxLength: 6 })
  .map((pieces) => pieces.join(''))

t.test('the short cut for lists of texts gives what RE2 gives', async (t) => {
  assertProperty(
    t,
    fc.property(pattern, fc.array(text, { minLength: 5 }), (pattern, texts) => {
      const result = compileSearch(pattern)
      const oracle = compileAnySearch(pattern)
      return texts.every((text) => outcome(result, text) === outcome(oracle, text))
    }),
    { numRuns: 20_000 },
  )
  t.pass()
})
