import t from 'tap'
import type { Places } from '../table.ts'
import { isSameUpstream } from './endpoints.ts'

const a = { zones: ['a'] }
const cases: { one?: Places; two?: Places; isSame: boolean; why: string }[] = [
  { isSame: true, why: 'neither has places' },
  { one: a, two: { zones: ['a'] }, isSame: true, why: 'equal, though not the same object' },
  { one: a, isSame: false, why: 'one lost its places' },
  { two: a, isSame: false, why: 'one got places' },
  { one: a, two: { zones: ['b'] }, isSame: false, why: 'another zone' },
  { one: a, two: { zones: ['a', 'b'] }, isSame: false, why: 'one zone more' },
  { one: a, two: { zones: ['a'], nodes: ['n1'] }, isSame: false, why: 'a node more' },
  { one: a, two: { zones: ['a'], nodes: [] }, isSame: true, why: 'no nodes are no nodes' },
]

for (const { one, two, isSame, why } of cases) {
  t.test(`a change of places is a change of the upstream, ${isSame}: ${why}`, async (t) => {
    const upstream = (places: Places | undefined) => {
      const endpoint = { address: '10.0.0.1', port: 80 }
      return {
        key: 'd/s:80',
        endpoints: [places === undefined ? endpoint : { ...endpoint, places }],
      }
    }
    t.equal(isSameUpstream(upstream(one), upstream(two)), isSame)
  })
}
