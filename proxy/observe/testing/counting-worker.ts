// A worker thread for tests: counts one retry and one active connection, then waits to be ended.
import { parentPort } from 'node:worker_threads'
import { createRecorder } from '../recorder.ts'
import { createSlots } from '../slot-allocator.ts'
import { add } from '../slots.ts'

const recorder = createRecorder({
  slots: createSlots((message) => parentPort?.postMessage(message)),
})
add(recorder.retries, 1)
add(recorder.connections.http1.active, 1)
parentPort?.postMessage({ kind: 'counted' })
// Keeps the thread alive.
parentPort?.on('message', () => {})
