// Does a roll-out cost a request? Real proxies and controllers, a model of AWS with its load balancer, traffic all the
// while: `npm run test:roll`. Prints figures per phase, and `N passed, N failed, N skipped` at the end.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { argv } from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { bundle } from '../../deploy/bundle.ts'
import { type EdgePod, type Leaving, type Stage, setStage, soon } from './stage.ts'
import { type Figures, type Load, Traffic } from './traffic.ts'

const load: Load = {
  requestsPerSecond: Number(argv[2] ?? 1_000),
  tunnels: 20,
  uploads: 5,
  uploadSeconds: 6,
}
const faultSeconds = 30
/** Three and a half minutes are enough where nothing is wrong. */
const patienceMs = 15 * 60_000
const openStages = new Set<Stage>()
const programs = mkdtempSync(join(tmpdir(), 'weir-roll-programs-'))

let passed = 0
let failed = 0

function check(what: string, isTrue: boolean, seen: unknown = ''): void {
  console.log(`${isTrue ? 'ok' : 'not ok'} ${what}`)
  if (isTrue) passed++
  else {
    failed++
    console.log(seen)
  }
}

/** A stage with three pods under load, and what is measured on it. */
class Roll {
  readonly stage: Stage
  readonly traffic: Traffic
  /** Oldest first. */
  fleet: EdgePod[] = []
  /** Longest time without a healthy target since the phase began, in ms. */
  #withoutMs = 0
  readonly #watch: NodeJS.Timeout

  constructor(stage: Stage) {
    this.stage = stage
    const { balancer, group } = stage
    const isRegistered = (key: string): boolean => group.view().some((view) => view.key === key)
    this.traffic = new Traffic(balancer, load, isRegistered)
    let lookedAtMs = performance.now()
    this.#watch = setInterval(() => {
      const now = performance.now()
      const isHealthy = group.view().some(({ state }) => state === 'healthy')
      if (!isHealthy && this.fleet.length > 0) this.#withoutMs += now - lookedAtMs
      lookedAtMs = now
    }, 20)
  }

  static async start(leaving: Leaving): Promise<Roll> {
    const roll = new Roll(await setStage(leaving, programs))
    openStages.add(roll.stage)
    const fleet = await Promise.all([1, 2, 3].map(() => roll.stage.start()))
    for (const pod of fleet) await roll.stage.routed(pod)
    roll.fleet = fleet
    await roll.traffic.start()
    return roll
  }

  /** Runs a phase; gives its figures and prints them. */
  async phase(name: string, run: () => Promise<void>): Promise<Figures> {
    doing = name
    const before = this.traffic.figures
    const startMs = performance.now()
    this.#withoutMs = 0
    this.traffic.complaints.length = 0
    const busy = process.cpuUsage()
    await run()
    // What happens late counts for the phase that caused it.
    await pause(1_500)
    const seconds = (performance.now() - startMs) / 1000
    const own = process.cpuUsage(busy)
    const figures = difference(this.traffic.figures, before)
    const cpu = (own.user + own.system) / 1e4 / seconds
    console.log(
      `${name}: ${seconds.toFixed(0)} s, ${figures.requests} requests (${(figures.requests / seconds).toFixed(0)}/s), ${figures.failedRequests} failed; ${figures.uploads} uploads, ${figures.cutUploads} cut; ${figures.endedTunnels} tunnels moved, ${figures.cutTunnels} cut; ${this.#withoutMs.toFixed(0)} ms without a healthy target; load side ${cpu.toFixed(0)} % CPU`,
    )
    return figures
  }

  /** Runs a phase in which nothing may be lost. */
  async lossless(name: string, run: () => Promise<void>): Promise<void> {
    const figures = await this.phase(name, run)
    const { failedRequests, cutUploads, cutTunnels } = figures
    const { complaints } = this.traffic
    const failures = this.stage.balancer.stats.failures.slice(-10)
    check(
      `${name}: no request failed, no upload or tunnel was cut`,
      failedRequests + cutUploads + cutTunnels === 0,
      { figures, complaints: complaints.slice(0, 10), failures },
    )
    check(`${name}: there always was a healthy target`, this.#withoutMs === 0, this.#withoutMs)
  }

  /** Starts a successor, waits until it gets requests, and ends the pod. */
  async replace(pod: EdgePod, end: () => Promise<void>): Promise<void> {
    const next = await this.stage.start()
    await this.stage.routed(next)
    this.fleet = [...this.fleet.filter((one) => one !== pod), next]
    await end()
  }

  async stop(): Promise<void> {
    clearInterval(this.#watch)
    await this.traffic.stop()
    await this.stage.close()
    openStages.delete(this.stage)
  }
}

function difference(now: Figures, before: Figures): Figures {
  return {
    requests: now.requests - before.requests,
    failedRequests: now.failedRequests - before.failedRequests,
    uploads: now.uploads - before.uploads,
    cutUploads: now.cutUploads - before.cutUploads,
    endedTunnels: now.endedTunnels - before.endedTunnels,
    cutTunnels: now.cutTunnels - before.cutTunnels,
  }
}

/** What is being tried. */
let doing = 'setting the stage'

/** Ends the processes of a run that is cut off, as nobody else would. */
function giveUp(): never {
  for (const { proxy, controller } of openStages.values().flatMap(({ pods }) => [...pods])) {
    proxy.signal('SIGKILL')
    controller.signal('SIGKILL')
  }
  rmSync(programs, { recursive: true, force: true })
  process.exit(1)
}

/** A run that is stuck says where, and ends. */
function watchOver(): NodeJS.Timeout {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, giveUp)
  return setTimeout(() => {
    check(`${doing}: it comes to an end`, false)
    report()
    giveUp()
  }, patienceMs)
}

