// The stage of the roll test: an API server, AWS with its load balancer, an upstream, and pods, each of two real
// processes, proxy and controller. All proxies listen on one port, each on an address of its own.
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Elbv2Model } from '../../controller/test/elbv2-model.ts'
import type { ModelGroup } from '../../controller/test/elbv2-model-group.ts'
import { ModelLoadBalancer } from '../../controller/test/model-balancer.ts'
import { systemClock } from '../../shared/clock.ts'
import type { Pod } from '../../shared/kube/objects.ts'
import { pods } from '../../shared/kube/resources.ts'
import { type ApiServer, createApiServer } from '../../shared/testing/api-server.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { ingressOf, serviceOf } from '../support/manifests.ts'
import { type ProxyProcess, startProxyProcess } from '../support/proxy-process.ts'
import { type ControllerProcess, startController } from './controller-process.ts'
import { startUpstream } from './upstream.ts'

/** One pod: a proxy and its controller. */
export interface EdgePod {
  readonly name: string
  readonly address: string
  /** Its target's `address:port`. */
  readonly key: string
  readonly proxy: ProxyProcess
  readonly controller: ControllerProcess
}

/**
 * How proxies leave. `choreography`: controller and proxy as one. `none`: the proxy ends at once on SIGTERM, and its target
 * is deregistered only when the pod is gone.
 */
export type Leaving = 'choreography' | 'none'

/** Everything around the pods. */
export interface Stage {
  readonly api: ApiServer
  readonly model: Elbv2Model
  readonly group: ModelGroup
  readonly balancer: ModelLoadBalancer
  /** Pods whose processes were started and not yet ended. */
  readonly pods: ReadonlySet<EdgePod>
  /** ms from SIGTERM to the target being deregistered, for each pod that ended in order. */
  readonly outMs: readonly number[]
  /** Starts a pod on an address of its own; resolves when its proxy is ready, which the API server then shows. */
  start(): Promise<EdgePod>
  /** Resolves when the load balancer sends requests to the pod. */
  routed(pod: EdgePod): Promise<void>
  /** Ends a pod as the kubelet does: deletionTimestamp, SIGTERM, waiting, removal. `together`: both containers at once. */
  end(pod: EdgePod, order?: 'together' | 'native-sidecar'): Promise<void>
  /** SIGTERM without a word from the API server, as on a node that shuts down; waits for both processes. */
  signal(pod: EdgePod): Promise<void>
  /** Takes the pod's object away. */
  forget(pod: EdgePod): void
  /** The pod whose controller leads; undefined while none does. */
  leader(): Promise<EdgePod | undefined>
  close(): Promise<void>
}

const graceSeconds = 30

/** Waits for the state of the world, with patience for a busy machine. */
export function soon(what: string, isTrue: () => boolean): Promise<void> {
  return eventually(what, isTrue, undefined, 60_000)
}

/**
 * Sets the stage without any pod. `programs` is the folder of the bundle, as in the image: three pods that start at once from
 * sources take the two cores of a small machine for seconds, and what fails then is the load and the load balancer.
 */
