// The controller as its own process, as it runs beside a proxy: flags in, log lines on stderr.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { eventually } from '../../shared/testing/eventually.ts'

/** A running controller. */
export interface ControllerProcess {
  readonly adminUrl: string
  /** Its log lines so far, parsed. */
  logs(): readonly Readonly<Record<string, unknown>>[]
  readonly isAlive: boolean
  signal(name: NodeJS.Signals): void
  readonly exited: Promise<void>
  /** Kills the process if it is still there, and waits for its end. */
  stop(): Promise<void>
}

/**
 * Starts a controller, of which `program` is the main file, and waits until its admin port is open; rejects with its last
 * words when it does not come up.
 */
export async function startController(
  program: string,
  flags: readonly string[],
): Promise<ControllerProcess> {
  const child = spawn(process.execPath, [program, '--admin=127.0.0.1:0', ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
  })
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (some: string) => {
    text += some
  })
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null
  const exited = once(child, 'close').then(() => undefined)
  const stop = async (): Promise<void> => {
    if (isAlive()) child.kill('SIGKILL')
    await exited
  }
  const port = (): string | undefined => /"admin":(\d+)/.exec(text)?.[1]
  await eventually(
    'a controller runs',
    () => port() !== undefined || !isAlive(),
    undefined,
    60_000,
  ).catch(() => undefined)
  if (port() === undefined) {
    await stop()
    throw new Error(`the controller does not run: ${text.slice(-2000)}`)
  }
  return {
    adminUrl: `http://127.0.0.1:${port()}`,
    logs: () =>
      text
        .split('\n')
        .slice(0, -1)
        .filter((line) => line.startsWith('{'))
        .map((line): Readonly<Record<string, unknown>> => JSON.parse(line)),
    get isAlive() {
      return isAlive()
    },
    signal: (name) => {
      child.kill(name)
    },
    exited,
    stop,
  }
}
