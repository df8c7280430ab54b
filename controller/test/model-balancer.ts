// The data side of the model: a load balancer that checks health and sends requests, with AWS's delays, in real time.
//
// - routes to healthy targets as of `propagationMs` ago: after a deregistration it still sends for that long;
// - with no healthy target it fails open to every registered one, with none at all it answers 503;
// - keeps connections alive and reuses them up to `idleMs`; one that the target closed under a request is a failure;
// - a target that drains gets nothing new, what is in flight goes on.
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ModelGroup, ModelTargetView } from './elbv2-model-group.ts'
import { type HealthTimes, ModelHealthChecker } from './model-health-checker.ts'

export interface BalancerTimes extends HealthTimes {
  /** How long data lags behind control. */
  readonly propagationMs: number
  /** How long an idle connection is kept. */
  readonly idleMs: number
}

export interface BalancerOptions {
  readonly group: ModelGroup
  readonly healthPath: string
  /** Monotonic ms; the clock of the model. */
  readonly now: () => number
  readonly times?: Partial<BalancerTimes>
}

export interface BalancerRequest {
  readonly method?: string
  readonly host: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent chunk by chunk; may take its time. */
  readonly body?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** How one request ended. `error` is empty for a whole answer, whatever its status. */
export interface BalancerResult {
  readonly status: number
  readonly error: string
  readonly target: string
  /** Whether the connection had served an earlier request. */
  readonly wasReused: boolean
  readonly bodyBytes: number
  /** Where an answer of 500 and above begins: it tells what failed. */
  readonly words: string
}

/** An upgraded connection through the balancer. */
export interface BalancerTunnel {
  readonly target: string
  readonly stream: Duplex
  /** What came with the 101. */
  readonly head: Buffer
}

export interface BalancerStats {
  sent: number
  answered: number
  /** No target at all. */
  unrouted: number
  readonly failures: BalancerResult[]
  /** Requests by target key. */
  readonly byTarget: Map<string, number>
}

const defaultTimes: BalancerTimes = {
  propagationMs: 1_000,
  healthIntervalMs: 500,
  healthTimeoutMs: 400,
  healthyThreshold: 2,
  unhealthyThreshold: 2,
  idleMs: 60_000,
}

export class ModelLoadBalancer {
  readonly stats: BalancerStats = {
    sent: 0,
    answered: 0,
    unrouted: 0,
    failures: [],
    byTarget: new Map(),
  }
  readonly #options: BalancerOptions
  readonly #times: BalancerTimes
  readonly #agents = new Map<string, Agent>()
  readonly #health: ModelHealthChecker
  #next = 0
  #loadTimer: NodeJS.Timeout | undefined
  readonly #inFlight = new Set<Promise<unknown>>()

  constructor(options: BalancerOptions) {
    this.#options = options
    this.#times = { ...defaultTimes, ...options.times }
    this.#health = new ModelHealthChecker(options.group, options.healthPath, this.#times)
  }

  /** Starts to check health. */
  start(): void {
    this.#health.start()
  }

