import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from './assert-property.ts'

t.test('the seed that is printed plays the same again', async (t) => {
  const comments: string[] = []
  const play = () => {
    const drawn: number[] = []
    const property = fc.property(fc.integer(), (number) => {
      drawn.push(number)
    })
    assertProperty({ comment: (text) => comments.push(text) }, property, { numRuns: 20 })
    return drawn
  }
  const first = play()
  const seed = comments[0]?.replace('seed ', '')
  t.match(seed, /^\d+$/)
  process.env.SEED = seed
  t.teardown(() => delete process.env.SEED)
  t.strictSame(play(), first)
  t.equal(comments[1], comments[0])
  process.env.SEED = String(Number(seed) + 1)
  t.not(String(play()), String(first))
})

t.test('a property that does not hold fails', async (t) => {
  const property = fc.property(fc.integer(), (number) => number < 10)
  t.throws(() => assertProperty(t, property), /Property failed/)
})
