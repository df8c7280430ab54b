// `npm start`: Weir as it is, over the manifests of deploy/demo, with small upstreams of its own. Needs no cluster.
//
//   this process: upstreams, guide ──starts──► proxy/main.ts, a child with the arguments given here
//
// Exit codes: 0 after Ctrl-C or SIGTERM, else the proxy's own (1 cannot start, 2 wrong settings).
import { type ChildProcess, spawn } from 'node:child_process'
import { get } from 'node:http'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { guideText } from './guide.ts'
import { type DemoManifests, prepareManifests } from './manifests.ts'
import { startUpstreams } from './upstreams.ts'

const proxyMain = fileURLToPath(new URL('../main.ts', import.meta.url))
const leash = new URL('./leash.ts', import.meta.url).href
const demoFolder = fileURLToPath(new URL('../../deploy/demo', import.meta.url))

// A proxy that does not leave at once when told so is ended.
const killAfterMs = 5000

interface Addresses {
  readonly listen: string
  readonly admin: string
}

let isStopping = false
const upstreams = await startUpstreams()
const manifests = await prepareManifests(demoFolder, upstreams)
const proxy = startProxy(manifests.folder)
const exited = exitOf(proxy, manifests)
obeySignals(proxy)
const ready = await Promise.race([readyOf(proxy), exited])
if (ready !== undefined && (await Promise.race([isReady(ready.admin), exited]))) {
  process.stdout.write(guideText({ ...ready, upstreams, manifests: manifests.folder }))
}

/** Starts the proxy program; what the demo wants is in the environment, so that every flag given here wins over it. */
function startProxy(folder: string): ChildProcess {
  return spawn(process.execPath, ['--import', leash, proxyMain, ...process.argv.slice(2)], {
    env: {
      WEIR_MANIFESTS: folder,
      WEIR_DRAIN_SECONDS: '0',
      WEIR_FINISH_SECONDS: '0',
      ...process.env,
    },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    // A group of its own: Ctrl-C reaches this process only, which then tells the proxy once. Twice would mean "at once".
    detached: true,
  })
}

/** Passes the proxy's log on and resolves with the addresses in its line `ready`. */
function readyOf({ stderr }: ChildProcess): Promise<Addresses> {
  return new Promise((resolve) => {
    if (stderr === null) return
    createInterface({ input: stderr }).on('line', (line) => {
      process.stderr.write(`${line}\n`)
      const addresses = readyIn(line)
      if (addresses !== undefined) resolve(addresses)
    })
  })
}

function readyIn(line: string): Addresses | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    // The log of our own proxy; each field is checked before it is used.
    const fields = JSON.parse(line) as Record<string, unknown>
    const { msg, listen, admin } = fields
    const isAddressed = typeof listen === 'string' && typeof admin === 'string'
    return msg === 'ready' && isAddressed ? { listen, admin } : undefined
  } catch {
    return undefined
  }
}

/** Resolves with true once /readyz says 200. */
async function isReady(admin: string): Promise<true> {
  const port = admin.slice(admin.lastIndexOf(':') + 1)
  const host = admin.slice(0, -port.length - 1).replace(/^\[|\]$/g, '')
  while ((await statusOf(host, Number(port))) !== 200) await sleep(50)
  return true
}

function statusOf(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    get({ host, port, path: '/readyz', agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', () => resolve(undefined))
  })
}

function obeySignals(child: ChildProcess): void {
  // npm passes on signals that the terminal has sent here already, so more of them mean nothing.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (isStopping) return
      isStopping = true
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), killAfterMs).unref()
    })
  }
}

/** Ends this process, with its upstreams, when the proxy has ended. */
function exitOf(child: ChildProcess, { remove }: DemoManifests): Promise<undefined> {
  // 'close' comes after the last line of the log; 'error' when there is no process at all.
  return new Promise(() => {
    child.on('error', (error) => process.stderr.write(`cannot start the proxy: ${error.message}\n`))
    child.on('close', (code) => {
      void remove().then(() => process.exit(isStopping ? 0 : (code ?? 1)))
    })
  })
}
