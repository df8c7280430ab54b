// Preloaded into the demo's proxy: when the demo is gone, however it ended, the proxy leaves too and frees its ports.
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // Listening must not keep a proxy alive that wants to leave.
  process.channel?.unref()
}
