// Does Weir hold every hostile case? Exit 0 if so.
// Usage: node test/hostile/run.ts [--only REGEXP] [--quick] [--http2] [--preferred]; the last lists what holds in another way
// than the preferred one, and what is skipped.
import { parseArgs } from 'node:util'
import { failuresByCase, otherwiseHeld, totals } from './report.ts'
import { runAll } from './runner.ts'
import { weir, weirHttp2 } from './weir.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean' },
    http2: { type: 'boolean' },
    preferred: { type: 'boolean' },
  },
})

const report = await runAll(values.http2 === true ? weirHttp2 : weir, {
  ...(values.http2 === true ? { version: 'HTTP/2' } : {}),
  ...(values.only === undefined ? {} : { only: new RegExp(values.only) }),
  ...(values.quick === true
    ? { variants: [{ segmentation: 'whole', reusedConnection: false }] }
    : {}),
})
for (const line of totals(report)) console.log(line)
for (const line of failuresByCase(report)) console.log(`not held: ${line}`)
if (values.preferred === true) {
  for (const line of otherwiseHeld(report)) console.log(line)
  for (const { hostile, reason } of report.skipped) {
    console.log(`skipped: ${hostile.id} (${hostile.name}): ${reason}`)
  }
}
for (const fault of report.faults) console.log(`fault: ${fault}`)
const failed = report.results.filter(({ verdict }) => verdict.problems.length > 0).length
console.log(`took ${report.seconds.toFixed(1)} s`)
const faults = report.faults.length
console.log(
  `${report.results.length - failed} passed, ${failed + faults} failed, ${report.skipped.length} skipped`,
)
process.exitCode = failed + faults > 0 ? 1 : 0
