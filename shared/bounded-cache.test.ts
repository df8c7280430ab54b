import t from 'tap'
import { createBoundedCache } from './bounded-cache.ts'

t.test('the least recently used entry leaves first, and is told', async (t) => {
  const left: object[] = []
  const cache = createBoundedCache<string, { n: number }>({ max: 2, onLeave: (v) => left.push(v) })
  cache.set('a', { n: 1 })
  cache.set('b', { n: 2 })
  t.same(cache.get('a'), { n: 1 })
  cache.set('c', { n: 3 })
  t.same(left, [{ n: 2 }], 'a was used after b')
  t.same(cache.keys(), ['c', 'a'])
  cache.delete('a')
  cache.clear()
  t.same(left, [{ n: 2 }, { n: 1 }, { n: 3 }])
  t.equal(cache.get('c'), undefined)
})