export async function setStage(leaving: Leaving, programs: string): Promise<Stage> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const upstream = await startUpstream()
  const api = await createApiServer()
  api.put(ingressOf('rules', [{ host: 'a.test', service: 'web' }]))
  for (const object of serviceOf('web', [upstream])) api.put(object)
  const model = new Elbv2Model({ clock: systemClock, timing: { initialMs: 100, drainMs: 1_000 } })
  const group = model.addGroup({
    name: 'edge',
    vpcRanges: ['127.0.0.0/8'],
    loadBalancerArns: [model.addBalancer('lb')],
    isChecked: true,
  })
  const balancer = new ModelLoadBalancer({
    group,
    healthPath: '/kube-system/healthz',
    now: () => systemClock.now(),
    times: { propagationMs: 500, healthIntervalMs: 250, healthTimeoutMs: 2_000 },
  })
  balancer.start()
  const endpoint = await model.start()
  const folder = await mkdtemp(join(tmpdir(), 'weir-roll-'))
  const kubeconfig = await api.kubeconfigFile(folder)
  const running = new Set<EdgePod>()
  const outMs: number[] = []
  let number = 0

  const isDraining = (key: string): boolean =>
    !group.view().some((target) => target.key === key && target.state !== 'draining')

  async function whenOut(key: string): Promise<void> {
    const sinceMs = performance.now()
    await soon('the target is deregistered', () => isDraining(key))
    outMs.push(performance.now() - sinceMs)
  }

  function markTerminating({ name }: EdgePod): void {
    const pod = api.get(pods, 'edge', name)
    const deletionTimestamp = new Date(Date.now() + graceSeconds * 1000).toISOString()
    const metadata = { ...pod?.metadata, deletionTimestamp }
    api.put<Pod>({ ...pod, apiVersion: 'v1', kind: 'Pod', metadata })
  }

  async function signal(pod: EdgePod): Promise<void> {
    pod.proxy.signal('SIGTERM')
    pod.controller.signal('SIGTERM')
    const kill = setTimeout(() => {
      void pod.proxy.stop()
      void pod.controller.stop()
    }, graceSeconds * 1000)
    await Promise.all([pod.proxy.exited, pod.controller.exited])
    clearTimeout(kill)
    running.delete(pod)
  }

  return {
    api,
    model,
    group,
    balancer,
    pods: running,
    outMs,
    signal,
    async start() {
      number += 1
      const name = `weir-${number}`
      const address = `127.0.1.${number}`
      const socket = join(folder, `${number}.sock`)
      const isLed = leaving === 'choreography'
      const ends = isLed
        ? [`--control-socket=${socket}`, '--drain-seconds=12', '--finish-seconds=15']
        : ['--drain-seconds=0', '--finish-seconds=0']
      const [proxy, controller] = await Promise.all([
        startProxyProcess({
          program: join(programs, 'proxy/main.js'),
          flags: [
            `--listen=${address}:${port}`,
            `--admin=${address}:${adminPort}`,
            `--kubeconfig=${kubeconfig}`,
            '--access-log=off',
            '--trusted-proxies=127.0.0.0/8',
            ...ends,
          ],
          timeoutMs: 60_000,
        }),
        startController(join(programs, 'controller/main.js'), [
          '--target-group=edge',
          '--proxy-selector=app=weir',
          '--proxy-namespace=edge',
          `--target-port=${port}`,
          '--region=eu-central-1',
          `--aws-endpoint=${endpoint}`,
          `--kubeconfig=${kubeconfig}`,
          `--identity=${name}`,
          '--let-go-least-ms=1000',
          '--let-go-most-ms=5000',
          ...(isLed
            ? [`--pod-name=${name}`, '--pod-namespace=edge', `--control-socket=${socket}`]
            : []),
        ]),
      ])
      const pod = { name, address, key: `${address}:${port}`, proxy, controller }
      running.add(pod)
      const lastTransitionTime = new Date().toISOString()
      api.put<Pod>({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { namespace: 'edge', name, labels: { app: 'weir' } },
        status: {
          phase: 'Running',
          podIP: address,
          podIPs: [{ ip: address }],
          conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }],
        },
      })
      return pod
    },
    routed: ({ key }) =>
      soon('the load balancer sends to the new pod', () =>
        balancer.routable().some((target) => target.key === key && target.state === 'healthy'),
      ),
    async end(pod, order = 'together') {
      if (leaving === 'none') {
        await signal(pod)
        api.remove(pods, 'edge', pod.name)
        await soon('the target is deregistered', () => isDraining(pod.key))
        return
      }
      const out = whenOut(pod.key)
      markTerminating(pod)
      if (order === 'native-sidecar') {
        pod.proxy.signal('SIGTERM')
        await pod.proxy.exited
        pod.controller.signal('SIGTERM')
        await pod.controller.exited
        running.delete(pod)
      } else await signal(pod)
      await out
      api.remove(pods, 'edge', pod.name)
    },
    forget: ({ name }) => api.remove(pods, 'edge', name),
    async leader() {
      for (const pod of running) {
        if (!pod.controller.isAlive) continue
        const response = await fetch(`${pod.controller.adminUrl}/targets`).catch(() => undefined)
        const status: unknown = await response?.json()
        if (isLeading(status)) return pod
      }
      return undefined
    },
    async close() {
      await balancer.stop()
      for (const { proxy, controller } of running) {
        await Promise.all([proxy.stop(), controller.stop()])
      }
      await model.stop()
      await api.close()
      await upstream.close()
      await rm(folder, { recursive: true })
    },
  }
}

function isLeading(status: unknown): boolean {
  return (
    typeof status === 'object' && status !== null && 'role' in status && status.role === 'leader'
  )
}

/** A port that nobody has on any address. */
function freePort(): Promise<number> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.listen(0, () => {
      const address = probe.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
}
