import fc from 'fast-check'
import t from 'tap'
import { diffLists, editList } from '../list-diff.ts'
import { assertProperty } from '../testing/assert-property.ts'
import { ObjectList } from './object-list.ts'
import type { KubeObject } from './objects.ts'

const make = (name: string): KubeObject => ({ metadata: { name, namespace: 'shop' } })

t.test('each version holds what is there, and says what became of the one before', async (t) => {
  const name = fc.constantFrom(...'abcdefgh')
  const step = fc.array(fc.tuple(fc.constantFrom('set', 'delete', 'read'), name), { maxLength: 40 })
  assertProperty(
    t,
    fc.property(step, (steps) => {
      const list = new ObjectList<KubeObject>()
      const naive = new Map<string, KubeObject>()
      let before = list.version()
      for (const [what, of] of steps) {
        const object = make(of)
        if (what === 'set') {
          list.set(object)
          naive.set(`shop/${of}`, object)
        } else if (what === 'delete') {
          list.delete(`shop/${of}`)
          naive.delete(`shop/${of}`)
        } else {
          const version = list.version()
          t.equal(list.version(), version, 'the same until something changes')
          t.same(new Set(version), new Set(naive.values()))
          t.equal(version.length, naive.size)
          const edited = editList(before, diffLists(before, version), (item) => item)
          t.ok(edited.every((item, index) => item === version[index]))
          t.equal(edited.length, version.length)
          before = version
        }
      }
    }),
    { numRuns: 500 },
  )
})

t.test('one change among many is one edit', async (t) => {
  const list = new ObjectList<KubeObject>()
  for (let index = 0; index < 1000; index += 1) list.set(make(`${index}`))
  const first = list.version()
  list.set(make('500'))
  const second = list.version()
  t.match(diffLists(first, second), [{ at: 500, removed: 1 }])
  t.equal(diffLists(first, second).length, 1)
  list.delete('shop/10')
  t.match(diffLists(second, list.version()), [
    { at: 10, removed: 1, added: [make('999')] },
    { at: 999, removed: 1, added: [] },
  ])
})
