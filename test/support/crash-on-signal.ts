// Loaded in front of the proxy program (`--import`) by tests that need a worker to crash: at each SIGUSR2 the oldest one
// throws out of its event loop, as a bug would make it. The program itself has no such door.
import { BroadcastChannel, isMainThread, threadId, type Worker } from 'node:worker_threads'

const channel = new BroadcastChannel('crash-on-signal')
channel.unref()

if (isMainThread) {
  const alive: number[] = []
  process.on('worker', ({ threadId: id }: Worker) => alive.push(id))
  process.on('SIGUSR2', () => channel.postMessage(alive.shift()))
} else {
  channel.onmessage = ({ data }: { readonly data: unknown }) => {
    if (data !== threadId) return
    setImmediate(() => {
      throw new Error('a test made this worker crash')
    })
  }
}
