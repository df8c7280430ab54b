// A roll in real time: three stand-in proxies, a controller each, and the model load balancer under load.
// Times are AWS's, scaled down. The real proxies have a roll test of their own; this one shows the controllers' part,
// and what happens without them.

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { systemClock } from '../../shared/clock.ts'
import { createKubeClient, type KubeClient } from '../../shared/kube/client.ts'
import { loadKubeConfig } from '../../shared/kube/config.ts'
import type { Pod } from '../../shared/kube/objects.ts'
import { pods } from '../../shared/kube/resources.ts'
import { createLog } from '../../shared/log.ts'
import { createRegistry } from '../../shared/metrics.ts'
import { type ApiServer, createApiServer } from '../../shared/testing/api-server.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { createElbv2 } from '../aws/elbv2.ts'
import { Replica } from '../replica.ts'
import { parseControllerSettings } from '../settings.ts'
import { Elbv2Model } from './elbv2-model.ts'
import { ModelLoadBalancer } from './model-balancer.ts'
import { ProxyStandIn } from './proxy-stand-in.ts'

const silent = createLog({ level: 'error', stream: { write: () => undefined } })

class RollProxy {
  readonly name: string
  readonly address: string
  readonly server: Server
  readonly control = new ProxyStandIn(systemClock)
  #isDraining = false
  #isLeaving = false

  readonly #port: number

  constructor(number: number, port: number) {
    this.#port = port
    this.name = `weir-${number}`
    this.address = `127.0.1.${number}`
    this.server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
      if (this.#isDraining) response.setHeader('connection', 'close')
      if (request.url === '/healthz') response.writeHead(this.#isDraining ? 503 : 200).end()
      else setTimeout(() => response.end('hello'), 5)
    })
    this.control.onRequest = ({ op }) => {
      if (op === 'drain') this.#isDraining = true
      if (op === 'released') void this.leave()
    }
  }

