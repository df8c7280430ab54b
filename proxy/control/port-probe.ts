// Is a port free? Workers share theirs, so the system would let a second proxy in beside the first without a word.
import { createServer } from 'node:net'

/** Resolves when nobody listens on `port`; rejects with EADDRINUSE (or why it cannot be had) otherwise. */
export function probePort(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()))
  })
}
