import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { freshSeed, seededRandom } from '../../test/support/random-bytes.ts'
import { createChoicePicker } from './choices.ts'

const cases: { weights: number[]; draw: number; at: number; why: string }[] = [
  { weights: [1], draw: 0, at: 0, why: 'the only one' },
  { weights: [90, 10], draw: 0.899, at: 0, why: 'just inside the first' },
  { weights: [90, 10], draw: 0.9, at: 1, why: 'the first of the second' },
  { weights: [0, 1, 0], draw: 0, at: 1, why: 'never the one of weight 0 before it' },
  { weights: [0, 1, 0], draw: 0.9999999, at: 1, why: 'nor the one behind it' },
  { weights: [0, 0], draw: 0.5, at: -1, why: 'all are 0' },
  { weights: [], draw: 0.5, at: -1, why: 'there is none' },
  { weights: [1, 1, 1, 0], draw: 1 - 2 ** -53, at: 2, why: 'the largest draw there is' },
]

for (const { weights, draw, at, why } of cases) {
  t.test(`${draw} of ${weights} is ${at}: ${why}`, async (t) => {
    t.equal(createChoicePicker(weights)(draw), at)
  })
}

t.test('whatever the weights, the owner of a draw has some', async (t) => {
  const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  assertProperty(
    t,
    fc.property(fc.array(fc.nat(1_000_000), { maxLength: 8 }), draws, (weights, draw) => {
      const at = createChoicePicker(weights)(draw)
      return at === -1 ? weights.every((weight) => weight === 0) : (weights[at] ?? 0) > 0
    }),
  )
})

t.test('each choice gets its weight', async (t) => {
  const random = seededRandom(freshSeed((text) => t.comment(text)))
  const weights = [70, 0, 25, 5]
  const pick = createChoicePicker(weights)
  const counts = weights.map(() => 0)
  for (let count = 0; count < 10_000; count += 1) {
    const at = pick(random())
    counts[at] = (counts[at] ?? 0) + 1
  }
  for (const [at, weight] of weights.entries()) {
    // Five standard deviations of a draw.
    const slack = 5 * Math.sqrt(100 * weight * (1 - weight / 100))
    t.ok(Math.abs((counts[at] ?? 0) - 100 * weight) <= slack, `${counts}`)
  }
})

t.test('a shift of weight moves only the draws that it must', async (t) => {
  const before = createChoicePicker([90, 10])
  const after = createChoicePicker([80, 20])
  let moved = 0
  for (let step = 0; step < 1000; step += 1) {
    const draw = step / 1000
    if (before(draw) !== after(draw)) moved += 1
  }
  t.equal(moved, 100)
})
