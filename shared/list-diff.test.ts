import fc from 'fast-check'
import t from 'tap'
import { diffLists, editList, noteEdits } from './list-diff.ts'
import { assertProperty } from './testing/assert-property.ts'

const cases: { before: string; after: string; edits: [number, string, string][]; why: string }[] = [
  { before: 'abc', after: 'abc', edits: [], why: 'nothing' },
  { before: '', after: 'ab', edits: [[0, '', 'ab']], why: 'all come' },
  { before: 'ab', after: '', edits: [[0, 'ab', '']], why: 'all go' },
  { before: 'abc', after: 'abcd', edits: [[3, '', 'd']], why: 'one comes last' },
  { before: 'abcd', after: 'acd', edits: [[1, 'b', '']], why: 'one goes' },
  { before: 'abc', after: 'aBc', edits: [[1, 'b', 'B']], why: 'one is replaced' },
  {
    before: 'abcdefgh',
    after: 'aBcdfgGHh',
    edits: [
      [1, 'b', 'B'],
      [4, 'e', ''],
      [7, '', 'GH'],
    ],
    why: 'changes far apart are edits of their own',
  },
  {
    before: 'abcde',
    after: 'aBCdeF',
    edits: [
      [1, 'bc', 'BC'],
      [5, '', 'F'],
    ],
    why: 'replaced neighbours, and one that comes',
  },
  { before: 'abc', after: 'cab', edits: [[0, '', 'c'], [2, 'c', '']], why: 'one moves' }, // biome-ignore format: a row
]

for (const { before, after, edits, why } of cases) {
  t.test(`${before || '-'} → ${after || '-'}: ${why}`, async (t) => {
    const found = diffLists([...before], [...after])
    t.same(
      found.map(({ at, removed, added }) => [at, before.slice(at, at + removed), added.join('')]),
      edits,
    )
  })
}

t.test('edits make of what belongs to the first list what belongs to the second', async (t) => {
  const list = fc.array(fc.constantFrom(...'abcdefgh'), { maxLength: 14 })
  assertProperty(
    t,
    fc.property(list, list, (before, after) => {
      let made = 0
      const derived = editList(
        before.map((item) => item.toUpperCase()),
        diffLists(before, after),
        (item) => {
          made += 1
          return item.toUpperCase()
        },
      )
      const isSame = derived.join('') === after.join('').toUpperCase()
      return isSame && (before.join('') !== after.join('') || made === 0)
    }),
    { numRuns: 2000 },
  )
})

t.test('a few changes among many are found as few, wherever they are', async (t) => {
  const before = Array.from({ length: 16_000 }, (_, index) => ({ index }))
  const after: { index: number }[] = before.flatMap((item) => {
    if (item.index === 3 || (item.index >= 9_000 && item.index < 9_020)) return []
    return item.index === 40 || item.index === 15_000 ? { ...item } : item
  })
  after.push({ index: -1 })
  const edits = diffLists(before, after)
  t.same(
    edits.map(({ at, removed, added }) => [at, removed, added.length]),
    [
      [3, 1, 0],
      [40, 1, 1],
      [9_000, 20, 0],
      [15_000, 1, 1],
      [16_000, 0, 1],
    ],
  )
})

t.test('what was noted is believed, for the one list that it was noted for', async (t) => {
  const [one, two, three] = [['a'], ['a', 'b'], ['c']]
  const edits = [{ at: 1, removed: 0, added: ['b'] }]
  noteEdits(one, two, edits)
  t.equal(diffLists(one, two), edits)
  t.same(diffLists(['a'], two), edits, 'another list is compared')
  t.same(diffLists(two, three), [{ at: 0, removed: 2, added: ['c'] }])
  noteEdits(two, three, [])
  t.not(diffLists(one, two), edits, 'only the newest versions are remembered')
})
