// What do clients notice when the cluster has a bad day? Load runs through the proxy all the time; nothing of it may fail.
//
//   2,000 Ingresses created, edited, deleted │ endpoints move │ API server away for 60 s │ etcd restored to an older state
import assert from 'node:assert/strict'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { ask, metric, until } from '../support/ask.ts'
import { ingressOf, serviceOf } from '../support/manifests.ts'
import { descriptorCount, residentKib } from '../support/programs.ts'
import { type ProxyProcess, startProxyProcess } from '../support/proxy-process.ts'
import { type EchoUpstream, readEcho, startEcho } from '../support/upstream.ts'
import { installAccess } from './chart-access.ts'
import { percentiles } from './checks.ts'
import { FirstRequest } from './first-request.ts'
import { type Load, startLoad } from './load.ts'
import { hostAddress } from './servers.ts'
import type { Stage, Suite } from './stage.ts'

const perSecond = 500
const ingressCount = 2000
const secondRound = 500
const writersAtATime = 6
const outageMs = 60_000
const endpointMoves = 100
// A leak of one route's objects would show as tens of MB in the second round.
const mostGrowthKib = 40 * 1024
const mostNewDescriptors = 40

/** Churn, outage, restored etcd. */
export const resilienceSuite: Suite = { name: 'resilience', run }

async function run(stage: Stage): Promise<void> {
  await installAccess(stage, 'alb-ip')
  const [one, two] = await Promise.all([
    startEcho('one', { address: hostAddress }),
    startEcho('two', { address: hostAddress }),
  ])
  await stage.admin.applyAll([
    weirClass,
    ...serviceOf('steady', [one]),
    ...serviceOf('web', [one]),
    ...serviceOf('edited', [two]),
    ...serviceOf('moves', []),
    ingressOf('steady', [{ host: 'steady.test', service: 'steady' }]),
    ingressOf('moves', [{ host: 'moves.test', service: 'moves' }]),
  ])
  const proxy = await startProxyProcess({
    flags: ['--workers', '2', '--access-log', 'off', '--log-level', 'info'],
    env: stage.servers.env,
    timeoutMs: 30_000,
  })
  const test = new Resilience(stage, proxy, [one, two])
  try {
    await test.checkChurn()
    await test.checkEndpoints()
    await test.checkOutage()
    await test.checkRestore()
  } finally {
    test.close()
    await proxy.stop()
    await Promise.all([one.close(), two.close()])
  }
}

class Resilience {
  readonly #stage: Stage
  readonly #proxy: ProxyProcess
  readonly #echoes: readonly [EchoUpstream, EchoUpstream]
  readonly #clients: FirstRequest[]

  constructor(stage: Stage, proxy: ProxyProcess, echoes: readonly [EchoUpstream, EchoUpstream]) {
    this.#stage = stage
    this.#proxy = proxy
    this.#echoes = echoes
    this.#clients = Array.from({ length: writersAtATime }, () => new FirstRequest(proxy.port))
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }

