import t from 'tap'
import { axisSteps, formatValue } from './units.ts'

const cases = [
  { value: 0.0000421, unit: 's', text: '42.1 µs' },
  { value: 0.25, unit: 's', text: '250 ms' },
  { value: 90, unit: 's', text: '90 s' },
  { value: 0, unit: 's', text: '0 s' },
  { value: 0.0512, unit: 'percentunit', text: '5.12 %' },
  { value: 98.44, unit: 'reqps', text: '98.4 req/s' },
  { value: 104_857_600, unit: 'bytes', text: '100 MiB' },
  { value: 2_147_483_648, unit: 'bytes', text: '2 GiB' },
  { value: Number.NaN, unit: 's', text: '–' },
]

for (const { value, unit, text } of cases) {
  t.test(`${value} in ${unit} is ${text}`, async (t) => {
    t.equal(formatValue(value, unit), text)
  })
}

t.test('an axis has round steps and covers its values', async (t) => {
  t.strictSame(axisSteps(98, 'reqps'), [0, 25, 50, 75, 100])
  t.strictSame(axisSteps(1, 'short'), [0, 0.25, 0.5, 0.75, 1])
  t.strictSame(axisSteps(0, 'short'), [0, 0.25, 0.5, 0.75, 1], 'an empty panel has an axis too')
  for (const most of [0.0003, 0.7, 3, 17, 1234]) {
    const steps = axisSteps(most, 's')
    t.ok((steps.at(-1) ?? 0) >= most * 0.999 && steps.length <= 6, `${most}: ${steps}`)
  }
})
