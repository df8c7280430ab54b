// How does a proxy leave without losing a request?
//
//   serving ──(SIGTERM, or `drain` on the control socket)──► draining ──(released or time is up)──► finishing ──► gone
//   draining:  health 503, requests are served, each response closes its connection
//   finishing: no new connections, idle ones closed, tunnels cut, requests in flight finish
//
// With a controller beside it, SIGTERM alone does not fail the health check: the target is to be deregistered first, and
// stays for as long as nobody else can serve (`hold`). A controller that says nothing is not waited for longer than 2 s.
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'

/** What leaving means for the rest of the proxy. */
export interface ShutdownOptions {
  readonly clock: Clock
  readonly log: Log
  readonly drainSeconds: number
  readonly finishSeconds: number
  /** A controller speaks over the control socket. */
  readonly hasController: boolean
  /** Health 503, `Connection: close`. */
  readonly drain: () => void
  /** Resolves when nothing is in flight any more or the time in ms is up. */
  readonly finish: (boundMs: number) => Promise<void>
}

/** Where a proxy is on its way out. */
export type ShutdownState = 'serving' | 'draining' | 'drained'

const firstWordMs = 2_000
const holdMs = 10_000

/** Leads one proxy out. */
export class Shutdown {
  readonly #options: ShutdownOptions
  readonly #left: Promise<void>
  #leave: () => void = () => {}
  #isTerminating = false
  #isReleased = false
  #cancelWait: (() => void) | undefined
  #cancelHold: (() => void) | undefined
  /** When the wait for `released` is over, by the last word of the controller or by `drainSeconds`. */
  #leaveAtMs: number | undefined
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

  /** Starts to drain; `reason` is for the log. `boundSeconds` takes the place of `drainSeconds`, from now. */
  drain(reason: string, boundSeconds?: number): void {
    this.#bound(boundSeconds)
    if (this.#state !== 'serving') return
    this.#cancelHold?.()
    this.#state = 'draining'
    const { log, drainSeconds } = this.#options
    log.info({ reason, boundSeconds: boundSeconds ?? drainSeconds }, 'draining')
    this.#options.drain()
  }

  /** Puts draining off once SIGTERM has come: until `drain`, or until it is not said again for 10 s. */
  hold(boundSeconds: number): void {
    this.#bound(boundSeconds)
    if (this.#isTerminating && this.#state === 'serving') this.#drainAfter(holdMs)
  }

  /** SIGTERM: drains, then leaves when the load balancer has let go or the time for that is over. */
  terminate(): void {
    if (this.#isTerminating) return
    const { clock, log, drainSeconds, hasController } = this.#options
    this.#isTerminating = true
    if (this.#isReleased) {
      void this.#finish()
      return
    }
    log.info({ state: this.#state }, 'terminating')
    if (hasController && this.#state === 'serving') this.#drainAfter(firstWordMs)
    else this.drain('SIGTERM')
    this.#leaveAtMs ??= clock.now() + drainSeconds * 1000
    this.#waitForRelease()
  }

  /** The load balancer sends nothing more: leaves at once if SIGTERM came, else when it comes. */
  release(): void {
    this.#isReleased = true
    this.drain('released')
    if (this.#isTerminating) void this.#finish()
  }

  #bound(boundSeconds: number | undefined): void {
    if (boundSeconds === undefined) return
    this.#leaveAtMs = this.#options.clock.now() + boundSeconds * 1000
    if (this.#isTerminating) this.#waitForRelease()
  }

  #drainAfter(ms: number): void {
    this.#cancelHold?.()
    this.#cancelHold = this.#options.clock.after(ms, () => this.drain('SIGTERM'))
  }

  #waitForRelease(): void {
    if (this.#state === 'drained') return
    const { clock } = this.#options
    const leftMs = Math.max(0, (this.#leaveAtMs ?? 0) - clock.now())
    this.#cancelWait?.()
    this.#cancelWait = clock.after(leftMs, () => void this.#finish())
  }

  async #finish(): Promise<void> {
    if (this.#state === 'drained') return
    this.drain('SIGTERM')
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
