import t from 'tap'
import { selectorsOf, withoutThresholds } from './promql.ts'

const cases = [
  { expr: 'up', reads: ['up'], why: 'a bare metric' },
  { expr: 'rate(a_total{x=~"b|c"}[5m])', reads: ['a_total{x=~"b|c"}'], why: 'functions are none' },
  {
    expr: 'sum by (job, le) (rate(a_bucket[5m])) / on (job) group_left () b > 0.1 and l:b:r5m == 1',
    reads: ['a_bucket', 'b', 'l:b:r5m'],
    why: 'labels, words and numbers are none',
  },
  { expr: 'a and on () count(last_over_time(b[1d]))', reads: ['a', 'b'], why: 'an empty list' },
]

for (const { expr, reads, why } of cases) {
  t.test(`${expr}: ${why}`, async (t) => {
    t.strictSame(
      selectorsOf(expr).map(({ text }) => text),
      reads,
    )
  })
}

t.test('thresholds become questions, matchers stay', async (t) => {
  t.equal(withoutThresholds('a{x!="1"} > 2 and b == 1'), 'a {x!="1"} > bool 2 and b == bool 1')
  t.equal(withoutThresholds('absent(a)'), 'count ( a )')
})
