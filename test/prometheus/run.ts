// Do dashboards and alerts speak of what Weir really exports? `npm run test:prometheus`, with Debian's package prometheus.
//
// A real Prometheus watches proxies under load and a controller at work, then every query that the project ships is asked of it.
// Prints each check and `N passed, N failed, N skipped` at the end. Without Prometheus all is skipped; under CI=true that fails.
// `--seconds N` works for longer, `--picture FILE.svg` draws the proxy's dashboard from what was seen.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { drawDashboard } from '../../deploy/grafana/draw.ts'
import { rulesFile } from '../../deploy/prometheus/rules.ts'
import { findTool } from '../chart/tools.ts'
import { seededRandom } from '../support/random-bytes.ts'
import { type Check, documentationCheck, queryChecks, rateWindow } from './checks.ts'
import { startMeasuredController } from './measured-controller.ts'
import { startMeasuredProxies } from './measured-proxies.ts'
import { nginxChecks } from './nginx-checks.ts'
import { type Prometheus, startPrometheus } from './prometheus.ts'
import { staticChecks } from './static-checks.ts'

const { values: flags } = parseArgs({
  options: { seconds: { type: 'string', default: '24' }, picture: { type: 'string' } },
})

let passed = 0
let failed = 0

async function runChecks(checks: readonly Check[]): Promise<void> {
  for (const { name, run } of checks) {
    try {
      await run()
      passed += 1
      console.log(`ok ${name}`)
    } catch (error) {
      failed += 1
      console.log(`not ok ${name}\n${error instanceof Error ? error.message : error}`)
    }
  }
}

/** Lets everything work under the eyes of Prometheus, then asks. */
async function watchAndAsk(program: string, seconds: number): Promise<void> {
  const controller = await startMeasuredController()
  const proxies = await startMeasuredProxies(seededRandom(6), Math.ceil(seconds / 5))
  let prometheus: Prometheus | undefined
  try {
    prometheus = await startPrometheus(program, rulesFile, [
      ...proxies.adminPorts.map((port, at) => ({ port, labels: podLabels(at, 'proxy') })),
      { port: controller.adminPort, labels: podLabels(0, 'controller') },
    ])
    const from = Date.now() / 1000
    const exported = readAll({ proxy: proxies.adminPorts[1], controller: controller.adminPort })
    await Promise.all([proxies.work(seconds), controller.work(seconds)])
    const to = Date.now() / 1000
    const documented = Object.entries(await exported).map(([name, text]) =>
      documentationCheck(name, text),
    )
    const span = { from, to, step: 1 }
    await runChecks([
      ...documented,
      ...queryChecks(prometheus, span),
      ...nginxChecks(prometheus, span),
    ])
    const ask = prometheus.range
    if (flags.picture !== undefined) {
      const span = { from: from + 10, to, step: Math.max(1, (to - from) / 150) }
      const picture = await drawDashboard((query) => ask(query, span), rateWindow, span)
      writeFileSync(flags.picture, picture)
    }
  } finally {
    await prometheus?.stop()
    await proxies.stop()
    await controller.stop()
  }
}

/** As a PodMonitor would label it. */
function podLabels(place: number, container: string): Readonly<Record<string, string>> {
  const pod = `weir-${place + 1}`
  return { namespace: 'edge', pod, container, instance: `${pod}:${container}` }
}

async function readAll(
  ports: Readonly<Record<string, number | undefined>>,
): Promise<Record<string, string>> {
  const texts: Record<string, string> = {}
  for (const [name, port] of Object.entries(ports)) {
    texts[name] = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  }
  return texts
}

const missing = ['prometheus', 'promtool'].filter((tool) => findTool(tool) === undefined)
const program = findTool('prometheus')
if (missing.length > 0 || program === undefined) {
  console.log(`skipped: no ${missing.join(', no ')}: install Debian's package prometheus`)
  const isCi = process.env.CI === 'true'
  console.log(isCi ? '0 passed, 1 failed, 0 skipped' : '0 passed, 0 failed, 1 skipped')
  process.exitCode = isCi ? 1 : 0
} else {
  await runChecks(staticChecks)
  await watchAndAsk(program, Number(flags.seconds))
  console.log(`${passed} passed, ${failed} failed, 0 skipped`)
  process.exitCode = failed === 0 ? 0 : 1
}
