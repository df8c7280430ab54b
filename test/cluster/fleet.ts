// Proxies' pods as the chart makes them, and the programs that would run in them, with the chart's own arguments.

import { Elbv2Model } from '../../controller/test/elbv2-model.ts'
import type { ModelGroup } from '../../controller/test/elbv2-model-group.ts'
import { systemClock } from '../../shared/clock.ts'
import type { KubeObject, Pod } from '../../shared/kube/objects.ts'
import { pods } from '../../shared/kube/resources.ts'
import { containersOf } from '../chart/rendered.ts'
import { type ProxyProcess, startProxyProcess } from '../support/proxy-process.ts'
import { chartNamespace, type Installed } from './chart-access.ts'
import { type Child, startChild } from './children.ts'
import type { Stage } from './stage.ts'

const controllerProgram = new URL('../../controller/main.ts', import.meta.url).pathname

/** The fleet of one installation, behind a model of AWS. */
export class Fleet {
  readonly model = new Elbv2Model({
    clock: systemClock,
    timing: { initialMs: 100, drainMs: 500 },
  })
  readonly group: ModelGroup
  readonly #stage: Stage
  readonly #installed: Installed
  #endpoint = ''

  constructor(stage: Stage, installed: Installed, targetType: 'ip' | 'instance') {
    this.#stage = stage
    this.#installed = installed
    const loadBalancerArns = [this.model.addBalancer('edge')]
    this.group = this.model.addGroup({ name: 'edge', targetType, loadBalancerArns })
  }

  async start(): Promise<void> {
    this.#endpoint = await this.model.start()
    const kinds = ['IngressClass', 'Service']
    const { objects } = this.#installed
    await this.#stage.admin.applyAll(objects.filter(({ kind = '' }) => kinds.includes(kind)))
  }

  /** What AWS would say of the targets now. */
  targets(): { readonly id: string; readonly state: string }[] {
    return this.group.view().map(({ id, state }) => ({ id, state }))
  }

  /** Creates a pod from the chart's template, on a node of its own, running and ready but for its gates. */
  async createPod(name: string, number: number): Promise<void> {
    const { admin } = this.#stage
    const instance = `i-${String(number).padStart(17, '0')}`
    this.model.instances.add(instance)
    const node = `node-${number}`
    const providerID = `aws:///eu-central-1a/${instance}`
    const { metadata, spec } = templateOf(this.#installed.objects)
    await admin.applyAll([
      { apiVersion: 'v1', kind: 'Node', metadata: { name: node }, ...{ spec: { providerID } } },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...metadata, namespace: chartNamespace, name },
        ...{ spec: { ...spec, nodeName: node } },
      },
    ])
    const ip = `10.0.0.${number}`
    const at = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const condition = (type: string) => ({ type, status: 'True', lastTransitionTime: at })
    const status = {
      phase: 'Running',
      podIP: ip,
      podIPs: [{ ip }],
      conditions: ['PodScheduled', 'ContainersReady', 'Ready'].map(condition),
    }
    const target = { namespace: chartNamespace, name }
    const how = { subresource: 'status', kind: 'strategic' } as const
    const answer = await admin.client.patch(pods, target, { status }, how)
    if (!answer.ok) throw new Error(answer.error.message)
  }

  async pod(name: string): Promise<Pod | undefined> {
    const answer = await this.#stage.admin.client.get(pods, { namespace: chartNamespace, name })
    return answer.ok ? answer.body : undefined
  }

  startProxy(name: string): Promise<ProxyProcess> {
    const own = ['--listen', '--admin', '--control-socket', '--workers', '--max-memory-mb']
    // As the chart says it: the proxy asks its node for the zone.
    const env = { ...this.#stage.servers.env, WEIR_NODE: `node-of-${name}` }
    const flags = this.#args('proxy', own)
    const more = [`--control-socket=${this.#socket(name)}`, '--access-log=off', '--log-level=info']
    return startProxyProcess({ flags: [...flags, ...more], env, timeoutMs: 30_000 })
  }

  startController(name: string): Child {
    const own = ['--target-group', '--admin', '--control-socket']
    return startChild(
      process.execPath,
      [
        controllerProgram,
        ...this.#args('controller', own),
        `--target-group=${this.group.arn}`,
        '--admin=127.0.0.1:0',
        `--control-socket=${this.#socket(name)}`,
        `--aws-endpoint=${this.#endpoint}`,
        '--let-go-least-ms=100',
        '--let-go-most-ms=1000',
      ],
      {
        ...this.#stage.servers.env,
        WEIR_POD_NAME: name,
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
      },
    )
  }

  async close(): Promise<void> {
    await this.model.stop()
  }

  /** The chart's arguments without those that only hold in a pod. */
  #args(container: string, without: readonly string[]): string[] {
    const found = containersOf(this.#installed.objects).find(({ name }) => name === container)
    if (found === undefined) throw new Error(`the chart renders no container ${container}`)
    return found.args.filter((arg) => !without.includes(arg.split('=')[0] ?? ''))
  }

  #socket(name: string): string {
    return `${this.#stage.folder}/${name}.sock`
  }
}

interface Template {
  readonly metadata: KubeObject['metadata']
  readonly spec: Readonly<Record<string, unknown>>
}

function templateOf(objects: readonly KubeObject[]): Template {
  const daemonSet = objects.find(({ kind }) => kind === 'DaemonSet')
  if (daemonSet === undefined) throw new Error('the chart renders no DaemonSet')
  // The API server's schema is checked where the examples are applied.
  return (daemonSet as { readonly spec: { readonly template: Template } }).spec.template
}
