// The proxy as its own process, as its users run it: flags in, ports out, log lines on stderr, access log on stdout.
//
// Invariant: `stop()` ends exactly this process within a bounded time and waits until it is gone.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { proxyMain } from './proxy-main.ts'

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** One line of the proxy's own log. */
export type OwnLogLine = Readonly<Record<string, unknown>>

/** A running proxy. */
export interface ProxyProcess {
  readonly pid: number
  /** Data port of 127.0.0.1. */
  readonly port: number
  /** 0 without `--listen-tls`. */
  readonly tlsPort: number
  readonly adminPort: number
  /** Lines on stdout: the access log. */
  readonly lines: readonly string[]
  /** The access log, parsed (json format). */
  accessLog(): readonly Readonly<Record<string, string | number>>[]
  /** Lines on stderr that are JSON. */
  readonly logs: readonly OwnLogLine[]
  /** All of stderr. */
  readonly stderr: string
  signal(name: NodeJS.Signals): void
  readonly exited: Promise<ProcessEnd>
  /** Kills the process if it is still there, and waits for its end. */
  stop(): Promise<void>
}

/** What a proxy is started with. */
export interface ProxyProcessOptions {
  /** Besides `--listen`, `--admin` and `--workers 1`, which a flag given here overrides. */
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** `ready`: the first table is in use. `listening`: before that. */
  readonly waitFor?: 'ready' | 'listening'
  readonly timeoutMs?: number
  /** The main file; that of proxy-main.ts when absent. */
  readonly program?: string
}

// A start takes half a second; a machine that has much to do needs many times that.
const startWithinMs = 60_000

/** How a program run to its end went. */
export interface ProgramRun extends ProcessEnd {
  readonly stdout: string
  readonly stderr: string
}

const leash = new URL('./leash.ts', import.meta.url).href
const defaults = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--workers', '1'] as const

/** Starts a proxy and waits until it serves; rejects with its last words when it does not come up. */
export async function startProxyProcess(options: ProxyProcessOptions = {}): Promise<ProxyProcess> {
  const { flags = [], env = {}, waitFor = 'ready', timeoutMs = startWithinMs, program } = options
  const started = run([...withDefaults(flags)], env, program)
  const find = () => started.logs.find((line) => line.msg === waitFor)
  const deadline = performance.now() + timeoutMs
  while (find() === undefined) {
    const isGone = started.child.exitCode !== null || started.child.signalCode !== null
    if (isGone || performance.now() > deadline) {
      await started.stop()
      throw new Error(`the proxy is not ${waitFor}: ${started.stderr.slice(-2000)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const { listen, listenTls, admin } = find() ?? {}
  return {
    pid: started.child.pid ?? 0,
    port: portOf(listen),
    tlsPort: listenTls === undefined ? 0 : portOf(listenTls),
    adminPort: portOf(admin),
    get lines() {
      return linesOf(started.stdout)
    },
    accessLog: () => linesOf(started.stdout).map((line) => JSON.parse(line)),
    get logs() {
      return started.logs
    },
    get stderr() {
      return started.stderr
    },
    signal: (name) => {
      started.child.kill(name)
    },
    exited: started.exited,
    stop: started.stop,
  }
}

/** Runs the program until it ends by itself: for wrong flags and `--help`. No default flags. */
export async function runProxyProgram(
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramRun> {
  const started = run(flags, env)
  const timer = setTimeout(() => started.child.kill('SIGKILL'), startWithinMs)
  const end = await started.exited
  clearTimeout(timer)
  return { ...end, stdout: started.stdout, stderr: started.stderr }
}

function withDefaults(flags: readonly string[]): readonly string[] {
  const missing: string[] = []
  for (let at = 0; at < defaults.length; at += 2) {
    const [name = '', value = ''] = defaults.slice(at)
    const isGiven = flags.some((flag) => flag === name || flag.startsWith(`${name}=`))
    if (!isGiven) missing.push(name, value)
  }
  return [...missing, ...flags]
}

interface Started {
  readonly child: ChildProcess
  readonly stdout: string
  readonly stderr: string
  readonly logs: readonly OwnLogLine[]
  readonly exited: Promise<ProcessEnd>
  readonly stop: () => Promise<void>
}

function run(
  flags: readonly string[],
  env: Readonly<Record<string, string>>,
  program = proxyMain,
): Started {
  const child = spawn(process.execPath, ['--import', leash, program, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...env },
  })
  const out = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out.stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    out.stderr += text
  })
  const exited = once(child, 'close').then((): ProcessEnd => {
    const { exitCode: code, signalCode: signal } = child
    return { code, signal }
  })
  return {
    child,
    get stdout() {
      return out.stdout
    },
    get stderr() {
      return out.stderr
    },
    get logs() {
      return linesOf(out.stderr)
        .filter((line) => line.startsWith('{'))
        .map((line): OwnLogLine => JSON.parse(line))
    },
    exited,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exited
    },
  }
}

/** Whole lines only: the last one may still be on its way. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line !== '')
}

function portOf(address: unknown): number {
  const port = typeof address === 'string' ? /:(\d+)$/.exec(address)?.[1] : undefined
  return port === undefined ? 0 : Number(port)
}
