// Steady load through a proxy: so many requests per second over kept connections, every one accounted for.
import { Agent, request } from 'node:http'

/** A running load. */
export interface Load {
  readonly sent: number
  readonly answered: number
  /** What went wrong, by its words, and how often. */
  readonly failures: ReadonlyMap<string, number>
  /** ms from sending to the end of the answer, of each request since the last call. */
  takeTimes(): number[]
  /** Stops sending and waits for the answers underway. */
  stop(): Promise<void>
}

const beatMs = 10
const giveUpMs = 10_000

/** Sends `perSecond` GETs for `host` to a port of 127.0.0.1; anything but a 200 is a failure. */
export function startLoad(port: number, host: string, perSecond: number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const failures = new Map<string, number>()
  const startedAtMs = performance.now()
  let sent = 0
  let answered = 0
  let times: number[] = []
  const waiters: (() => void)[] = []

  function settle(failure: string): void {
    answered += 1
    if (failure !== '') failures.set(failure, (failures.get(failure) ?? 0) + 1)
    if (answered === sent) for (const wake of waiters.splice(0)) wake()
  }

  function send(): void {
    sent += 1
    const sentAtMs = performance.now()
    let isSettled = false
    const settleOnce = (failure: string) => {
      if (!isSettled) settle(failure)
      isSettled = true
    }
    const outgoing = request(
      { host: '127.0.0.1', port, agent, headers: { host }, timeout: giveUpMs },
      (response) => {
        response.resume()
        response.on('end', () => {
          times.push(performance.now() - sentAtMs)
          settleOnce(response.statusCode === 200 ? '' : `status ${response.statusCode}`)
        })
        response.on('error', ({ message }) => settleOnce(message))
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in 10 s')))
    outgoing.on('error', ({ message }) => settleOnce(message))
    outgoing.end()
  }

  const timer = setInterval(() => {
    // By the clock, so that a late beat makes up for itself; a machine that stood still is not answered by a flood.
    const due = ((performance.now() - startedAtMs) / 1000) * perSecond
    for (let more = Math.min(due - sent, perSecond / 5); more >= 1; more -= 1) send()
  }, beatMs)

  return {
    get sent() {
      return sent
    },
    get answered() {
      return answered
    },
    failures,
    takeTimes() {
      const taken = times
      times = []
      return taken
    },
    async stop() {
      clearInterval(timer)
      if (answered < sent) await new Promise<void>((resolve) => waiters.push(resolve))
      agent.destroy()
    },
  }
}
