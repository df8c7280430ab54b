// What is a proxy in the bench? Started in front of an upstream with a number of routes, stopped by its process id.
import { setTimeout as delay } from 'node:timers/promises'
import {
  makeFolder,
  type RunningProxy,
  running,
  type Spawned,
  spawnProgram,
  waitForPort,
} from '../../test/support/programs.ts'
import { onCore } from '../pin.ts'

/** What a proxy is started for. */
export interface Setup {
  readonly upstreamPort: number
  /** Hosts h0.bench.test … each with a route to the upstream. */
  readonly routes: number
  /** How many paths each host has; one, `/`, when absent. Weir only, as what follows. */
  readonly pathsPerHost?: number
  /** Annotations of the Ingress of each host, in their order. */
  readonly annotations?: readonly Readonly<Record<string, string>>[]
  readonly flags?: readonly string[]
  /** Further objects; and names of its hosts in the place of those of `hostNames`. */
  readonly objects?: readonly object[]
  readonly hosts?: readonly string[]
  /** Speaks TLS on the lane's port, by the Secret `tls` of its objects. */
  readonly isSecure?: boolean
}

/** A started proxy of the bench. */
export interface Lane extends RunningProxy {
  /** ms from start to ready, where the proxy says so. */
  readonly readyMs: number
  /** Points every route at these ports; absent where a peer cannot without a restart. */
  moveTo?(upstreamPorts: readonly number[]): void
}

/** One row of the tables. */
export interface Peer {
  readonly name: string
  /** Why it cannot run here. */
  missing(): string | undefined
  /** False for a library without a routing table: left out where routes are counted. */
  readonly hasRoutes: boolean
  start(setup: Setup): Promise<Lane>
}

/** Names of the hosts that a setup serves. */
export function hostNames(setup: Setup): readonly string[] {
  return setup.hosts ?? Array.from({ length: setup.routes }, (_, index) => `h${index}.bench.test`)
}

/** Starts a program on the proxy's core with files in a folder of its own, and waits for its port. */
export async function startProgram(
  command: readonly string[],
  port: number,
  files: Readonly<Record<string, string>>,
): Promise<Lane> {
  const started = performance.now()
  const folder = makeFolder('bench', files)
  const [program = '', ...args] = onCore(
    'proxy',
    command.map((word) => word.replace('FOLDER', folder)),
  )
  const spawned = spawnProgram(program, args, folder)
  await waitForPort(port, spawned)
  return toLane(spawned, port, performance.now() - started)
}

/** Gives the lane of a started process; `stop` asks first and insists after 2 s. */
export function toLane(spawned: Spawned, port: number, readyMs: number): Lane {
  const proxy = running(spawned, port)
  return {
    ...proxy,
    readyMs,
    stop: async () => {
      spawned.child.kill('SIGINT')
      for (let waited = 0; proxy.alive() && waited < 2000; waited += 20) await delay(20)
      await spawned.stop()
    },
  }
}
