import t from 'tap'
import type { KubeObject } from '../kube/objects.ts'
import { ObjectIndex } from './object-index.ts'

const make = (name: string, version = ''): KubeObject => ({
  metadata: { name, resourceVersion: version },
})
const a = make('a')
const b = make('b')
const c = make('c')
const d = make('d')
const newB = make('b', '2')

const cases: { before: KubeObject[]; after: KubeObject[]; changed: string[]; why: string }[] = [
  { before: [], after: [a, b], changed: ['a', 'b'], why: 'all come' },
  { before: [a, b, c], after: [a, b, c], changed: [], why: 'another list of the same objects' },
  { before: [a, b, c], after: [a, newB, c], changed: ['b'], why: 'one is replaced' },
  { before: [a, b, c], after: [a, c], changed: ['b'], why: 'one goes' },
  { before: [a, c], after: [a, b, c], changed: ['b'], why: 'one comes in between' },
  {
    before: [a, b, c],
    after: [b, c, d],
    changed: ['a', 'd'],
    why: 'the first goes, one comes last',
  },
  { before: [a, b, c], after: [c, b, a], changed: [], why: 'another order' },
  { before: [a, b], after: [], changed: ['a', 'b'], why: 'all go' },
]

for (const { before, after, changed, why } of cases) {
  t.test(why, async (t) => {
    const index = new ObjectIndex<KubeObject>((object) => object.metadata?.name)
    index.update(before)
    t.same([...index.update(after)].sort(), changed)
    for (const name of ['a', 'b', 'c', 'd']) {
      const expected = after.filter((object) => object.metadata?.name === name)
      t.strictSame(index.get(name), expected, `what ${name} finds`)
    }
    t.equal(index.update(after).size, 0, 'the same list again')
  })
}

t.test('several objects of one key are all found; one without a key is not', async (t) => {
  const index = new ObjectIndex<KubeObject>((object) => object.metadata?.labels?.of)
  const one = { metadata: { name: '1', labels: { of: 'x' } } }
  const two = { metadata: { name: '2', labels: { of: 'x' } } }
  index.update([one, {}, two])
  t.strictSame(index.get('x'), [one, two])
  t.same([...index.update([two])], ['x'])
  t.strictSame(index.get('x'), [two])
})
