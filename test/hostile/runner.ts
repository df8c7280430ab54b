// All cases, in every variant, over several lanes at once. A lane is one proxy with its own recorder: runs in a lane
// follow each other, so whatever reaches its upstreams belongs to the run that is on.

import type { RunningProxy } from '../support/programs.ts'
import type { Lane, OpenCase, Variant } from './case-client.ts'
import { caseFile } from './case-file.ts'
import { type HostileCase, readCases, type Segmentation, segmentations } from './cases.ts'
import { Http1CaseClient } from './http1-play.ts'
import { type Http2Case, toHttp2 } from './http2-case.ts'
import { Http2CaseClient } from './http2-play.ts'
import type { Verdict } from './judge.ts'
import { Recorder } from './recorder.ts'
import { runCase } from './run-case.ts'
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
  /** How each case is played; in all ways unless said otherwise. */
  readonly variants?: readonly Variant[]
  readonly fastLanes?: number
  readonly slowLanes?: number
  /** What the clients of the cases speak; the target has to, too. */
  readonly version?: 'HTTP/1.1' | 'HTTP/2'
  readonly onResult?: (result: Result) => void
}

/** What a whole run gave. */
export interface Report {
  readonly results: readonly Result[]
  /** Cases that cannot be said in the version, and why. */
  readonly skipped: readonly { readonly hostile: HostileCase; readonly reason: string }[]
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

/** A case, and how its client comes about. */
interface Playable {
  readonly hostile: HostileCase
  readonly open: OpenCase
}

interface Job extends Playable {
  readonly variant: Variant
}

/** Every way to cut, on fresh and on reused connections. */
const allVariants = segmentations.flatMap((segmentation) =>
  [false, true].map((reusedConnection): Variant => ({ segmentation, reusedConnection })),
)

function jobsOf(cases: readonly Playable[], { variants = allVariants }: RunOptions): Job[] {
  return cases.flatMap((playable) => variants.map((variant) => ({ ...playable, variant })))
}

function playableIn(
  version: RunOptions['version'],
  hostile: HostileCase,
): Playable | { reason: string } {
  if (version !== 'HTTP/2') return { hostile, open: Http1CaseClient.open }
  const turned: Http2Case | { reason: string } = toHttp2(hostile)
  if ('reason' in turned) return turned
  const open: OpenCase = (lane, _, variant) => Http2CaseClient.open(lane, turned, variant)
  return { hostile: turned.hostile, open }
}

const refused = (problem: string): Verdict => ({
  outcomes: [],
  problems: [problem],
  preferred: false,
})

async function runJob(lane: Lane, job: Job): Promise<Verdict> {
  try {
    return await runCase(lane, job.hostile, job.variant, job.open)
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
  const cases: Playable[] = []
  const skipped: Report['skipped'][number][] = []
  for (const hostile of readCases(caseFile)) {
    if (options.only?.test(hostile.id) === false) continue
    const playable = playableIn(options.version, hostile)
    if ('reason' in playable) skipped.push({ hostile, reason: playable.reason })
    else cases.push(playable)
  }
  const results: Result[] = []
  const faults: string[] = []
  const report = ({ hostile, variant }: Job, verdict: Verdict) => {
    const result = { hostile, ...variant, verdict }
    results.push(result)
    options.onResult?.(result)
  }
  const fast = jobsOf(
    cases.filter(({ hostile }) => !isSlow(hostile)),
    options,
  )
  const slow = jobsOf(
    cases.filter(({ hostile }) => isSlow(hostile)),
    options,
  )
  const lanes = [
    ...laneCounts(fast, options.fastLanes ?? 6).map((queue) => [queue, false] as const),
    ...laneCounts(slow, options.slowLanes ?? 6).map((queue) => [queue, true] as const),
  ]
  await Promise.all(
    lanes.map(([queue, isSlowLane]) => runLane(target, queue, isSlowLane, report, faults)),
  )
  return { results, skipped, faults, seconds: (performance.now() - started) / 1000 }
}

/** Gives one shared queue to as many lanes as there is work for. */
function laneCounts(queue: Job[], lanes: number): Job[][] {
  return Array.from({ length: Math.min(lanes, queue.length) }, () => queue)
}
