// One replica: takes part in the election, leads when it is its turn, and answers for its own pod in any case.
// Everything from outside (clients, clock, log, output) is a parameter, so that tests run whole replicas in one process.
import type { Clock } from '../shared/clock.ts'
import type { KubeClient } from '../shared/kube/client.ts'
import type { Log } from '../shared/log.ts'
import type { MetricsRegistry } from '../shared/metrics.ts'
import type { AwsFailureCode } from './aws/aws-failure.ts'
import type { Elbv2 } from './aws/elbv2.ts'
import type { Operation } from './aws/operations.ts'
import type { AskProxy } from './balancer/ask-proxy.ts'
import { createLeader } from './create-leader.ts'
import { createProxyControl } from './drain/control-client.ts'
import { createOwnPod, type OwnPod } from './drain/own-pod.ts'
import { createElection, type Election } from './election.ts'
import type { Leader } from './leader.ts'
import { type ControllerMetrics, createControllerMetrics } from './metrics.ts'
import type { Observation } from './observe.ts'
import { planJson, planTable } from './print-plan.ts'
import { createReporter, type Reporter } from './reporter.ts'
import type { ControllerSettings } from './settings.ts'
import { createEventRecorder, type EventRecorder } from './status/event-recorder.ts'
import { targetsJson } from './targets-json.ts'
import type { Plan } from './world.ts'

/** Exit code of `--dry-run --once` when something would change. */
const exitChanges = 3
/** How long `--once` waits for the lease, and then for its lists and its pass. */
const onceWithinMs = 60_000

/** What a replica is made of. */
export interface ReplicaOptions {
  readonly settings: ControllerSettings
  readonly client: KubeClient
  /** Makes the AWS client; called once. */
  readonly openElbv2: (
    onCall: (operation: Operation, result: 'ok' | AwsFailureCode) => void,
  ) => Elbv2
  /** Asks a proxy what it expects of the PROXY protocol; absent: only our own is asked. */
  readonly askProxy?: AskProxy
  readonly clock: Clock
  /** 0 ≤ n < 1. */
  readonly random: () => number
  readonly log: Log
  readonly registry: MetricsRegistry
  /** Unique among the replicas. */
  readonly identity: string
  /** Takes what a dry run prints. */
  readonly print: (text: string) => void
}

/** A replica of the controller; nothing happens before `start` or `runOnce`. */
export class Replica {
  readonly #options: ReplicaOptions
  readonly #metrics: ControllerMetrics
  readonly #elbv2: Elbv2
  readonly #fieldManager: string
  readonly #events: EventRecorder
  readonly #reporter: Reporter
  readonly #election: Election
  readonly #ownPod: OwnPod | undefined
  #leader: Leader | undefined
  #lastPrinted = ''
  #isReady = false
  #draining: Promise<void> | undefined
  /** Terms end one after the other: the end of the last one is awaited when we stop. */
  #ending: Promise<void> = Promise.resolve()

