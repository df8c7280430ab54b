// How does a proxy leave without losing a request?
//
//   serving ──(SIGTERM, or `drain` on the control socket)──► draining ──(released or time is up)──► finishing ──► gone
//   draining:  health 503, requests are served, each response closes its connection
//   finishing: no new connections, idle ones closed, tunnels cut, requests in flight finish
import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'

/** What leaving means for the rest of the proxy. */
export interface ShutdownOptions {
  readonly clock: Clock
  readonly log: Log
  readonly drainSeconds: number
  readonly finishSeconds: number
  /** Health 503, `Connection: close`. */
  readonly drain: () => void
  /** Resolves when nothing is in flight any more or the time in ms is up. */
  readonly finish: (boundMs: number) => Promise<void>
}

/** Where a proxy is on its way out. */
export type ShutdownState = 'serving' | 'draining' | 'drained'

/** Leads one proxy out. */
export class Shutdown {
  readonly #options: ShutdownOptions
  readonly #left: Promise<void>
  #leave: () => void = () => {}
  #isTerminating = false
  #isReleased = false
  #cancelWait: (() => void) | undefined
  #state: ShutdownState = 'serving'

  constructor(options: ShutdownOptions) {
    this.#options = options
    this.#left = new Promise((resolve) => {
      this.#leave = resolve
    })
  }

  get state(): ShutdownState {
    return this.#state
  }

  /** Resolves when the proxy has left. */
  whenLeft(): Promise<void> {
    return this.#left
  }

  /** Starts to drain; `reason` is for the log. */
  drain(reason: string): void {
    if (this.#state !== 'serving') return
    this.#state = 'draining'
    this.#options.log.info({ reason, drainSeconds: this.#options.drainSeconds }, 'draining')
    this.#options.drain()
  }

  /** SIGTERM: drains, then leaves when the load balancer has let go or `drainSeconds` are over. */
  terminate(): void {
    if (this.#isTerminating) return
    this.#isTerminating = true
    this.drain('SIGTERM')
    if (this.#isReleased) {
      void this.#finish()
      return
    }
    this.#cancelWait = this.#options.clock.after(
      this.#options.drainSeconds * 1000,
      () => void this.#finish(),
    )
  }

  /** The load balancer sends nothing more: leaves at once if SIGTERM came, else when it comes. */
  release(): void {
    this.#isReleased = true
    this.drain('released')
    if (this.#isTerminating) void this.#finish()
  }

  async #finish(): Promise<void> {
    if (this.#state === 'drained') return
    this.#state = 'drained'
    this.#cancelWait?.()
    this.#options.log.info({ finishSeconds: this.#options.finishSeconds }, 'finishing')
    try {
      await this.#options.finish(this.#options.finishSeconds * 1000)
    } catch (error) {
      this.#options.log.error({ error }, 'could not finish in order')
    }
    this.#leave()
  }
}
