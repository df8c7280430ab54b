// A real store on loopback for tests: Valkey, or Redis where Debian has no Valkey (before release 13), which speaks the same
// protocol. Ended by its own process id.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'iovalkey'
import {
  findProgram,
  freePort,
  makeFolder,
  type Spawned,
  spawnProgram,
  waitForPort,
} from '../support/programs.ts'

/** A program that can be the store. */
export interface StoreProgram {
  readonly path: string
  /** As it says itself: `Valkey server v=9.1.2`. */
  readonly version: string
}

/** A running store. */
export interface StoreServer {
  readonly port: number
  readonly url: string
  /** A connection of the test's own. */
  readonly client: Redis
  /** Stops the process without ending it: connections stay open and nothing is answered. */
  stall(): void
  resume(): void
  /** Ends it at once, without a goodbye. */
  kill(): Promise<void>
  /** Starts it again, empty, at the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Where test/valkey/install.sh puts Valkey. */
const installed = join(
  process.env.WEIR_TOOLS ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'weir-tools'),
  'valkey',
  'valkey-server',
)

/** Finds all programs that can be the store, Valkey first. */
export function findStores(): readonly StoreProgram[] {
  const valkey = existsSync(installed) ? installed : findProgram('valkey-server')
  return [valkey, findProgram('redis-server')]
    .filter((path) => path !== undefined)
    .map((path) => {
      const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
      return { path, version: /^\w+ server v=[\d.]+/.exec(stdout)?.[0] ?? path }
    })
}

/** Starts a store on a free port; it keeps nothing on disk. */
export async function startStore(
  program: StoreProgram,
  extra: readonly string[] = [],
): Promise<StoreServer> {
  const port = await freePort()
  let running: Spawned | undefined
  const start = async () => {
    const folder = makeFolder('valkey', {})
    const flags = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder]
    const memoryOnly = ['--save', '', '--appendonly', 'no']
    running = spawnProgram(program.path, [...flags, ...memoryOnly, ...extra], folder)
    await waitForPort(port, running)
  }
  await start()
  const client = new Redis(port, '127.0.0.1', { lazyConnect: true })
  client.on('error', () => {})
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    client,
    stall: () => void running?.child.kill('SIGSTOP'),
    resume: () => void running?.child.kill('SIGCONT'),
    async kill() {
      await running?.stop()
    },
    restart: start,
    async stop() {
      client.disconnect()
      await running?.stop()
    },
  }
}
