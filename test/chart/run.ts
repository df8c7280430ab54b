// Does the chart do what it says? `npm run test:chart`; deploy/install-tools.sh gets the tools. Prints each check, the
// sizes of what is rendered, and `N passed, N failed, N skipped` at the end.
//
// Without a tool its checks are skipped, but under CI=true a missing tool is a failure.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checks } from './checks.ts'
import { findTool } from './tools.ts'

let passed = 0
let failed = 0
let skipped = 0
const isCi = process.env.CI === 'true'
const folder = mkdtempSync(join(tmpdir(), 'weir-chart-'))

try {
  for (const { name, needs, run } of checks) {
    const missing = needs.filter((tool) => findTool(tool) === undefined)
    if (missing.length > 0 && !isCi) {
      console.log(
        `skipped: ${name}: no ${missing.join(', no ')} (deploy/install-tools.sh builds them)`,
      )
      skipped++
      continue
    }
    try {
      const details = run(folder)
      console.log(`ok ${name}${details === undefined ? '' : ` (${details})`}`)
      passed++
    } catch (error) {
      console.log(`not ok ${name}\n${error instanceof Error ? error.message : error}`)
      failed++
    }
  }
} finally {
  rmSync(folder, { recursive: true })
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed === 0 ? 0 : 1
