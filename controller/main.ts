// The controller as a process: the only place that reads its environment, opens its ports and hears its signals.
//
// SIGTERM: our own pod is taken out of the load balancer, then exit 0. SIGINT and a second signal: exit at once.
// Exit codes: 0 in order, 1 failed, 2 wrong settings, 3 --dry-run --once found something to change.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { systemClock } from '../shared/clock.ts'
import { createKubeClient } from '../shared/kube/client.ts'
import { loadKubeConfig } from '../shared/kube/config.ts'
import { createLog } from '../shared/log.ts'
import { createRegistry } from '../shared/metrics.ts'
import { ConfigError } from '../shared/options-table.ts'
import { version } from '../shared/version.ts'
import { startAdmin } from './admin.ts'
import { createElbv2 } from './aws/elbv2.ts'
import { createAskProxy } from './balancer/ask-proxy.ts'
import { Replica } from './replica.ts'
import { type ControllerSettings, parseControllerSettings } from './settings.ts'

const wrongSettings = 2

async function run(settings: ControllerSettings): Promise<void> {
  const log = createLog({ level: settings.logLevel })
  const registry = createRegistry({ nodeMetrics: true })
  const kubeConfig = await loadKubeConfig({
    env: process.env,
    clock: systemClock,
    ...(settings.kubeconfig === undefined ? {} : { kubeconfig: settings.kubeconfig }),
  })
  const client = createKubeClient(kubeConfig, { clock: systemClock, userAgent: 'weir-controller' })
  const replica = new Replica({
    settings,
    client,
    openElbv2: (onCall) =>
      createElbv2({
        region: settings.region,
        endpoint: settings.awsEndpoint,
        clock: systemClock,
        random: Math.random,
        rates: settings.awsRates,
        onCall,
      }),
    ...(settings.proxyAdminPort === 0 ? {} : { askProxy: createAskProxy(settings.proxyAdminPort) }),
    clock: systemClock,
    random: Math.random,
    log,
    registry,
    identity:
      settings.identity ?? settings.podName ?? `${hostname()}-${randomBytes(4).toString('hex')}`,
    print: (text) => process.stdout.write(text),
  })
  // Timers of the product do not keep a process alive: this one does until we say so.
  const alive = setInterval(() => undefined, 60_000)
  const finish = async (code: number): Promise<void> => {
    clearInterval(alive)
    await client.close()
    process.exitCode = code
  }

  if (settings.once) {
    await finish(await replica.runOnce())
    return
  }
  const admin = await startAdmin({
    ...settings.admin,
    metrics: () => registry.pieces(),
    isReady: () => replica.isReady,
    targets: () => replica.targets(),
    log,
  })
  log.info(
    { admin: admin.address.port, targetGroups: settings.targetGroup },
    'weir-controller runs',
  )
  replica.start()
  let signals = 0
  const end = (signal: NodeJS.Signals): void => {
    signals++
    if (signals > 1 || signal === 'SIGINT') process.exit(signals > 1 ? 1 : 0)
    log.info({ signal }, 'ends')
    void replica
      .drain(signal)
      .then(() => replica.stop())
      .then(() => admin.close())
      .then(() => finish(0))
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}

try {
  const parsed = parseControllerSettings({
    argv: process.argv.slice(2),
    env: process.env,
    readFile: (path) => readFileSync(path, 'utf8'),
    version,
  })
  if (parsed.kind === 'print') process.stdout.write(parsed.text)
  else await run(parsed.settings)
} catch (error) {
  const isSettings = error instanceof ConfigError
  const words = isSettings ? error.message : error instanceof Error ? error.stack : String(error)
  process.stderr.write(`weir-controller: ${words}\n`)
  // Connections and timers that are open by now must not keep a program alive that does not run.
  process.exit(isSettings ? wrongSettings : 1)
}
