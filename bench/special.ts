// Scenarios that are more than load: idle tunnels, endpoint churn, start and memory, two workers.
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  freePort,
  makeFolder,
  residentKib,
  type Spawned,
  spawnProgram,
  waitForPort,
} from '../test/support/programs.ts'
import type { Lane, Peer } from './peers/peer.ts'
import { weir } from './peers/weir.ts'
import { onCore } from './pin.ts'
import type { Sample, Table } from './rows.ts'
import { toRows } from './rows.ts'
import { sampleLane } from './sample.ts'
import { cpuMs } from './usage.ts'

/** What the special scenarios are given. */
export interface Bench {
  readonly peers: readonly Peer[]
  readonly seconds: number
  readonly rounds: number
  /** Upstream ports, at least two, served by the raw upstream. */
  readonly upstreamPorts: readonly number[]
  /** The cheapest upstream, of small answers. */
  readonly smallPort: number
}

const host = 'h0.bench.test'
const blank = { p50Ms: 0, p99Ms: 0, p999Ms: 0, mibPerCpuSecond: 0, failures: 0 }
const handshake = `GET /ws HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`

async function openTunnel(port: number): Promise<net.Socket | undefined> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  socket.write(handshake)
  const [chunk] = await Promise.race([once(socket, 'data'), once(socket, 'close')])
  if (Buffer.isBuffer(chunk) && chunk.toString('latin1').startsWith('HTTP/1.1 101')) return socket
  socket.destroy()
  return undefined
}

const tunnels = 1000

async function measureTunnels(lane: Lane, seconds: number) {
  const before = residentKib(lane.pid)
  const sockets: net.Socket[] = []
  for (let opened = 0; opened < tunnels; opened += 50) {
    const batch = await Promise.all(Array.from({ length: 50 }, () => openTunnel(lane.port)))
    sockets.push(...batch.filter((socket) => socket !== undefined))
  }
  await delay(500)
  const cpuBefore = cpuMs(lane.pid)
  await delay(seconds * 1000)
  const idleCpuMs = cpuMs(lane.pid) - cpuBefore
  const grownKib = residentKib(lane.pid) - before
  for (const socket of sockets) socket.destroy()
  return { open: sockets.length, idleCpuMs, grownKib }
}

/** 1,000 idle WebSockets: what each costs in memory, what all cost in CPU. */
export async function websockets({ peers, seconds, upstreamPorts }: Bench): Promise<Table> {
  const notes: string[] = []
  const samples = new Map<string, Sample[]>()
  for (const peer of peers) {
    const lane = await peer.start({ upstreamPort: upstreamPorts[0] ?? 0, routes: 1 })
    const { open, idleCpuMs, grownKib } = await measureTunnels(lane, seconds)
    const failures = tunnels - open
    const residentMib = residentKib(lane.pid) / 1024
    samples.set(peer.name, [{ ...blank, perSecond: 0, cpuUs: 0, residentMib, failures }])
    const each = open === 0 ? '–' : (grownKib / open).toFixed(1)
    notes.push(
      `${peer.name}: ${open} open, ${each} KiB each, ${(idleCpuMs / seconds).toFixed(1)} ms CPU per idle second`,
    )
    await lane.stop()
  }
  return {
    scenario: 'websockets',
    title: '1,000 idle WebSockets',
    rows: toRows(samples, ''),
    notes,
  }
}

// Upstreams that come and go: each a process of its own, killed outright.
async function startUpstream(): Promise<{ readonly port: number; readonly spawned: Spawned }> {
  const port = await freePort()
  const program = fileURLToPath(new URL('upstream.ts', import.meta.url))
  const [name = '', ...args] = onCore('load', [process.execPath, program, String(port)])
  const spawned = spawnProgram(name, args, makeFolder('upstream', {}))
  await waitForPort(port, spawned)
  return { port, spawned }
}

