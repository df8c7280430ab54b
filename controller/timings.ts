// How long does it take from ready to registered, from ready to healthy, from termination to gone?
// Looks at the worlds of one leader's passes; what began before its term is not measured.
import type { ControllerMetrics } from './metrics.ts'
import { isServing } from './targets/guard.ts'
import type { GroupView } from './world.ts'

export class Timings {
  readonly #metrics: ControllerMetrics
  /** Targets that this leader registered and that are not healthy yet: wall ms of ready. */
  readonly #registering = new Map<string, number>()
  /** Wall ms when a target's pod was first seen terminating. */
  readonly #terminating = new Map<string, number>()

  constructor(metrics: ControllerMetrics) {
    this.#metrics = metrics
  }

  /** Notes that a target was registered. */
  noteRegistered(view: GroupView, key: string, wallMs: number): void {
    const readyAtMs = view.wanted.find((target) => target.key === key)?.readyAtMs
    if (readyAtMs === undefined) return
    this.#metrics.readyToRegistered.observe(Math.max(0, wallMs - readyAtMs) / 1000)
    this.#registering.set(`${view.facts.arn} ${key}`, readyAtMs)
  }

  /** Takes in one pass. */
  notePass(views: readonly GroupView[], wallMs: number): void {
    for (const { facts, observed, departures } of views) {
      if (observed === undefined) continue
      const listed = new Map(observed.map((target) => [target.key, target]))
      for (const [key, { why }] of departures) {
        const id = `${facts.arn} ${key}`
        if (why === 'terminating' && listed.has(key) && !this.#terminating.has(id)) {
          this.#terminating.set(id, wallMs)
        }
      }
      this.#settle(this.#registering, facts.arn, wallMs, (key, sinceMs) => {
        const target = listed.get(key)
        if (target === undefined || !isServing(target)) return target === undefined
        this.#metrics.readyToHealthy.observe(Math.max(0, wallMs - sinceMs) / 1000)
        return true
      })
      this.#settle(this.#terminating, facts.arn, wallMs, (key, sinceMs) => {
        if (listed.has(key)) return false
        this.#metrics.terminationToGone.observe((wallMs - sinceMs) / 1000)
        return true
      })
    }
  }

  #settle(
    open: Map<string, number>,
    arn: string,
    wallMs: number,
    isSettled: (key: string, sinceMs: number) => boolean,
  ): void {
    for (const [id, sinceMs] of open) {
      const [group, key = ''] = id.split(' ')
      if (group !== arn) continue
      // An hour is no measurement any more.
      if (wallMs - sinceMs > 3_600_000 || isSettled(key, sinceMs)) open.delete(id)
    }
  }
}
