// Who is weaker where? The hostile cases against the peers that are installed, as a table in bench/results/.
// Usage: node test/hostile/peers-run.ts [name ...] [--only REGEXP] [--quick]
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { peers } from './peers.ts'
import { failuresByCase, peersTable } from './report.ts'
import { type Report, runAll } from './runner.ts'
import type { Target } from './target.ts'
import { weir } from './weir.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, quick: { type: 'boolean' }, verbose: { type: 'boolean' } },
})

const chosen: readonly Target[] = [weir, ...peers].filter(
  ({ name }) => positionals.length === 0 || positionals.includes(name),
)
const reports = new Map<string, Report>()
for (const target of chosen) {
  const missing = target.missing()
  if (missing !== undefined) {
    console.log(`${target.name}: left out, ${missing}`)
    continue
  }
  const report = await runAll(target, {
    ...(values.only === undefined ? {} : { only: new RegExp(values.only) }),
    ...(values.quick === true
      ? { variants: [{ segmentation: 'whole', reusedConnection: false }] }
      : {}),
  })
  reports.set(target.name, report)
  const held = report.results.filter(({ verdict }) => verdict.problems.length === 0).length
  console.log(
    `${target.name}: ${held} of ${report.results.length} runs hold, ${report.seconds.toFixed(1)} s`,
  )
  for (const fault of report.faults) console.log(`  fault: ${fault}`)
  if (values.verbose === true) {
    for (const line of failuresByCase(report)) console.log(`  ${line}`)
  }
}
if (positionals.length === 0 && values.only === undefined) {
  const folder = new URL('../../bench/results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  writeFileSync(new URL('hostile-peers.md', folder), peersTable(reports))
  console.log('written: bench/results/hostile-peers.md')
}
