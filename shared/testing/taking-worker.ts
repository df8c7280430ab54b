// A thread for tests of shared counters: takes from the given keys in turn, and says how many takes were granted.
import { parentPort, workerData } from 'node:worker_threads'
import { openCounterTable } from '../shared-counters.ts'

/** What the thread is started with. */
export interface TakingTask {
  readonly memory: SharedArrayBuffer
  readonly keys: readonly string[]
  readonly takes: number
  readonly intervalMs: number
  readonly burst: number
  /** All threads begin when this is not 0. */
  readonly gate: SharedArrayBuffer
}

const { memory, keys, takes, intervalMs, burst, gate } = workerData as TakingTask
// Time stands still: what refills would blur what was granted.
const table = openCounterTable({ memory, nowMicros: () => 1_000_000 })
Atomics.wait(new Int32Array(gate), 0, 0)
let granted = 0
for (let at = 0; at < takes; at += 1) {
  if (table.take(keys[at % keys.length] ?? '', intervalMs, burst) === 0) granted += 1
}
parentPort?.postMessage(granted)
