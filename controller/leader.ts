// One term of leadership: watch the cluster, and pass after pass observe → plan → apply.
// A term keeps no state for the next one: what a new leader must know is in AWS, the cluster and the Lease.
import type { Clock } from '../shared/clock.ts'
import type { ProxyProtocolMode } from '../shared/control-socket.ts'
import type { KubeClient } from '../shared/kube/client.ts'
import type { Log } from '../shared/log.ts'
import { type ApplierOptions, applyObjects, applyTargets, type Outcome } from './apply.ts'
import type { Elbv2 } from './aws/elbv2.ts'
import type { AskProxy } from './balancer/ask-proxy.ts'
import { ProxyModes } from './balancer/proxy-modes.ts'
import { clientAddressSource, proxyProtocolMismatch } from './balancer/proxy-protocol.ts'
import { speaksHttp2, targetProtocolMismatch } from './balancer/target-protocol.ts'
import type { Cluster } from './cluster.ts'
import type { ProxyControl } from './drain/control-client.ts'
import type { Election } from './election.ts'
import type { ControllerMetrics } from './metrics.ts'
import type { Observation, Observer } from './observe.ts'
import { plan as planWorld } from './plan.ts'
import { createReconciler, type Reconciler } from './reconciler.ts'
import type { Reporter } from './reporter.ts'
import type { ConfigMapReport } from './status/config-map-report.ts'
import type { LeftIngresses } from './status/left-ingresses.ts'
import { isServing } from './targets/guard.ts'
import { changeOwned } from './targets/ownership.ts'
import { isPresent } from './targets/plan-targets.ts'
import { Timings } from './timings.ts'
import type { Plan, World } from './world.ts'

export interface LeaderOptions {
  readonly cluster: Cluster
  readonly observer: Observer
  readonly leftIngresses: LeftIngresses
  /** Tells what is wrong with the ConfigMap of ingress-nginx; undefined when there is none. */
  readonly configMapReport: ConfigMapReport | undefined
  /** The name under which Ingress status is written. */
  readonly fieldManager: string
  readonly client: KubeClient
  readonly elbv2: Elbv2
  readonly election: Election
  readonly clock: Clock
  readonly log: Log
  readonly metrics: ControllerMetrics
  readonly reporter: Reporter
  readonly control: ProxyControl | undefined
  readonly askProxy: AskProxy | undefined
  /** What the operator says that the proxies expect; undefined asks them. */
  readonly proxyProtocol: ProxyProtocolMode | undefined
  /** The proxies' data port. */
  readonly targetPort: number
  /** True plans without applying. */
  readonly isDryRun: boolean
  /** False once another replica may act. */
  readonly mayAct: () => boolean
  /** Called after each pass, before it is applied. */
  readonly onPlan: (plan: Plan, observation: Observation) => void
}

/** What one pass came to. */
export interface PassResult {
  readonly plan: Plan
  readonly observation: Observation
  /** Every group was seen and every action done. */
  readonly isComplete: boolean
}

export class Leader {
  readonly #options: LeaderOptions
  readonly #reconciler: Reconciler
  readonly #timings: Timings
  #isStopped = false
  /** The pass that runs has registered something: the next look comes soon. */
  #hasRegistered = false
  readonly #proxyModes: ProxyModes
  /** The share of Kubernetes objects that is being written. */
  #writing: Promise<void> | undefined
  #areObjectsDone = true
  /** Monotonic ms of the last complete pass. */
  syncedAtMs: number | undefined
  lastPass: PassResult | undefined

  constructor(options: LeaderOptions) {
    this.#options = options
    this.#timings = new Timings(options.metrics)
    this.#proxyModes = new ProxyModes({ ...options, ask: options.askProxy })
    this.#reconciler = createReconciler({ clock: options.clock, pass: () => this.#safePass() })
  }

