// Weir holds every hostile case, however it is cut, on fresh and on reused connections, next to an innocent client.
import t from 'tap'
import { failuresByCase, totals } from './report.ts'
import { runAll } from './runner.ts'
import { weir } from './weir.ts'

t.setTimeout(170_000)

t.test('no hostile case leaves its accepted outcomes or breaks an invariant', async (t) => {
  const report = await runAll(weir, { fastLanes: 4 })
  for (const line of totals(report)) t.comment(line)
  t.same(failuresByCase(report), [])
  t.same(report.faults, [])
  t.ok(report.results.length > 2000, 'every case was played in every variant')
})
