import t from 'tap'
import { countPasses } from './loop.ts'

const values = [
  { value: 'weir', is: 1, why: 'one mark' },
  { value: 'weir, weir,weir\t,\tweir', is: 4, why: 'a list' },
  { value: 'Weir', is: 1, why: 'tokens have no case here: a proxy on the way may change it' },
  { value: 'weir; a=b, cloudflare; x="y"', is: 1, why: 'with parameters, among others' },
  { value: 'cloudflare; a=weir', is: 0, why: 'a parameter of somebody else' },
  { value: 'weirs, aweir, weir.example', is: 0, why: 'other ids' },
  { value: '', is: 0, why: 'nothing' },
  { value: ',,weir,,', is: 1, why: 'empty members mean nothing' },
]

for (const { value, is, why } of values) {
  t.test(`${JSON.stringify(value)} holds ${is}: ${why}`, async (t) => {
    t.equal(countPasses(value), is)
  })
}
