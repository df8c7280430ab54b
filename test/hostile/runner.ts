// All cases, in every variant, over several lanes at once. A lane is one proxy with its own recorder: runs in a lane
// follow each other, so whatever reaches its upstreams belongs to the run that is on.

import type { RunningProxy } from '../support/programs.ts'
import { caseFile } from './case-file.ts'
import { type HostileCase, readCases, type Segmentation, segmentations } from './cases.ts'
import type { Verdict } from './judge.ts'
import { Recorder } from './recorder.ts'
import { type Lane, runCase, type Variant } from './run-case.ts'
import type { Target, Timeouts } from './target.ts'

/** One judged run. */
export interface Result {
  readonly hostile: HostileCase
  readonly segmentation: Segmentation
  readonly reusedConnection: boolean
  readonly verdict: Verdict
}

export interface RunOptions {
  /** Only ids that match. */
  readonly only?: RegExp
  readonly segmentations?: readonly Segmentation[]
  readonly connections?: readonly ('fresh' | 'reused')[]
  readonly fastLanes?: number
  readonly slowLanes?: number
  readonly onResult?: (result: Result) => void
}

/** What a whole run gave. */
export interface Report {
  readonly results: readonly Result[]
  /** Faults that no single run shows: a dead proxy, descriptors that stay. */
  readonly faults: readonly string[]
  readonly seconds: number
}

// Cases that speak of minutes run where every time, the proxy's and their own, is a twentieth.
const slowScale = 0.05
const slowTimeouts: Timeouts = {
  // A head that comes byte by byte beside nine other lanes takes its time, too: less than this.
  headerMs: 2500,
  bodyIdleMs: 60_000 * slowScale,
  responseMs: 60_000 * slowScale,
  keepAliveMs: 75_000 * slowScale,
  writeStallMs: 60_000 * slowScale,
}
const slowPatienceMs = 6000

// All others only need that a proxy which waits for more comes to its timeout soon.
const fastScale = 0.25
const fastTimeouts: Timeouts = {
  headerMs: 2500,
  bodyIdleMs: 2500,
  responseMs: 5000,
  keepAliveMs: 75_000,
  writeStallMs: 5000,
}
const fastPatienceMs = 6000

/** Says whether a case speaks of times that only scaling makes short. */
export function isSlow(hostile: HostileCase): boolean {
  if (hostile.clientReads !== undefined) return true
  return [...(hostile.parts ?? []), ...(hostile.backendSends ?? [])].some(
    (part) =>
      (part.waitMs ?? 0) >= 5000 ||
      (part.everyMs ?? 0) >= 1000 ||
      part.readBytesPerSecond !== undefined,
  )
}

interface Job {
  readonly hostile: HostileCase
  readonly variant: Variant
}

function jobsOf(cases: readonly HostileCase[], options: RunOptions): Job[] {
  const connections = options.connections ?? ['fresh', 'reused']
  return cases.flatMap((hostile) =>
    (options.segmentations ?? segmentations).flatMap((segmentation) =>
      connections.map((connection) => ({
        hostile,
        variant: { segmentation, reusedConnection: connection === 'reused' },
      })),
    ),
  )
}

const refused = (problem: string): Verdict => ({
  outcomes: [],
  problems: [problem],
  preferred: false,
})

async function runJob(lane: Lane, job: Job): Promise<Verdict> {
  try {
    return await runCase(lane, job.hostile, job.variant)
  } catch (error) {
    return refused(`the run broke: ${String(error)}`)
  }
}

const settleBackMs = 1500
const allowedSockets = 64
const allowedDescriptors = 8

/** Runs jobs one after the other on a proxy of its own; a dead proxy is a fault and is replaced. */
async function runLane(
  target: Target,
  queue: Job[],
  slow: boolean,
  report: (job: Job, verdict: Verdict) => void,
  faults: string[],
): Promise<void> {
  const timeScale = slow ? slowScale : fastScale
  const timeouts = slow ? slowTimeouts : fastTimeouts
  const patienceMs = slow ? slowPatienceMs : fastPatienceMs
  const recorder = new Recorder(timeScale)
  const upstreams = await recorder.start()
  let proxy: RunningProxy | undefined
  try {
    proxy = await target.start(upstreams, timeouts)
    const baseKib = proxy.residentKib()
    const baseDescriptors = proxy.descriptors()
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      const verdict = await runJob({ target: proxy, recorder, timeScale, patienceMs }, job)
      report(job, verdict)
      if (!proxy.alive()) {
        faults.push(`the proxy died in ${job.hostile.id}: ${proxy.lastWords()}`)
        proxy = await target.start(upstreams, timeouts)
      }
    }
    await new Promise((resolve) => setTimeout(resolve, slow ? 0 : settleBackMs))
    if (recorder.openConnections > allowedSockets) {
      faults.push(`${recorder.openConnections} upstream connections stayed open`)
    }
    // What is open beyond the start and the pool belongs to clients that are gone.
    const kept = proxy.descriptors() - baseDescriptors - recorder.openConnections
    if (kept > allowedDescriptors) faults.push(`${kept} descriptors stayed open`)
    const grown = proxy.residentKib() - baseKib
    if (!slow && grown > 300_000) faults.push(`memory grew by ${grown} KiB`)
  } finally {
    await proxy?.stop()
    await recorder.stop()
  }
}

/** Plays all cases in all variants against a target. */
export async function runAll(target: Target, options: RunOptions = {}): Promise<Report> {
  const started = performance.now()
  const cases = readCases(caseFile).filter(({ id }) => options.only?.test(id) !== false)
  const results: Result[] = []
  const faults: string[] = []
  const report = ({ hostile, variant }: Job, verdict: Verdict) => {
    const result = { hostile, ...variant, verdict }
    results.push(result)
    options.onResult?.(result)
  }
  const fast = jobsOf(
    cases.filter((hostile) => !isSlow(hostile)),
    options,
  )
  const slow = jobsOf(cases.filter(isSlow), options)
  const lanes = [
    ...laneCounts(fast, options.fastLanes ?? 6).map((queue) => [queue, false] as const),
    ...laneCounts(slow, options.slowLanes ?? 6).map((queue) => [queue, true] as const),
  ]
  await Promise.all(
    lanes.map(([queue, isSlowLane]) => runLane(target, queue, isSlowLane, report, faults)),
  )
  return { results, faults, seconds: (performance.now() - started) / 1000 }
}

/** Gives one shared queue to as many lanes as there is work for. */
function laneCounts(queue: Job[], lanes: number): Job[][] {
  return Array.from({ length: Math.min(lanes, queue.length) }, () => queue)
}
