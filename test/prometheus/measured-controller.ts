// A controller at work: the real process, the in-process API server and the strict model of ELBv2, with pods that come and go.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Elbv2Model } from '../../controller/test/elbv2-model.ts'
import { ProxyStandIn } from '../../controller/test/proxy-stand-in.ts'
import { systemClock } from '../../shared/clock.ts'
import { pods } from '../../shared/kube/resources.ts'
import { type ApiServer, createApiServer } from '../../shared/testing/api-server.ts'
import { freePort } from '../support/programs.ts'

/** The measured controller. */
export interface MeasuredController {
  readonly adminPort: number
  /** Lets it work for so many seconds; it ends in order within the last ones. */
  work(seconds: number): Promise<void>
  stop(): Promise<void>
}

const program = new URL('../../controller/main.ts', import.meta.url).pathname

/** Starts it with three proxies. */
export async function startMeasuredController(): Promise<MeasuredController> {
  const api = await createApiServer()
  const model = new Elbv2Model({ clock: systemClock, timing: { initialMs: 1500, drainMs: 2500 } })
  const group = model.addGroup({ name: 'edge', loadBalancerArns: [model.addBalancer('lb')] })
  const folder = await mkdtemp(join(tmpdir(), 'weir-measured-'))
  const socket = join(folder, 'control.sock')
  const proxy = new ProxyStandIn(systemClock)
  await proxy.listen(socket)
  const adminPort = await freePort()
  for (const number of [1, 2, 3]) putPod(api, number)
  const child = spawn(
    process.execPath,
    [
      program,
      '--target-group=edge',
      '--proxy-selector=app=weir',
      '--proxy-namespace=edge',
      '--pod-name=weir-1',
      '--pod-namespace=edge',
      '--region=eu-central-1',
      '--let-go-least-ms=4000',
      '--let-go-most-ms=6000',
      `--control-socket=${socket}`,
      `--admin=127.0.0.1:${adminPort}`,
      `--aws-endpoint=${await model.start()}`,
      `--kubeconfig=${await api.kubeconfigFile(folder)}`,
    ],
    {
      env: { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
      stdio: 'ignore',
    },
  )
  return {
    adminPort,
    async work(seconds) {
      const part = seconds * 150
      await delay(part)
      putPod(api, 4)
      await delay(part)
      putPod(api, 2, true)
      await delay(part)
      api.remove(pods, 'edge', 'weir-2')
      model.faults.throttle = 3
      putPod(api, 5)
      await delay(part)
      const [sick] = group
        .view()
        .filter(({ state }) => state === 'healthy')
        .slice(-1)
      if (sick !== undefined) group.health.set(sick.key, false)
      await delay(part)
      if (sick !== undefined) group.health.set(sick.key, true)
      await delay(part)
      child.kill('SIGTERM')
      await Promise.race([ended(child), delay(12_000)])
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      await proxy.close()
      await model.stop()
      await api.close()
      await rm(folder, { recursive: true })
    },
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

function putPod(api: ApiServer, number: number, isTerminating = false): void {
  const ip = `10.0.0.${number}`
  const now = Date.now()
  api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'edge',
      name: `weir-${number}`,
      labels: { app: 'weir' },
      ...(isTerminating ? { deletionTimestamp: new Date(now + 60_000).toISOString() } : {}),
    },
    status: {
      phase: 'Running',
      podIP: ip,
      podIPs: [{ ip }],
      conditions: [
        { type: 'Ready', status: 'True', lastTransitionTime: new Date(now).toISOString() },
      ],
    },
  })
}
