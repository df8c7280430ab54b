import t from 'tap'
import { parseExposition, sampleValue } from './exposition.ts'

const head = '# HELP a x\n# TYPE a counter\n'
const histogram = '# HELP h x\n# TYPE h histogram\n'

t.test('labels and values are read', async (t) => {
  const families = parseExposition(`${head}a{b="c\\"\\\\\\n",d=""} 1.5e3\na 2\n`)
  t.equal(sampleValue(families, 'a', { b: 'c"\\\n', d: '' }), 1500)
  t.equal(sampleValue(families, 'a'), 2)
})

const refused = [
  { text: `${head}a 1`, why: 'no line feed at the end' },
  { text: 'a 1\n', why: 'no HELP and TYPE' },
  { text: `${head}b 1\n`, why: 'a sample of another family' },
  { text: `${head}a 1\na 1\n`, why: 'a series twice' },
  { text: `${head}a{b="c"d="e"} 1\n`, why: 'no comma between labels' },
  { text: `${head}a{b="\\x"} 1\n`, why: 'an unknown escape' },
  { text: `${head}a{b="1",b="2"} 1\n`, why: 'a label twice' },
  { text: `${head}a one\n`, why: 'no number' },
  { text: `${head}# HELP b x\n# TYPE b gauge\nb 1\n${head}a 1\n`, why: 'a family in two blocks' },
  { text: `${histogram}h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n`, why: 'no +Inf' },
  {
    text: `${histogram}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`,
    why: 'buckets that are not cumulative',
  },
  { text: `${histogram}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n`, why: 'another count' },
]

for (const { text, why } of refused) {
  t.test(`refused: ${why}`, async (t) => {
    t.throws(() => parseExposition(text))
  })
}
