// The program as it runs in a pod: a real process, real time, the API server and the strict ELBv2 model on sockets.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { systemClock } from '../../shared/clock.ts'
import { type ApiServer, createApiServer } from '../../shared/testing/api-server.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { Elbv2Model } from './elbv2-model.ts'
import type { ModelGroup } from './elbv2-model-group.ts'
import { ProxyStandIn } from './proxy-stand-in.ts'

/** Waits for the state of the world, with patience for a busy machine. */
function soon(what: string, isTrue: () => boolean): Promise<void> {
  return eventually(what, isTrue, undefined, 30_000)
}

interface Stage {
  readonly api: ApiServer
  readonly model: Elbv2Model
  readonly group: ModelGroup
  readonly folder: string
  run(args: readonly string[]): { child: ChildProcess; stderr: () => string }
}

const main = new URL('../main.ts', import.meta.url).pathname

async function setStage(t: Test): Promise<Stage> {
  const api = await createApiServer()
  const model = new Elbv2Model({
    clock: systemClock,
    timing: { initialMs: 100, drainMs: 500 },
  })
  const group = model.addGroup({ name: 'edge', loadBalancerArns: [model.addBalancer('lb')] })
  const endpoint = await model.start()
  const folder = await mkdtemp(join(tmpdir(), 'weir-main-'))
  const kubeconfig = await api.kubeconfigFile(folder)
  const children: ChildProcess[] = []
  t.teardown(async () => {
    for (const child of children) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
    }
    await model.stop()
    await api.close()
    await rm(folder, { recursive: true })
  })
  return {
    api,
    model,
    group,
    folder,
    run(args) {
      const child = spawn(
        process.execPath,
        [
          main,
          '--target-group=edge',
          '--proxy-selector=app=weir',
          '--proxy-namespace=edge',
          '--region=eu-central-1',
          `--aws-endpoint=${endpoint}`,
          `--kubeconfig=${kubeconfig}`,
          '--let-go-least-ms=200',
          '--let-go-most-ms=2000',
          ...(args.some((arg) => arg.startsWith('--admin')) ? [] : ['--admin=127.0.0.1:0']),
          ...args,
        ],
        { env: { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' } },
      )
      children.push(child)
      let text = ''
      child.stderr.setEncoding('utf8').on('data', (some: string) => {
        text += some
      })
      return { child, stderr: () => text }
    },
  }
}

function putPod(api: ApiServer, number: number): void {
  const ip = `10.0.${Math.floor(number / 200)}.${(number % 200) + 1}`
  api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'edge', name: `weir-${number}`, labels: { app: 'weir' } },
    status: {
      phase: 'Running',
      podIP: ip,
      podIPs: [{ ip }],
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }],
    },
  })
}

async function adminUrl(stderr: () => string): Promise<string> {
  const port = (): string | undefined => /"admin":(\d+)/.exec(stderr())?.[1]
  await soon('the admin port is open', () => port() !== undefined)
  return `http://127.0.0.1:${port()}`
}

t.test('runs, shows itself, and on SIGTERM takes its pod out before it ends', async (t) => {
  const stage = await setStage(t)
  const proxy = new ProxyStandIn(systemClock)
  const socket = join(stage.folder, 'control.sock')
  await proxy.listen(socket)
  t.teardown(() => proxy.close())
  for (const number of [1, 2]) putPod(stage.api, number)
  const { child, stderr } = stage.run([
    '--pod-name=weir-1',
    '--pod-namespace=edge',
    `--control-socket=${socket}`,
  ])
  const url = await adminUrl(stderr)
  const healthy = (): number => stage.group.view().filter(({ state }) => state === 'healthy').length
  await soon('both are healthy', () => healthy() === 2)
  await pause(100)

  t.equal((await fetch(`${url}/healthz`)).status, 200)
  t.equal((await fetch(`${url}/readyz`)).status, 200)
  t.equal((await fetch(`${url}/other`)).status, 404)
  t.equal((await fetch(`${url}/targets`, { method: 'POST' })).status, 405)
  t.match(await (await fetch(`${url}/targets`)).json(), { role: 'leader', groups: [{}] })
  const metrics = await (await fetch(`${url}/metrics`)).text()
  t.match(metrics, /weir_aws_calls_total\{operation="RegisterTargets",result="ok"\} 1\n/)
  t.match(metrics, 'process_cpu_seconds_total')

  const startMs = performance.now()
  child.kill('SIGTERM')
  const isOut = (): boolean => stage.group.view().some(({ state }) => state === 'draining')
  await soon('it is deregistered', isOut)
  const outMs = performance.now() - startMs
  t.comment(`deregistered ${outMs.toFixed(0)} ms after SIGTERM`)
  const [code] = await once(child, 'exit')
  t.equal(code, 0)
  t.ok(proxy.heardAt('drain') !== undefined && proxy.heardAt('released') !== undefined)
  t.equal(healthy(), 1)
  t.match(stderr(), /"step":"released"/)
})

t.test('from ready to registered', async (t) => {
  const stage = await setStage(t)
  const { stderr } = stage.run([])
  await adminUrl(stderr)
  putPod(stage.api, 0)
  await soon('it leads', () => stage.group.view().length === 1)
  const took: number[] = []
  for (let number = 1; number <= 15; number++) {
    const startMs = performance.now()
    putPod(stage.api, number)
    await soon('registered', () => stage.group.view().length === number + 1)
    took.push(performance.now() - startMs)
    // At any moment of a pass and between passes.
    await pause((number * 37) % 90)
  }
  took.sort((a, b) => a - b)
  const [p50, p99] = [took[7] ?? 0, took[14] ?? 0]
  t.comment(`ready to registered: p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`)
  t.ok(p50 < 5_000, 'far below the 30 s of the full diff')
})

t.test('wrong settings are one sentence and exit code 2', async (t) => {
  const stage = await setStage(t)
  const { child, stderr } = stage.run(['--min-targets=many'])
  const [code] = await once(child, 'exit')
  t.equal(code, 2)
  t.match(stderr(), /min-targets must be/)
})

t.test('an admin port that is taken ends the program with a word about it', async (t) => {
  const stage = await setStage(t)
  const taken = new URL(stage.api.url).port
  const { child, stderr } = stage.run([`--admin=127.0.0.1:${taken}`])
  const [code] = await once(child, 'exit')
  t.equal(code, 1)
  t.match(stderr(), /EADDRINUSE/)
})
