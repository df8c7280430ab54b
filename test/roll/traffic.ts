// What users do while proxies are replaced: requests at a steady rate, tunnels that talk all the time, long uploads.
//
// Invariant: a tunnel may be closed only once the load balancer has let its target go; it is opened anew at once.
import { setTimeout as pause } from 'node:timers/promises'
import type {
  BalancerRequest,
  BalancerTunnel,
  ModelLoadBalancer,
} from '../../controller/test/model-balancer.ts'

/** What went wrong and what went well so far. */
export interface Figures {
  readonly requests: number
  /** Requests without a whole answer below 500. */
  readonly failedRequests: number
  readonly uploads: number
  /** Uploads without a whole answer, or whose answer counts other bytes than were sent. */
  readonly cutUploads: number
  /** Tunnels that their proxy closed at the end of its drain. */
  readonly endedTunnels: number
  /** Tunnels that were closed before the load balancer had let go, went silent, or could not be opened. */
  readonly cutTunnels: number
}

/** How much traffic. */
export interface Load {
  readonly requestsPerSecond: number
  readonly tunnels: number
  readonly uploads: number
  readonly uploadSeconds: number
}

const host = 'a.test'
const sayEveryMs = 250
const silentMs = 10_000
const chunkEveryMs = 100
const chunk = Buffer.alloc(16_384, 'x')

export class Traffic {
  /** What went wrong, in words. */
  readonly complaints: string[] = []
  readonly #balancer: ModelLoadBalancer
  readonly #isRegistered: (key: string) => boolean
  readonly #load: Load
  readonly #stop: (() => void)[] = []
  readonly #open = new Set<BalancerTunnel>()
  #isStopped = false
  #uploading: Promise<void>[] = []
  #uploads = 0
  #cutUploads = 0
  #endedTunnels = 0
  #cutTunnels = 0

  /** `isRegistered` tells whether the load balancer still has a target, draining included. */
  constructor(balancer: ModelLoadBalancer, load: Load, isRegistered: (key: string) => boolean) {
    this.#balancer = balancer
    this.#load = load
    this.#isRegistered = isRegistered
  }

  async start(): Promise<void> {
    const { requestsPerSecond, tunnels, uploads } = this.#load
    await Promise.all(Array.from({ length: tunnels }, (_, index) => this.#talk(index)))
    this.#uploading = Array.from({ length: uploads }, () => this.#upload())
    this.#stop.push(this.#balancer.load(requestsPerSecond, mixed))
  }

  get figures(): Figures {
    const { sent, failures } = this.#balancer.stats
    return {
      requests: sent,
      failedRequests: failures.length - this.#cutUploads,
      uploads: this.#uploads,
      cutUploads: this.#cutUploads,
      endedTunnels: this.#endedTunnels,
      cutTunnels: this.#cutTunnels,
    }
  }

  /** Ends the traffic; resolves when everything in flight has its answer. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const stop of this.#stop) stop()
    await Promise.all(this.#uploading)
    for (const { stream } of this.#open) stream.destroy()
    await this.#balancer.stop()
  }

  /** Keeps one tunnel open: opens it anew whenever it ends. */
  async #talk(index: number): Promise<void> {
    try {
      const tunnel = await this.#balancer.upgrade({
        host,
        path: '/chat',
        headers: {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        },
      })
      this.#watch(tunnel, index)
    } catch (error) {
      this.#complainOfTunnel(`tunnel ${index} does not open: ${error}`)
      await pause(500)
      if (!this.#isStopped) await this.#talk(index)
    }
  }

  #watch(tunnel: BalancerTunnel, index: number): void {
    const { stream, target, head } = tunnel
    this.#open.add(tunnel)
    let heardAtMs = performance.now()
    let said = 0
    let heard = head.length
    stream.on('error', () => undefined)
    stream.on('data', (bytes: Buffer) => {
      heard += bytes.length
      heardAtMs = performance.now()
    })
    const saying = setInterval(() => {
      said += stream.write(`${index} says ${said}\n`) ? 1 : 0
      if (performance.now() - heardAtMs < silentMs) return
      this.#complainOfTunnel(`tunnel ${index} through ${target} is silent after ${heard} bytes`)
      stream.destroy()
    }, sayEveryMs)
    stream.on('end', () => stream.end())
    stream.on('close', () => {
      clearInterval(saying)
      this.#open.delete(tunnel)
      if (this.#isStopped) return
      if (this.#isRegistered(target)) {
        this.#complainOfTunnel(`tunnel ${index} through ${target} was cut too early`)
      } else this.#endedTunnels++
      void this.#talk(index)
    })
  }

  #complainOfTunnel(words: string): void {
    if (this.#isStopped) return
    this.#cutTunnels++
    this.complaints.push(words)
  }

  async #upload(): Promise<void> {
    while (!this.#isStopped) {
      const chunks = Math.round((this.#load.uploadSeconds * 1000) / chunkEveryMs)
      const { status, error, target, bodyBytes } = await this.#balancer.send({
        method: 'PUT',
        host,
        path: '/upload',
        body: slowly(chunks),
      })
      this.#uploads++
      if (error === '' && status === 200 && bodyBytes > 0) continue
      this.#cutUploads++
      this.complaints.push(`an upload through ${target} failed: ${status} ${error}`)
    }
  }
}

async function* slowly(chunks: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < chunks; sent++) {
    yield chunk
    await pause(chunkEveryMs)
  }
}

let turn = 0

/** Mostly small GETs; some bring a body, some take a second. */
function mixed(): BalancerRequest {
  turn += 1
  if (turn % 100 === 0) return { host, path: '/slow' }
  if (turn % 10 === 0) return { host, path: '/', method: 'POST', body: [chunk] }
  return { host, path: '/' }
}
