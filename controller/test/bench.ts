// A whole stage in one process: API server, strict ELBv2 model, replicas of the controller, one fake clock.
// Tests say what happens in the world and look at the world; nothing is mocked between.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ProxyProtocolMode } from '../../shared/control-socket.ts'
import { createKubeClient, type KubeClient } from '../../shared/kube/client.ts'
import { loadKubeConfig } from '../../shared/kube/config.ts'
import type { Pod } from '../../shared/kube/objects.ts'
import { pods } from '../../shared/kube/resources.ts'
import type { Log, LogFields } from '../../shared/log.ts'
import { createRegistry } from '../../shared/metrics.ts'
import { type ApiServer, createApiServer } from '../../shared/testing/api-server.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { createElbv2 } from '../aws/elbv2.ts'
import { Replica } from '../replica.ts'
import { parseControllerSettings } from '../settings.ts'
import { gateCondition } from '../targets/proxy-pods.ts'
import { Elbv2Model, type ModelOptions } from './elbv2-model.ts'
import type { ModelGroup, ModelGroupOptions } from './elbv2-model-group.ts'
import { pass, type Steps, settle, until } from './settle.ts'

/** The part of a running test that undoes things. */
interface Tap {
  teardown(undo: () => Promise<void>): void
}

/** One replica on the stage. */
export interface BenchReplica {
  readonly controller: Replica
  readonly lines: { readonly level: string; readonly message: string; readonly fields: LogFields }[]
  readonly printed: string[]
  metrics(): Promise<string>
}

export interface PodOptions {
  readonly isReady?: boolean
  readonly node?: string
  readonly ip?: string
  readonly hasGate?: boolean
  readonly ips?: readonly string[]
}

export class Bench {
  readonly clock: ManualClock
  readonly api: ApiServer
  readonly model: Elbv2Model
  readonly group: ModelGroup
  /** What the admin ports of proxies tell, by address; the others do not answer. */
  readonly proxyModes = new Map<string, ProxyProtocolMode>()
  allowsH2c = false
  readonly #endpoint: string
  readonly #folder: string
  readonly #replicas: BenchReplica[] = []
  readonly #clients: KubeClient[] = []
  #calls = 0

  private constructor(
    clock: ManualClock,
    api: ApiServer,
    model: Elbv2Model,
    group: ModelGroup,
    endpoint: string,
    folder: string,
  ) {
    this.clock = clock
    this.api = api
    this.model = model
    this.group = group
    this.#endpoint = endpoint
    this.#folder = folder
  }

