// Every process that the cluster test starts: what it said, and its end by its own process id.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A running program. */
export interface Child {
  readonly pid: number
  readonly isRunning: boolean
  /** The end of both its streams. */
  readonly words: string
  /** Ends it and waits until it is gone: SIGTERM unless said otherwise, SIGKILL after 10 s. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

const keptChars = 200_000
const patienceMs = 10_000
const running = new Set<ChildProcess>()

/** Starts a program; its environment is exactly `env` and PATH. */
export function startChild(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Child {
  const { PATH = '' } = process.env
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, ...env },
  })
  running.add(child)
  let words = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-keptChars)
    })
  }
  child.on('error', (error) => {
    words += String(error)
  })
  const exited = once(child, 'exit').finally(() => running.delete(child))
  exited.catch(() => undefined)
  return {
    pid: child.pid ?? 0,
    get isRunning() {
      return child.pid !== undefined && child.exitCode === null && child.signalCode === null
    },
    get words() {
      return words
    },
    async stop(signal = 'SIGTERM') {
      if (!this.isRunning) return child.exitCode
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
      child.kill(signal)
      await exited
      clearTimeout(timer)
      return child.exitCode
    },
  }
}

/** Kills what is left. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL')
}