  constructor(options: ReplicaOptions) {
    this.#options = options
    const { settings, client, clock, log, registry, identity, random } = options
    this.#metrics = createControllerMetrics(registry, {
      isLeader: () => this.isLeader,
      syncAgeSeconds: () => {
        const at = this.#leader?.syncedAtMs
        return at === undefined ? undefined : (clock.now() - at) / 1000
      },
      watchAgesMs: () => this.#leader?.watchAgesMs() ?? {},
    })
    this.#elbv2 = options.openElbv2((operation, result) =>
      this.#metrics.countCall(operation, result),
    )
    this.#events = createEventRecorder({ client, clock, log, host: identity })
    const { podName } = settings
    const podNamespace = settings.podNamespace ?? client.namespace
    const lease = {
      namespace: settings.leaseNamespace ?? client.namespace,
      name: settings.leaseName,
    }
    // Two installations in one cluster have two leases, and never take each other's writes for their own.
    this.#fieldManager = `weir-controller:${lease.namespace}/${lease.name}`.slice(0, 128)
    this.#reporter = createReporter({
      log,
      events: this.#events,
      metrics: this.#metrics,
      self:
        podName === undefined
          ? { kind: 'Lease', about: { ...lease, uid: '' } }
          : { kind: 'Pod', about: { namespace: podNamespace, name: podName, uid: '' } },
    })
    this.#election = createElection({
      client,
      clock,
      random,
      log,
      identity,
      ...lease,
      onChange: (isLeader) => (isLeader ? this.#beginTerm() : this.#endTerm()),
    })
    // Without a target group there is nothing to take the pod out of.
    this.#ownPod =
      podName === undefined || settings.targetGroup.length === 0
        ? undefined
        : this.#createOwnPod(podName, podNamespace)
  }

  /** Takes part from now on: watches its own pod, and the election. */
  start(): void {
    this.#ownPod?.start()
    // A dry run looks and prints: it needs no turn.
    if (this.#options.settings.dryRun) this.#beginTerm()
    else this.#election.start()
  }

  /** Runs one pass without taking part for longer; resolves with the exit code of `--once`. */
  async runOnce(): Promise<number> {
    const { settings, clock, log } = this.#options
    if (!settings.dryRun) {
      this.#election.start()
      const deadlineMs = clock.now() + onceWithinMs
      while (!this.#election.isLeader) {
        if (clock.now() > deadlineMs) {
          log.error({ holder: this.#election.holder }, 'another replica leads: nothing was done')
          await this.stop()
          return 1
        }
        await pause(clock, 100)
      }
    }
    const leader = this.#leader ?? this.#createLeader()
    const result = await Promise.race([leader.runOnce(), pause(clock, onceWithinMs)])
    await leader.stop()
    await this.stop()
    if (result === undefined) log.error({}, 'the API server did not give all lists in time')
    if (result?.isComplete !== true) return 1
    const { plan } = result
    return settings.dryRun && plan.actions.length > 0 ? exitChanges : 0
  }

  /** Ends in order: hands the lease over, takes our own pod out, then stops. Resolves when all is done. */
  drain(reason: string): Promise<void> {
    this.#draining ??= this.#drain(reason)
    return this.#draining
  }

  async #drain(reason: string): Promise<void> {
    // Our own target first, everything else beside it: a second counts here.
    const own = this.#ownPod?.drain(reason)
    this.#endTerm()
    await Promise.all([own, this.#election.stop()])
  }

  /** Stops at once: nothing is deregistered. */
  async stop(): Promise<void> {
    this.#endTerm()
    await this.#election.stop()
    await this.#ending
    await this.#ownPod?.stop()
    await this.#events.flush()
    this.#elbv2.close()
  }

  get isLeader(): boolean {
    return this.#election.isLeader
  }

  /** True from the moment on when the replica knows its part; never false again. */
  get isReady(): boolean {
    this.#isReady ||=
      this.#leader === undefined ? this.#election.hasSeenLease : this.#leader.lastPass !== undefined
    return this.#isReady
  }

  /** The document of /targets. */
  targets(): unknown {
    const status = {
      identity: this.#options.identity,
      isLeader: this.isLeader,
      holder: this.#election.holder,
      isDraining: this.#ownPod?.isDraining === true,
      recent: this.#reporter.recent(),
    }
    return targetsJson(status, this.#leader?.lastPass)
  }

  #beginTerm(): void {
    if (this.#draining !== undefined || this.#leader !== undefined) return
    this.#leader = this.#createLeader()
    // With --once the caller runs the one pass itself.
    if (!this.#options.settings.once) this.#leader.start()
  }

  #endTerm(): void {
    const leader = this.#leader
    this.#leader = undefined
    if (leader === undefined) return
    this.#metrics.showTargets([])
    this.#ending = this.#ending.then(() => leader.stop())
  }

  #createLeader(): Leader {
    const { settings, client, clock, log } = this.#options
    const leader: Leader = createLeader({
      settings,
      client,
      clock,
      log,
      elbv2: this.#elbv2,
      election: this.#election,
      fieldManager: this.#fieldManager,
      metrics: this.#metrics,
      reporter: this.#reporter,
      events: this.#events,
      control: this.#control(),
      askProxy: this.#options.askProxy,
      mayAct: () => this.#election.isLeader && (this.#leader === leader || settings.once),
      onPlan: (plan, observation) => {
        if (settings.dryRun) this.#print(plan, observation)
      },
    })
    return leader
  }

  #print(plan: Plan, observation: Observation): void {
    const isJson = this.#options.settings.output === 'json'
    const text = isJson ? planJson(plan, observation) : planTable(plan, observation)
    if (text === this.#lastPrinted) return
    this.#lastPrinted = text
    this.#options.print(text)
  }

  #createOwnPod(name: string, namespace: string): OwnPod {
    const { settings, client, clock, log } = this.#options
    const { letGoLeastMs, letGoMostMs } = settings
    return createOwnPod({
      client,
      clock,
      elbv2: this.#elbv2,
      log,
      namespace,
      name,
      proxyNamespace: settings.proxyNamespace ?? client.namespace,
      proxySelector: settings.proxySelector,
      targetGroups: settings.targetGroup,
      targetPort: settings.targetPort,
      minTargets: settings.minTargets,
      control: this.#control(),
      drainSeconds: settings.drainSeconds,
      letGo:
        letGoLeastMs === undefined && letGoMostMs === undefined
          ? undefined
          : { leastMs: letGoLeastMs ?? 0, mostMs: letGoMostMs ?? letGoLeastMs ?? 0 },
      onStep: (step, elapsedMs) => this.#metrics.observeDrainStep(step, elapsedMs),
      onTerminating: () => void this.drain('deletionTimestamp'),
    })
  }

  #control(): ReturnType<typeof createProxyControl> | undefined {
    const { controlSocket } = this.#options.settings
    return controlSocket === undefined ? undefined : createProxyControl(controlSocket)
  }
}

function pause(clock: Clock, ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    clock.after(ms, () => resolve(undefined))
  })
}
