// What does a run of load cost the proxy that serves it? One sample: the load's own figures, CPU and memory of the process.
import { residentKib } from '../test/support/programs.ts'
import { type Load, runLoad } from './load.ts'
import type { Lane } from './peers/peer.ts'
import type { Sample } from './rows.ts'
import { cpuMs } from './usage.ts'

/** A load without its port: that is the lane's. `bodyBytes`: of one body, where bytes are compared and not requests. */
export interface LaneLoad extends Omit<Load, 'port'> {
  readonly bodyBytes?: number
}

/** Loads a lane once. */
export async function sampleLane(
  lane: Lane,
  { bodyBytes = 0, ...load }: LaneLoad,
): Promise<Sample> {
  const before = cpuMs(lane.pid)
  const result = await runLoad({ ...load, port: lane.port })
  const cpu = Math.max(1, cpuMs(lane.pid) - before)
  const moved = load.uploadBytes === undefined ? result.bytes : result.requests * bodyBytes
  return {
    perSecond: result.requests / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    p999Ms: result.p999Ms,
    failures: result.failures,
    cpuUs: (cpu * 1000) / Math.max(1, result.requests),
    mibPerCpuSecond: bodyBytes === 0 ? 0 : moved / 1_048_576 / (cpu / 1000),
    residentMib: residentKib(lane.pid) / 1024,
  }
}