  listen(): Promise<void> {
    return new Promise((resolve) => {
      this.server.listen(this.#port, this.address, resolve)
    })
  }

  /** Ends as a process does that only closes in order: no new connections, requests in flight are answered. */
  async leave(): Promise<void> {
    if (this.#isLeaving) return
    this.#isLeaving = true
    this.server.close()
    this.server.closeIdleConnections()
    await pause(50)
    this.server.closeAllConnections()
  }
}

/** Waits for the state of the world, with patience for a busy machine. */
function soon(what: string, isTrue: () => boolean): Promise<void> {
  return eventually(what, isTrue, undefined, 30_000)
}

interface WeirPod {
  readonly proxy: RollProxy
  readonly replica: Replica
}

interface Stage {
  /** All proxies listen on it, each on an address of its own. */
  readonly port: number
  readonly balancer: ModelLoadBalancer
  start(number: number): Promise<WeirPod>
  terminate(weirPod: WeirPod): void
  remove(weirPod: WeirPod): Promise<void>
}

async function setStage(t: Test): Promise<Stage> {
  const port = await freePort()
  const api: ApiServer = await createApiServer()
  const model = new Elbv2Model({ clock: systemClock, timing: { initialMs: 100, drainMs: 600 } })
  const group = model.addGroup({
    name: 'edge',
    vpcRanges: ['127.0.0.0/8'],
    loadBalancerArns: [model.addBalancer('lb')],
    isChecked: true,
  })
  const balancer = new ModelLoadBalancer({
    group,
    healthPath: '/healthz',
    now: () => systemClock.now(),
    times: { propagationMs: 300, healthIntervalMs: 100 },
  })
  balancer.start()
  const endpoint = await model.start()
  const folder = mkdtempSync(join(tmpdir(), 'weir-roll-'))
  const kubeconfig = await api.kubeconfigFile(folder)
  const running = new Set<WeirPod>()
  const clients: KubeClient[] = []
  const remove = async (weirPod: WeirPod): Promise<void> => {
    running.delete(weirPod)
    await weirPod.replica.stop()
    await weirPod.proxy.leave()
    await weirPod.proxy.control.close()
    api.remove(pods, 'edge', weirPod.proxy.name)
  }
  t.teardown(async () => {
    await balancer.stop()
    for (const weirPod of running) await remove(weirPod)
    for (const client of clients) await client.close()
    await model.stop()
    await api.close()
    rmSync(folder, { recursive: true })
  })
  return {
    port,
    balancer,
    remove,
    async start(number) {
      const proxy = new RollProxy(number, port)
      await proxy.listen()
      const socket = join(folder, `${number}.sock`)
      await proxy.control.listen(socket)
      const parsed = parseControllerSettings({
        argv: [
          '--target-group=edge',
          '--proxy-selector=app=weir',
          '--proxy-namespace=edge',
          `--target-port=${port}`,
          `--pod-name=${proxy.name}`,
          '--pod-namespace=edge',
          `--control-socket=${socket}`,
          '--let-go-least-ms=500',
          '--let-go-most-ms=2000',
        ],
        env: {},
        readFile: () => '',
        version: '0',
      })
      if (parsed.kind !== 'run') throw new Error('no settings')
      const { settings } = parsed
      const config = await loadKubeConfig({ env: {}, clock: systemClock, kubeconfig })
      const client = createKubeClient(config, { clock: systemClock })
      clients.push(client)
      const replica = new Replica({
        settings,
        client,
        openElbv2: (onCall) =>
          createElbv2({
            region: 'eu-central-1',
            endpoint,
            credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
            clock: systemClock,
            random: Math.random,
            rates: settings.awsRates,
            onCall,
          }),
        clock: systemClock,
        random: Math.random,
        log: silent,
        registry: createRegistry({ nodeMetrics: false }),
        identity: proxy.name,
        print: () => undefined,
      })
      replica.start()
      const ip = proxy.address
      api.put<Pod>({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { namespace: 'edge', name: proxy.name, labels: { app: 'weir' } },
        status: {
          phase: 'Running',
          podIP: ip,
          podIPs: [{ ip }],
          conditions: [{ type: 'Ready', status: 'True' }],
        },
      })
      const weirPod = { proxy, replica }
      running.add(weirPod)
      return weirPod
    },
    terminate({ proxy }) {
      const pod = api.get(pods, 'edge', proxy.name)
      const deletionTimestamp = new Date(Date.now() + 30_000).toISOString()
      api.put<Pod>({
        ...pod,
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...pod?.metadata, deletionTimestamp },
      })
    },
  }
}

function freePort(): Promise<number> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.listen(0, '127.0.1.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
}

/** Replaces `count` of three proxies one after the other under load; `end` is what a proxy's end looks like. */
async function roll(
  t: Test,
  count: number,
  end: (stage: Stage, weirPod: WeirPod) => Promise<void>,
): Promise<ModelLoadBalancer> {
  const stage = await setStage(t)
  const { balancer, port } = stage
  const old = [await stage.start(1), await stage.start(2), await stage.start(3)]
  await soon('three are routed to', () => balancer.routable().length === 3)
  const endLoad = balancer.load(400, () => ({ host: 'a.test', path: '/' }))
  let isWithout = false
  const watch = setInterval(() => {
    isWithout ||= balancer.routable().length === 0
  }, 20)
  for (const [at, weirPod] of old.slice(0, count).entries()) {
    await end(stage, weirPod)
    const next = await stage.start(at + 11)
    const key = `${next.proxy.address}:${port}`
    await soon('the successor is routed to', () =>
      balancer.routable().some((target) => target.key === key),
    )
  }
  endLoad()
  await balancer.stop()
  clearInterval(watch)
  t.equal(isWithout, false, 'there always was a healthy target')
  return balancer
}

t.test('with the choreography no request fails', async (t) => {
  const { stats } = await roll(t, 3, async (stage, weirPod) => {
    stage.terminate(weirPod)
    await weirPod.replica.drain('SIGTERM')
    await stage.remove(weirPod)
  })
  t.comment(`${stats.sent} requests, ${stats.failures.length} failed`)
  t.strictSame(stats.failures, [])
  t.ok(stats.sent > 500)
})

t.test('without it requests fail: the proxy is gone before the load balancer knows', async (t) => {
  const { stats } = await roll(t, 1, async (stage, weirPod) => {
    stage.terminate(weirPod)
    await weirPod.proxy.leave()
    await pause(1_500)
    await stage.remove(weirPod)
  })
  t.comment(`${stats.sent} requests, ${stats.failures.length} failed`)
  t.ok(stats.failures.length > 0)
})
