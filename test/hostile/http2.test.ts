// Weir holds every hostile case that HTTP/2 has words for, next to an innocent client of HTTP/1.1.
import t from 'tap'
import { failuresByCase, totals } from './report.ts'
import { runAll } from './runner.ts'
import { weirHttp2 } from './weir.ts'

t.setTimeout(170_000)

t.test('no hostile case leaves its accepted outcomes or breaks an invariant', async (t) => {
  const report = await runAll(weirHttp2, {
    version: 'HTTP/2',
    variants: [
      { segmentation: 'whole', reusedConnection: false },
      { segmentation: 'bytes', reusedConnection: true },
    ],
    fastLanes: 2,
    slowLanes: 3,
  })
  for (const line of totals(report)) t.comment(line)
  t.same(failuresByCase(report), [])
  t.same(report.faults, [])
  t.ok(report.results.length > 600, 'nearly every case was played')
  for (const { hostile, reason } of report.skipped) t.pass(hostile.id, { skip: reason })
})