/** Two endpoints are replaced one by one, the old one killed at the moment of the change: no request may fail. */
export async function churn({ seconds }: Bench): Promise<Table> {
  let upstreams = [await startUpstream(), await startUpstream()]
  const ports = () => upstreams.map(({ port }) => port)
  const lane = await weir('weir', 'off').start({ upstreamPort: ports()[0] ?? 0, routes: 1 })
  lane.moveTo?.(ports())
  await delay(1000)
  let isOver = false
  const load = {
    host,
    path: '/',
    connections: 64,
    seconds: seconds * 3,
    rate: 2000,
  }
  const running = sampleLane(lane, load).finally(() => {
    isOver = true
  })
  let moves = 0
  while (!isOver) {
    const [oldest, ...others] = upstreams
    upstreams = [...others, await startUpstream()]
    lane.moveTo?.(ports())
    await oldest?.spawned.stop()
    moves++
    await delay(300)
  }
  const sample = await running
  await lane.stop()
  await Promise.all(upstreams.map(({ spawned }) => spawned.stop()))
  return {
    scenario: 'churn',
    title: 'two endpoints replaced one by one, killed at once, at 2,000 requests/s',
    rows: toRows(new Map([['weir', [sample]]]), 'weir'),
    notes: [
      `${moves} endpoints replaced; peers cannot change endpoints without a restart or an API of their own`,
    ],
  }
}

/** From start to ready with 1,000 and 16,000 Ingresses, and the memory then. */
export async function start({ rounds, upstreamPorts }: Bench): Promise<Table> {
  const notes: string[] = []
  for (const routes of [1, 1000, 16_000]) {
    const readyMs: number[] = []
    const mib: number[] = []
    for (let round = 0; round < rounds; round++) {
      const lane = await weir('weir', 'off').start({ upstreamPort: upstreamPorts[0] ?? 0, routes })
      readyMs.push(lane.readyMs)
      await delay(300)
      mib.push(residentKib(lane.pid) / 1024)
      await lane.stop()
    }
    const list = (values: readonly number[]) => values.map((value) => value.toFixed(0)).join(', ')
    notes.push(
      `weir, ${routes} Ingresses, one worker: ready after ${list(readyMs)} ms; resident ${list(mib)} MiB`,
    )
  }
  return { scenario: 'start', title: 'start to ready, memory', rows: [], notes }
}

/** Two workers against one, neither pinned: throughput and CPU per request. */
export async function workers({ seconds, rounds, upstreamPorts }: Bench): Promise<Table> {
  const peers = [weir('weir, 1 worker', 'off', 1), weir('weir, 2 workers', 'off', 2)]
  const samples = new Map<string, Sample[]>()
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers) {
      const lane = await peer.start({ upstreamPort: upstreamPorts[0] ?? 0, routes: 1 })
      const sample = await sampleLane(lane, { host, path: '/', connections: 64, seconds })
      samples.set(peer.name, [...(samples.get(peer.name) ?? []), sample])
      await lane.stop()
    }
  }
  return {
    scenario: 'workers',
    title: 'two workers against one',
    rows: toRows(samples, 'weir, 1 worker'),
    notes: ['one worker runs on core 0; two share both cores with the load'],
  }
}

/** 100,000 routes over 10,000 hosts against 10 routes of one host: by turns, two processes. */
export async function table({ seconds, rounds, smallPort }: Bench): Promise<Table> {
  const sizes = [
    { name: '10 routes', hosts: 1 },
    { name: '100,000 routes', hosts: 10_000 },
  ]
  const samples = new Map<string, Sample[]>(sizes.map(({ name }) => [name, []]))
  const lanes: { readonly name: string; readonly lane: Lane }[] = []
  try {
    for (const { name, hosts } of sizes) {
      const setup = { upstreamPort: smallPort, routes: hosts, pathsPerHost: 10 }
      lanes.push({ name, lane: await weir('weir', 'off').start(setup) })
    }
    for (let round = -1; round < rounds; round++) {
      for (const { name, lane } of lanes) {
        const load = { host, path: '/p7/x', connections: 64, seconds }
        const sample = await sampleLane(lane, load)
        // The first round is for the compiler.
        if (round >= 0) samples.get(name)?.push(sample)
      }
    }
  } finally {
    for (const { lane } of lanes) await lane.stop()
  }
  return {
    scenario: 'table',
    title: '100,000 routes over 10,000 hosts against 10 routes',
    rows: toRows(samples, '10 routes'),
    notes: lanes.map(({ name, lane }) => `${name}: ready after ${lane.readyMs.toFixed(0)} ms`),
  }
}