  async checkChurn(): Promise<void> {
    const name = `${ingressCount} Ingresses created, edited and deleted under ${perSecond} requests/s`
    await this.#underLoad(name, async (load) => {
      await this.#round(ingressCount)
      this.#note(`request under churn: ${percentiles(load.takeTimes())}`)
    })
    // As with any garbage-collected program, the first round shows how much it likes to have; the next one, what it loses.
    const before = await this.#held()
    await this.#underLoad(`again with ${secondRound}: nothing is left of them`, async () => {
      await this.#round(secondRound)
    })
    await this.#stage.check('no leak', async () => {
      const after = await this.#held()
      const words = `${before.kib >> 10} MB and ${before.descriptors} descriptors, then ${after.kib >> 10} MB and ${after.descriptors}`
      assert.ok(after.kib - before.kib < mostGrowthKib, words)
      assert.ok(after.descriptors - before.descriptors < mostNewDescriptors, words)
      assert.equal(await metric(this.#proxy.adminPort, 'weir_routes'), 2)
      return words
    })
  }

  async checkEndpoints(): Promise<void> {
    await this.#underLoad(`endpoints moved ${endpointMoves} times`, async () => {
      const [client] = this.#clients
      const took: number[] = []
      for (let move = 0; move < endpointMoves; move += 1) {
        const echo = this.#echoes[move % 2] ?? this.#echoes[0]
        const name = move % 2 === 0 ? 'one' : 'two'
        const sinceMs = performance.now()
        await this.#stage.admin.applyAll([sliceTo(echo)])
        const isIt = ({ status, body }: { status: number; body: string }) =>
          status === 200 && readEcho(body).service === name
        took.push((await client?.seen('moves.test', sinceMs, isIt)) ?? 0)
      }
      this.#note(`EndpointSlice write to first request: ${percentiles(took)}`)
    })
  }

  async checkOutage(): Promise<void> {
    const { servers, admin } = this.#stage
    await this.#underLoad(`API server away for ${outageMs / 1000} s`, async () => {
      await servers.stopApi()
      await servers.saveData()
      await new Promise((resolve) => setTimeout(resolve, outageMs))
      assert.equal(await this.#status('steady'), 200)
      await servers.startApi()
      const sinceMs = performance.now()
      await admin.applyAll([newIngress('after-outage')])
      const tookMs = await this.#clients[0]?.seen('after-outage.test', sinceMs, isServed)
      this.#note(`API server ready again to first request by a new write: ${tookMs?.toFixed(0)} ms`)
    })
  }

  /** The kept data is that of the outage: what was written since never happened. */
  async checkRestore(): Promise<void> {
    const { servers, admin } = this.#stage
    await this.#underLoad('etcd restored to an older state', async () => {
      for (let index = 0; index < 50; index += 1)
        await admin.applyAll([newIngress(`lost-${index}`)])
      await this.#clients[0]?.seen('lost-49.test', performance.now(), isServed)
      await servers.stopApi()
      await servers.restoreData()
      await servers.startApi()
      const sinceMs = performance.now()
      await this.#soon('what was written after the backup is gone', 'lost-49', 404)
      assert.equal(await this.#status('after-outage'), 404)
      this.#note(
        `API server ready again to the older state: ${(performance.now() - sinceMs).toFixed(0)} ms`,
      )
      const againMs = performance.now()
      await admin.applyAll([newIngress('after-restore')])
      const tookMs = await this.#clients[0]?.seen('after-restore.test', againMs, isServed)
      this.#note(`first write after the restore to first request: ${tookMs?.toFixed(0)} ms`)
    })
  }

  /** Runs something while load runs; the load must not notice. */
  async #underLoad(name: string, run: (load: Load) => Promise<void>): Promise<void> {
    await this.#stage.check(name, async () => {
      const load = startLoad(this.#proxy.port, 'steady.test', perSecond)
      try {
        await run(load)
      } finally {
        await load.stop()
      }
      assert.deepEqual([...load.failures], [])
      return `${load.answered} requests, 0 failed`
    })
  }

  /** Creates, edits and deletes so many Ingresses; at the height all of them exist. */
  async #round(count: number): Promise<void> {
    const { admin } = this.#stage
    const names = Array.from({ length: count }, (_, index) => `churn-${index}`)
    const steps = {
      create: async (name: string, client: FirstRequest) => {
        const sinceMs = performance.now()
        await admin.applyAll([newIngress(name)])
        return client.seen(`${name}.test`, sinceMs, isServed)
      },
      edit: async (name: string, client: FirstRequest) => {
        const sinceMs = performance.now()
        await admin.applyAll([newIngress(name, 'edited')])
        const isEdited = ({ status, body }: { status: number; body: string }) =>
          status === 200 && readEcho(body).service === 'two'
        return client.seen(`${name}.test`, sinceMs, isEdited)
      },
      delete: async (name: string, client: FirstRequest) => {
        const sinceMs = performance.now()
        await admin.remove(newIngress(name))
        return client.seen(`${name}.test`, sinceMs, ({ status }) => status === 404)
      },
    }
    for (const [verb, step] of Object.entries(steps)) {
      const startMs = performance.now()
      const took: number[] = []
      const queue = [...names]
      await Promise.all(
        this.#clients.map(async (client) => {
          for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
            took.push(await step(name, client))
          }
        }),
      )
      const rate = (count / (performance.now() - startMs)) * 1000
      this.#note(
        `${verb} of an Ingress to first request: ${percentiles(took)}, ${rate.toFixed(0)} a second`,
      )
    }
  }

  async #held(): Promise<{ readonly kib: number; readonly descriptors: number }> {
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const { pid } = this.#proxy
    return { kib: residentKib(pid), descriptors: descriptorCount(pid) }
  }

  async #status(name: string): Promise<number> {
    return (await ask(this.#proxy.port, { host: `${name}.test` })).status
  }

  async #soon(what: string, name: string, status: number): Promise<void> {
    await until(
      what,
      () => this.#status(name),
      (seen) => seen === status,
      90_000,
    )
  }

  #note(text: string): void {
    this.#stage.note(text)
  }
}

const weirClass: KubeObject = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: 'weir' },
  ...{ spec: { controller: 'weir.dev/ingress' } },
}

function newIngress(name: string, service = 'web'): KubeObject {
  return ingressOf(name, [{ host: `${name}.test`, service }])
}

/** A slice of fixed name whose one endpoint is `echo`. */
function sliceTo(echo: EchoUpstream): KubeObject {
  const slice = serviceOf('moves', [echo])[1]
  return { ...slice, metadata: { ...slice?.metadata, name: 'moves' } }
}

function isServed({ status }: { readonly status: number }): boolean {
  return status === 200
}
