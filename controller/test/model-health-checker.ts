// The health checks of the model load balancer: real requests, thresholds in a row, results into the model's group.
import { request as httpRequest } from 'node:http'
import type { ModelGroup, ModelTargetView } from './elbv2-model-group.ts'

export interface HealthTimes {
  readonly healthIntervalMs: number
  readonly healthTimeoutMs: number
  /** Checks in a row that make a target healthy, or unhealthy. */
  readonly healthyThreshold: number
  readonly unhealthyThreshold: number
}

interface CheckedTarget {
  readonly registeredAtMs: number
  isBusy: boolean
  /** Checks in a row with the same outcome. */
  run: number
  wasOk: boolean
}

export class ModelHealthChecker {
  readonly #group: ModelGroup
  readonly #path: string
  readonly #times: HealthTimes
  readonly #checked = new Map<string, CheckedTarget>()
  #timer: NodeJS.Timeout | undefined

  constructor(group: ModelGroup, path: string, times: HealthTimes) {
    this.#group = group
    this.#path = path
    this.#times = times
  }

  start(): void {
    this.#timer = setInterval(() => this.#checkAll(), this.#times.healthIntervalMs)
    this.#checkAll()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #checkAll(): void {
    const registered = this.#group.view().filter(({ state }) => state !== 'draining')
    const keys = new Set(registered.map(({ key }) => key))
    for (const key of this.#checked.keys()) {
      if (keys.has(key)) continue
      this.#checked.delete(key)
      this.#group.health.delete(key)
    }
    for (const target of registered) {
      let checked = this.#checked.get(target.key)
      if (checked === undefined || checked.registeredAtMs !== target.registeredAtMs) {
        this.#group.health.delete(target.key)
        const { registeredAtMs } = target
        checked = { registeredAtMs, isBusy: false, run: 0, wasOk: false }
        this.#checked.set(target.key, checked)
      }
      if (!checked.isBusy) void this.#check(target, checked)
    }
  }

  async #check(target: ModelTargetView, checked: CheckedTarget): Promise<void> {
    checked.isBusy = true
    const isOk = await this.#ask(target)
    checked.isBusy = false
    checked.run = checked.wasOk === isOk ? checked.run + 1 : 1
    checked.wasOk = isOk
    const { healthyThreshold, unhealthyThreshold } = this.#times
    if (checked.run < (isOk ? healthyThreshold : unhealthyThreshold)) return
    if (this.#checked.get(target.key) === checked) this.#group.health.set(target.key, isOk)
  }

  #ask({ id, port }: ModelTargetView): Promise<boolean> {
    return new Promise((resolve) => {
      const sent = httpRequest({
        host: id,
        port,
        path: this.#path,
        agent: false,
        timeout: this.#times.healthTimeoutMs,
        headers: { host: `${id}:${port}`, 'user-agent': 'ELB-HealthChecker/2.0' },
      })
      sent.on('timeout', () => sent.destroy())
      sent.on('error', () => resolve(false))
      sent.on('response', (response) => {
        response.resume()
        resolve(response.statusCode === 200)
      })
      sent.end()
    })
  }
}
