// Preloaded into programs that tests start: when the test is gone, however it ended, the program is gone, too.
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  // Listening must not keep a program alive that wants to leave.
  process.channel?.unref()
}