  /** Sets the stage with one target group `edge` behind the load balancer `lb`. */
  static async start(
    t: Tap,
    options: Partial<ModelOptions> & { readonly group?: Partial<ModelGroupOptions> } = {},
  ): Promise<Bench> {
    const clock = new ManualClock()
    const api = await createApiServer()
    const model = new Elbv2Model({
      clock,
      timing: { initialMs: 5_000, drainMs: 20_000 },
      ...options,
    })
    const loadBalancerArns = [model.addBalancer('lb')]
    const group = model.addGroup({ name: 'edge', loadBalancerArns, ...options.group })
    const endpoint = await model.start()
    const folder = await mkdtemp(join(tmpdir(), 'weir-controller-'))
    const bench = new Bench(clock, api, model, group, endpoint, folder)
    t.teardown(() => bench.#stop())
    return bench
  }

  /** Starts a replica; `args` come on top of the group and the selector, or stand alone. */
  async replica(
    identity: string,
    args: readonly string[] = [],
    isAlone = false,
  ): Promise<BenchReplica> {
    const one = await this.prepare(identity, args, isAlone)
    one.controller.start()
    return one
  }

  /** Creates a replica without starting it. */
  async prepare(
    identity: string,
    args: readonly string[] = [],
    isAlone = false,
  ): Promise<BenchReplica> {
    const group = args.includes('--target-group') ? [] : ['--target-group', 'edge']
    const proxies = ['--proxy-selector', 'app=weir', '--proxy-namespace', 'edge']
    const parsed = parseControllerSettings({
      argv: isAlone ? args : [...group, ...proxies, ...args],
      env: {},
      readFile: () => '',
      version: '0',
    })
    if (parsed.kind !== 'run') throw new Error('no settings')
    const { settings } = parsed
    const { clock } = this
    const config = await loadKubeConfig({
      env: this.api.env,
      clock,
      serviceAccountFolder: await this.api.serviceAccountFolder(this.#folder, 'edge'),
    })
    const client = this.#counted(createKubeClient(config, { clock }))
    const lines: BenchReplica['lines'] = []
    const printed: string[] = []
    const registry = createRegistry({ nodeMetrics: false })
    const controller = new Replica({
      settings,
      client,
      openElbv2: (onCall) =>
        createElbv2({
          region: 'eu-central-1',
          endpoint: this.#endpoint,
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
          clock,
          random: () => 0.5,
          rates: settings.awsRates,
          onAttempt: () => {
            this.#calls++
          },
          onCall: (operation, result) => {
            this.#calls--
            onCall(operation, result)
          },
        }),
      askProxy: async (address) => {
        const proxyProtocol = this.proxyModes.get(address)
        return proxyProtocol && { proxyProtocol, h2c: this.allowsH2c }
      },
      clock,
      random: () => 0.5,
      log: memoryLog(lines, {}),
      registry,
      identity,
      print: (text) => printed.push(text),
    })
    const one: BenchReplica = {
      controller,
      lines,
      printed,
      async metrics() {
        let text = ''
        for await (const piece of registry.pieces()) text += piece
        return text
      },
    }
    this.#replicas.push(one)
    this.#clients.push(client)
    return one
  }

  /** Puts a proxy pod; ready by default. */
  pod(name: string, options: PodOptions = {}): Pod {
    const {
      isReady = true,
      node = 'node-a',
      ip = `10.0.0.${name.split('-').at(-1)}`,
      hasGate,
    } = options
    const at = new Date(this.clock.wallNow()).toISOString()
    const status = isReady ? 'True' : 'False'
    const type = hasGate === true ? 'ContainersReady' : 'Ready'
    const known = this.api.get(pods, 'edge', name)
    return this.api.put<Pod>({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        namespace: 'edge',
        name,
        labels: { app: 'weir' },
        ...(known?.metadata?.uid === undefined ? {} : { uid: known.metadata.uid }),
      },
      spec: {
        nodeName: node,
        ...(hasGate === true ? { readinessGates: [{ conditionType: gateCondition }] } : {}),
      },
      status: {
        phase: 'Running',
        podIP: ip,
        podIPs: (options.ips ?? [ip]).map((address) => ({ ip: address })),
        conditions: [{ type, status, lastTransitionTime: at }],
      },
    })
  }

  /** Lets a pod terminate with a grace period. */
  terminate(name: string, graceSeconds = 60): void {
    const pod = this.api.get(pods, 'edge', name)
    if (pod === undefined) throw new Error(`no pod ${name}`)
    const deletionTimestamp = new Date(this.clock.wallNow() + graceSeconds * 1000).toISOString()
    this.api.put<Pod>({
      ...pod,
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...pod.metadata, deletionTimestamp },
    })
  }

  remove(name: string): void {
    this.api.remove(pods, 'edge', name)
  }

  /** `address state`, sorted, of everything that AWS lists. */
  states(group = this.group): string[] {
    return group
      .view()
      .map(({ id, state }) => `${id} ${state}`)
      .sort()
  }

  /** Addresses that AWS finds healthy. */
  healthy(group = this.group): string[] {
    return group
      .view()
      .filter(({ state }) => state === 'healthy')
      .map(({ id }) => id)
      .sort()
  }

  /** Moves time until `condition` holds; gives the fake ms it took. */
  until(condition: () => boolean, steps: Steps = {}): Promise<number> {
    return until(this.clock, condition, { isBusy: () => this.#calls > 0, ...steps })
  }

  pass(ms: number, steps: Steps = {}): Promise<void> {
    return pass(this.clock, ms, { isBusy: () => this.#calls > 0, ...steps })
  }

  settle<T>(promise: Promise<T>, steps: Steps = {}): Promise<T> {
    return settle(this.clock, promise, { isBusy: () => this.#calls > 0, stepMs: 100, ...steps })
  }

  async #stop(): Promise<void> {
    for (const { controller } of this.#replicas) await this.settle(controller.stop())
    for (const client of this.#clients) await client.close()
    await this.model.stop()
    await this.api.close()
    await rm(this.#folder, { recursive: true })
  }

  /** Counts calls to the API server on their way: fake time waits for them, as for those to AWS. */
  #counted(client: KubeClient): KubeClient {
    const count = async <T>(call: Promise<T>): Promise<T> => {
      this.#calls++
      try {
        return await call
      } finally {
        this.#calls--
      }
    }
    return {
      ...client,
      list: (...args) => count(client.list(...args)),
      get: (...args) => count(client.get(...args)),
      create: (...args) => count(client.create(...args)),
      update: (...args) => count(client.update(...args)),
      patch: (...args) => count(client.patch(...args)),
    }
  }
}

function memoryLog(lines: BenchReplica['lines'], base: LogFields): Log {
  const at =
    (level: string) =>
    (fields: LogFields, message: string): void => {
      lines.push({ level, message, fields: { ...base, ...fields } })
    }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => memoryLog(lines, { ...base, ...fields }),
  }
}