  start(): void {
    this.#options.cluster.start()
    this.#options.configMapReport?.start()
    void this.#options.cluster.whenSynced().then(() => {
      if (!this.#isStopped) this.#reconciler.start()
    })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    const { cluster, configMapReport } = this.#options
    await Promise.all([this.#reconciler.stop(), cluster.stop(), configMapReport?.stop()])
    await this.#writing
  }

  /** Runs one pass only, as soon as the lists are complete. */
  async runOnce(): Promise<PassResult> {
    const { cluster } = this.#options
    cluster.start()
    await cluster.whenAllSynced()
    const result = await this.pass()
    await this.#writing
    return { ...result, isComplete: result.isComplete && this.#areObjectsDone }
  }

  /** ms since each kind was last confirmed by the API server. */
  watchAgesMs(): Readonly<Record<string, number>> {
    return this.#options.cluster.ages()
  }

  /** Says that something changed. */
  readonly trigger = (): void => {
    if (!this.#isStopped && this.#options.cluster.isSynced()) this.#reconciler.trigger()
  }

  /** Runs one pass. */
  async pass(): Promise<PassResult> {
    const { observer, isDryRun, reporter, metrics, clock } = this.#options
    this.#hasRegistered = false
    const observation = await observer.observe()
    const { world } = observation
    const plan = planWorld(world)
    await this.#checkGroups(observation)
    metrics.showTargets(world.groups)
    this.#timings.notePass(world.groups, clock.wallNow())
    reporter.reportPass(plan, observation)
    this.#options.onPlan(plan, observation)
    const isApplied = isDryRun || (await this.#apply(plan, world))
    const { problems, statusProblem } = observation
    const isSeen = [...problems.values(), statusProblem].every((problem) => problem === '')
    const result = { plan, observation, isComplete: isApplied && isSeen && world.synced }
    this.lastPass = result
    if (result.isComplete) this.syncedAtMs = clock.now()
    return result
  }

  async #safePass(): Promise<boolean> {
    try {
      const { observation } = await this.pass()
      return this.#hasRegistered || isAwaiting(observation.world, this.#options.clock.now())
    } catch (error) {
      // A fault of ours: everything stays as it is, the next pass starts from scratch.
      this.#options.log.error({ error }, 'a pass failed')
      return false
    }
  }

  async #apply(plan: Plan, world: World): Promise<boolean> {
    const options = this.#applierOptions(world)
    const areTargetsDone = await applyTargets(plan, options)
    // Beside the passes: targets never wait for Kubernetes objects to be written. While one share is being written,
    // later plans are not: the pass after it plans anew what is left.
    if (plan.actions.some((action) => !('group' in action)) && this.#writing === undefined) {
      this.#writing = applyObjects(plan, options).then(({ isDone, hasMore }) => {
        this.#writing = undefined
        this.#areObjectsDone = isDone && !hasMore
        // What failed waits for the next pass in the ordinary rhythm: a missing permission must not make us spin.
        if (isDone && hasMore) this.trigger()
      })
    }
    return areTargetsDone && this.#areObjectsDone
  }

  #applierOptions(world: World): ApplierOptions {
    const { elbv2, client, clock, observer, election, mayAct, reporter } = this.#options
    const { fieldManager, leftIngresses } = this.#options
    return {
      fieldManager,
      noteShown: (ingress, hostnames) => leftIngresses.noteShown(ingress, hostnames),
      elbv2,
      client,
      clock,
      mayAct,
      memory: (arn) => observer.memory(arn),
      changeOwned: (arn, change) => changeOwned(election, arn, change),
      onOutcome: (outcome: Outcome) => {
        const view = world.groups.find(({ facts }) => facts.name === outcome.group)
        if (outcome.kind === 'register' && outcome.error === '' && view !== undefined) {
          this.#hasRegistered = true
          this.#timings.noteRegistered(view, outcome.subject, outcome.atMs)
        }
        reporter.reportOutcome(outcome)
      },
    }
  }

  async #checkGroups({ entries }: Observation): Promise<void> {
    const { cluster, metrics, reporter, proxyProtocol, targetPort } = this.#options
    const addresses = cluster
      .proxies()
      .flatMap(({ isTerminating, addresses: [address] }) =>
        isTerminating || address === undefined ? [] : [address],
      )
    const isLookNeeded =
      proxyProtocol === undefined || entries.some(({ facts }) => facts && speaksHttp2(facts))
    const told = isLookNeeded ? await this.#proxyModes.look(addresses) : []
    const modes =
      proxyProtocol === undefined ? told.map((port) => port.proxyProtocol) : [proxyProtocol]
    // As long as nobody has told who could nothing is said.
    const allowsHttp2 = told.length === 0 ? this.#proxyModes.canAsk : told.every(({ h2c }) => h2c)
    for (const entry of entries) {
      const { facts } = entry
      if (facts === undefined) continue
      const mismatch = proxyProtocolMismatch(entry, modes)
      metrics.showProxyProtocol(facts.name, mismatch !== undefined)
      reporter.reportGroup(facts.name, clientAddressSource(entry), {
        ProxyProtocolMismatch: mismatch,
        TargetProtocolMismatch: targetProtocolMismatch(facts, targetPort, allowsHttp2),
      })
    }
  }
}

/** Tells whether AWS still has to find a registered target healthy: then the next look comes soon. */
function isAwaiting({ groups, limits }: World, nowMs: number): boolean {
  return groups.some(({ observed = [], wanted, pendingSince }) => {
    const registering = new Set(
      observed.filter((target) => isPresent(target) && !isServing(target)).map(({ key }) => key),
    )
    return wanted.some(
      ({ key }) =>
        registering.has(key) && nowMs - (pendingSince.get(key) ?? nowMs) < limits.healthyWaitMs,
    )
  })
}
