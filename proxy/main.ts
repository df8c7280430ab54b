// The proxy program: settings from the command line, environment and file; signals; exit codes.
//
// Exit codes: 0 after a drain (or --help), 1 when it cannot start, 2 for wrong settings, 130 or 143 when a second signal
// ends it at once.
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { systemClock } from '../shared/clock.ts'
import { createFeed } from '../shared/feed/create-feed.ts'
import { createLog, type Log } from '../shared/log.ts'
import { ConfigError } from '../shared/options-table.ts'
import { version } from '../shared/version.ts'
import { type RunningProxy, startProxy } from './control/control-thread.ts'
import { findOwnZone } from './control/own-zone.ts'
import { loadFilters } from './load-filters.ts'
import { type ProxySettings, parseProxySettings } from './settings.ts'

const signals = { SIGINT: 130, SIGTERM: 143 } as const

async function main(): Promise<number> {
  const parsed = parseProxySettings({
    argv: process.argv.slice(2),
    env: process.env,
    readFile: (path) => readFileSync(path, 'utf8'),
    availableCpus: availableParallelism(),
    version,
  })
  if (parsed.kind === 'print') {
    process.stdout.write(parsed.text)
    return 0
  }
  const log = createLog({ level: parsed.settings.logLevel })
  const proxy = await start(parsed.settings, log)
  // Without a reference of its own, a proxy that waits for its time to leave would end early.
  const keepAlive = setInterval(() => {}, 1 << 30)
  obeySignals(proxy)
  await proxy.whenLeft()
  clearInterval(keepAlive)
  log.info({}, 'left')
  return 0
}

async function start(settings: ProxySettings, log: Log): Promise<RunningProxy> {
  const clock = systemClock
  const { manifests, kubeconfig, namespace } = settings
  const { env } = process
  const ownFilters = await loadFilters(settings.filters)
  const feed = await createFeed({ manifests, kubeconfig, namespace, env, clock, log })
  const zone = await findOwnZone(settings, { env, clock, log })
  return startProxy({ settings: { ...settings, zone }, version, clock, log, feed, ownFilters })
}

/** The first signal drains; a second one does not wait. */
function obeySignals(proxy: RunningProxy): void {
  let isLeaving = false
  for (const [signal, exitCode] of Object.entries(signals)) {
    process.on(signal, () => {
      if (isLeaving) process.exit(exitCode)
      isLeaving = true
      proxy.terminate()
    })
  }
}

/** Says in one sentence why the proxy does not run. */
function explain(error: unknown): { readonly text: string; readonly exitCode: number } {
  if (error instanceof ConfigError) return { text: error.message, exitCode: 2 }
  const { code, port, message } = error as NodeJS.ErrnoException & { port?: number }
  if (code === 'EADDRINUSE') {
    return {
      text: `port ${port} is in use: end the program that has it, or choose another with --listen HOST:PORT (data), --listen-tls HOST:PORT or --admin HOST:PORT.`,
      exitCode: 1,
    }
  }
  return { text: message, exitCode: 1 }
}

try {
  process.exitCode = await main()
} catch (error) {
  const { text, exitCode } = explain(error)
  process.stderr.write(`weir-proxy: ${text}\n`)
  process.exit(exitCode)
}