function report(): void {
  console.log(`took ${seconds(startMs)} s at ${load.requestsPerSecond} requests/s`)
  console.log(`${passed} passed, ${failed} failed, 0 skipped`)
}

async function withChoreography(): Promise<void> {
  const roll = await Roll.start('choreography')
  const { stage } = roll
  try {
    await roll.lossless('roll, both containers stopped together', async () => {
      for (const pod of [...roll.fleet]) await roll.replace(pod, () => stage.end(pod))
    })
    await roll.lossless('roll, controllers as native sidecars', async () => {
      for (const pod of [...roll.fleet]) {
        await roll.replace(pod, () => stage.end(pod, 'native-sidecar'))
      }
    })
    await roll.lossless('kill -9 of the leading controller, then its pod is replaced', () =>
      killLeader(roll),
    )
    const slowest = Math.max(...stage.outMs)
    console.log(`SIGTERM to deregistered: ${stage.outMs.map((ms) => ms.toFixed(0)).join(' ')} ms`)
    check('every target was deregistered within 1 s of SIGTERM', slowest < 1_000, slowest)
    // From here on targets leave later on purpose: when AWS takes it, when their successors serve.
    await roll.lossless(`AWS throttles and answers stale for ${faultSeconds} s`, () =>
      troubleAws(roll),
    )
    await roll.lossless(`the API server is away for ${faultSeconds} s`, () => loseApi(roll))
    await roll.lossless('all three deleted at once', async () => {
      const ends = roll.fleet.map((pod) => stage.end(pod))
      roll.fleet = await Promise.all(ends.map(() => stage.start()))
      await Promise.all(ends)
      for (const pod of roll.fleet) await stage.routed(pod)
    })
  } finally {
    doing = 'ending the choreography'
    await roll.stop()
  }
}

async function killLeader(roll: Roll): Promise<void> {
  const { stage } = roll
  const leader = await whoLeads(stage)
  leader.controller.signal('SIGKILL')
  await leader.controller.exited
  const sinceMs = performance.now()
  // Only a new leader can register the successor; only it can take the pod out whose own controller is dead.
  await roll.replace(leader, async () => {
    console.log(`  the successor was routed to ${seconds(sinceMs)} s after the kill`)
    await stage.end(leader)
  })
}