  /** Ends load and health checks, waits for what is in flight, closes all connections. */
  async stop(): Promise<void> {
    this.#health.stop()
    clearInterval(this.#loadTimer)
    await Promise.allSettled(this.#inFlight)
    for (const agent of this.#agents.values()) agent.destroy()
  }

  /**
   * Sends `make()` `perSecond` times a second until the returned function is called; results are in `stats`. What was not sent in
   * time, since this process itself did not run, is left out beyond a tenth of a second: no client sends thousands at once for
   * that, and so many connections at once are more than a queue of the kernel holds.
   */
  load(perSecond: number, make: () => BalancerRequest): () => void {
    const startMs = performance.now()
    const atOnce = Math.ceil(perSecond / 10)
    let dueBefore = 0
    this.#loadTimer = setInterval(() => {
      const due = Math.floor(((performance.now() - startMs) * perSecond) / 1000)
      for (let left = Math.min(due - dueBefore, atOnce); left > 0; left--) void this.send(make())
      dueBefore = due
    }, 5)
    return () => clearInterval(this.#loadTimer)
  }

  /** Sends one request to the next target. Never rejects. */
  send(request: BalancerRequest): Promise<BalancerResult> {
    const result = this.#send(request)
    this.#inFlight.add(result)
    void result.then(() => this.#inFlight.delete(result))
    return result
  }

  /** Opens a tunnel (WebSocket) to the next target; rejects when the answer is no 101. */
  upgrade(request: BalancerRequest): Promise<BalancerTunnel> {
    const target = this.#pick()
    if (target === undefined) return Promise.reject(new Error('no target'))
    return new Promise((resolve, reject) => {
      const sent = this.#open(target, request, false)
      sent.on('upgrade', (_response, stream, head) => resolve({ target: target.key, stream, head }))
      sent.on('response', (response) => reject(new Error(`answered ${response.statusCode}`)))
      sent.on('error', reject)
      sent.end()
    })
  }

  /** The targets that get requests now. */
  routable(): ModelTargetView[] {
    const { group, now } = this.#options
    const view = group.view(now() - this.#times.propagationMs)
    const healthy = view.filter(({ state }) => state === 'healthy')
    return healthy.length > 0 ? healthy : view.filter(({ state }) => state === 'unhealthy')
  }

  async #send(request: BalancerRequest): Promise<BalancerResult> {
    this.stats.sent++
    const target = this.#pick()
    if (target === undefined) {
      this.stats.unrouted++
      return this.#note({
        status: 503,
        error: 'no target',
        target: '',
        wasReused: false,
        bodyBytes: 0,
        words: '',
      })
    }
    this.stats.byTarget.set(target.key, (this.stats.byTarget.get(target.key) ?? 0) + 1)
    return this.#note(await this.#exchange(target, request))
  }

  #note(result: BalancerResult): BalancerResult {
    if (result.error === '' && result.status < 500) this.stats.answered++
    else this.stats.failures.push(result)
    return result
  }

  #exchange(target: ModelTargetView, request: BalancerRequest): Promise<BalancerResult> {
    return new Promise((resolve) => {
      const sent = this.#open(target, request, true)
      let status = 0
      let bodyBytes = 0
      let words = ''
      const finish = (error: string): void => {
        const wasReused = sent.reusedSocket
        resolve({ status, error, target: target.key, wasReused, bodyBytes, words })
      }
      sent.on('error', (error) => finish(error.message))
      sent.on('response', (response: IncomingMessage) => {
        status = response.statusCode ?? 0
        response.on('data', (chunk: Buffer) => {
          bodyBytes += chunk.length
          if (status >= 500 && words === '') words = chunk.toString('utf8', 0, 200)
        })
        response.on('error', (error) => finish(error.message))
        response.on('end', () => finish(''))
        response.on('close', () => finish('the answer was cut'))
      })
      void writeBody(sent, request.body)
    })
  }

  #open(
    { key, id, port }: ModelTargetView,
    request: BalancerRequest,
    isPooled: boolean,
  ): ClientRequest {
    const { method = 'GET', path, host, headers } = request
    return httpRequest({
      host: id,
      port,
      method,
      path,
      agent: isPooled ? this.#agent(key) : false,
      headers: {
        host,
        'x-forwarded-for': '203.0.113.9',
        'x-forwarded-proto': 'https',
        ...headers,
      },
    })
  }

  #agent(key: string): Agent {
    let agent = this.#agents.get(key)
    if (agent === undefined) {
      agent = new Agent({ keepAlive: true, maxFreeSockets: 1024, timeout: this.#times.idleMs })
      this.#agents.set(key, agent)
    }
    return agent
  }

  #pick(): ModelTargetView | undefined {
    const targets = this.routable()
    this.#next++
    return targets[this.#next % targets.length]
  }
}

async function writeBody(sent: ClientRequest, body: BalancerRequest['body']): Promise<void> {
  try {
    for await (const chunk of body ?? []) {
      if (sent.destroyed) return
      if (!sent.write(chunk)) await new Promise((resolve) => sent.once('drain', resolve))
    }
  } finally {
    sent.end()
  }
}
