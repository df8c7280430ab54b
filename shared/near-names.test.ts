import t from 'tap'
import { nearNames, oneOfNames } from './near-names.ts'

const known = [
  'proxy-body-size',
  'proxy-buffer-size',
  'proxy-buffering',
  'proxy-buffers-number',
  'skipper-filter',
  'skipper-predicate',
  'connect-timeout',
  'read-timeout',
  'send-timeout',
  'allow-source-ranges',
]

const cases = [
  { given: 'proxy-body-sise', names: ['proxy-body-size'], why: 'a letter' },
  { given: 'proxy-bdoy-size', names: ['proxy-body-size'], why: 'two letters swapped' },
  { given: 'proxy-bufering', names: ['proxy-buffering'], why: 'a letter left out' },
  { given: 'proxy-buffers', names: ['proxy-buffers-number'], why: 'a word left out at the end' },
  { given: 'filter', names: ['skipper-filter'], why: 'a word left out at the start' },
  { given: 'body-size', names: ['proxy-body-size'], why: 'the family’s word left out' },
  { given: 'enable-proxy-buffering', names: ['proxy-buffering'], why: 'a word too many' },
  { given: 'BODY_SIZE', names: [], why: 'environment variables are compared with their like' },
  {
    given: 'timeout',
    names: ['connect-timeout', 'read-timeout', 'send-timeout'],
    why: 'all that it can mean',
  },
  { given: 'colour', names: [], why: 'nothing is near' },
  { given: 'proxy-x-filter-y-z', names: [], why: 'a word in common is not enough' },
  { given: '', names: [], why: 'nothing' },
]

for (const { given, names, why } of cases) {
  t.test(`${given} means ${names.join(', ') || 'nothing known'}: ${why}`, async (t) => {
    t.strictSame(nearNames(given, known), names)
  })
}

t.test('up to three names are said', async (t) => {
  t.equal(oneOfNames([]), undefined)
  t.equal(oneOfNames(['a']), 'a')
  t.equal(oneOfNames(['a', 'b']), 'a or b')
  t.equal(oneOfNames(['a', 'b', 'c']), 'a, b or c')
  t.equal(oneOfNames(['a', 'b', 'c', 'd']), undefined, 'four are a guess')
})