async function troubleAws(roll: Roll): Promise<void> {
  const { stage } = roll
  const { faults } = stage.model
  const startMs = performance.now()
  const [oldest] = roll.fleet
  if (oldest === undefined) throw new Error('no pod is left')
  faults.staleMs = 4_000
  faults.throttle = true
  // The first third: nothing gets through at all, and a pod that is deleted must leave all the same.
  roll.fleet = roll.fleet.filter((pod) => pod !== oldest)
  const gone = stage.end(oldest).then(() => {
    console.log(`  the pod that was deleted at once left ${seconds(startMs)} s later`)
  })
  await until(startMs, faultSeconds / 3)
  // Then every other second.
  const flapping = setInterval(() => {
    faults.throttle = !faults.throttle
  }, 1_000)
  const next = await stage.start()
  await stage.routed(next)
  roll.fleet.push(next)
  await gone
  await until(startMs, faultSeconds)
  clearInterval(flapping)
  faults.throttle = false
  faults.staleMs = 0
  await soon('the group is as wanted', () => targets(stage) === wanted(roll))
}

async function loseApi(roll: Roll): Promise<void> {
  const { stage } = roll
  const startMs = performance.now()
  const [oldest] = roll.fleet
  if (oldest === undefined) throw new Error('no pod is left')
  await stage.api.pause()
  await until(startMs, faultSeconds / 3)
  // A node that shuts down signals its pods whether the API server is there or not.
  roll.fleet = roll.fleet.filter((pod) => pod !== oldest)
  const stoppedAtMs = performance.now()
  await stage.signal(oldest)
  console.log(`  a pod that was stopped meanwhile left after ${seconds(stoppedAtMs)} s`)
  await until(startMs, faultSeconds)
  await stage.api.resume()
  const backAtMs = performance.now()
  stage.forget(oldest)
  const next = await stage.start()
  await stage.routed(next)
  roll.fleet.push(next)
  console.log(`  its successor was routed to ${seconds(backAtMs)} s after the API server was back`)
  await soon('the group is as wanted', () => targets(stage) === wanted(roll))
}

async function withoutChoreography(): Promise<void> {
  const roll = await Roll.start('none')
  try {
    const figures = await roll.phase('the same roll without the choreography', async () => {
      for (const pod of [...roll.fleet]) await roll.replace(pod, () => roll.stage.end(pod))
    })
    const { failedRequests, cutUploads, cutTunnels } = figures
    check('without the choreography requests fail', failedRequests > 0)
    check('without it uploads and tunnels are cut', cutUploads > 0 && cutTunnels > 0)
  } finally {
    await roll.stop()
  }
}

async function whoLeads(stage: Stage): Promise<EdgePod> {
  for (const endMs = performance.now() + 60_000; performance.now() < endMs; await pause(100)) {
    const leader = await stage.leader()
    if (leader !== undefined) return leader
  }
  throw new Error('nobody leads')
}

/** What the group holds that is not draining, and what it should hold. */
function targets({ group }: Stage): string {
  const registered = group.view().filter(({ state }) => state === 'healthy')
  return keys(registered)
}

function wanted({ fleet }: Roll): string {
  return keys(fleet)
}

function keys(list: readonly { readonly key: string }[]): string {
  return list
    .map(({ key }) => key)
    .sort()
    .join(' ')
}

function until(startMs: number, afterSeconds: number): Promise<void> {
  return pause(Math.max(0, startMs + afterSeconds * 1000 - performance.now()))
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1000).toFixed(1)
}

const startMs = performance.now()
const watch = watchOver()
await bundle(programs)
for (const run of [withChoreography, withoutChoreography]) {
  try {
    await run()
  } catch (error) {
    check(`${run.name} runs to its end`, false, error)
  }
}
clearTimeout(watch)
rmSync(programs, { recursive: true, force: true })
report()
process.exitCode = failed === 0 ? 0 : 1
