// Are long files refused? And those of the tree that have a bar of their own must be there.
import t from 'tap'
import { findLongFiles } from './lengths.ts'
import { readTree } from './read-tree.ts'

const tree = readTree()

t.test('no file of the tree is too long', async (t) => {
  t.strictSame(findLongFiles(tree), [])
  t.ok(tree.has('proxy/serve/exchange.ts'), 'the exchange has its bar under this name')
})

const cases = [
  { path: 'shared/log.ts', text: 'x\n'.repeat(400), said: [], why: 'as long as may be' },
  { path: 'shared/log.ts', text: 'x\n'.repeat(401), said: [401], why: 'one line more' },
  { path: 'shared/log.ts', text: `${'x\n'.repeat(400)}x`, said: [401], why: 'without a last LF' },
  { path: 'proxy/serve/exchange.ts', text: 'x\n'.repeat(300), said: [], why: 'its own bar' },
  { path: 'proxy/serve/exchange.ts', text: 'x\n'.repeat(301), said: [301], why: 'above it' },
  { path: 'shared/log.test.ts', text: 'x\n'.repeat(2000), said: [], why: 'a test' },
  { path: 'test/cluster/run.ts', text: 'x\n'.repeat(2000), said: [], why: 'part of tests' },
]

t.test('a file is at most as long as its bar', async (t) => {
  for (const { path, text, said, why } of cases) {
    const found = findLongFiles(new Map([[path, text]]))
    t.strictSame(
      found.map((each) => each.replace(/ lines: \d+ at most$/, '')),
      said.map((lines) => `${path}: ${lines}`),
      why,
    )
  }
})
