// One look at everything: the cluster's lists, AWS's view of each group, and what was done recently → World.
// One DescribeTargetHealth per group and pass. A group that AWS does not answer for is unknown, never empty.
import type { CidrSet } from '../shared/cidr.ts'
import type { KubeClient } from '../shared/kube/client.ts'
import { pods } from '../shared/kube/resources.ts'
import type { ObjectPath } from '../shared/options-kinds.ts'
import { AwsFailure } from './aws/aws-failure.ts'
import type { Elbv2 } from './aws/elbv2.ts'
import type { GroupDirectory, GroupEntry } from './balancer/group-directory.ts'
import type { Cluster } from './cluster.ts'
import type { LeftIngresses } from './status/left-ingresses.ts'
import { inOrder } from './status/published.ts'
import { GroupMemory } from './targets/group-memory.ts'
import { isPresent } from './targets/plan-targets.ts'
import type { ProxyPod } from './targets/proxy-pods.ts'
import { targetKey } from './targets/target-key.ts'
import { listWantedTargets, targetId, type WantedTargets } from './targets/wanted-targets.ts'
import type {
  GatedPod,
  GroupFacts,
  GroupView,
  Limits,
  ObjectRef,
  ObservedTarget,
  TargetKey,
  World,
} from './world.ts'

export interface ObserverOptions {
  readonly cluster: Cluster
  readonly client: KubeClient
  readonly elbv2: Elbv2
  readonly directory: GroupDirectory
  readonly leftIngresses: LeftIngresses
  readonly limits: Limits
  readonly targetPort: number
  readonly drainNodes: boolean
  readonly vpcRanges: CidrSet | undefined
  /** A fixed name for Ingress status, `auto` for those of the load balancers, or `off`. */
  readonly ingressStatus: string
  /** Shows this Service's addresses instead. */
  readonly publishService: ObjectPath | undefined
  /** Shows these instead; empty: not. */
  readonly publishStatusAddress: readonly string[]
  readonly needsHealthyTarget: boolean
  /** Keys that Weir registered in a group; undefined when it owns whole groups. */
  readonly owned: (groupArn: string) => ReadonlySet<TargetKey> | undefined
  readonly now: () => number
}

/** A world, and what could not be seen. */
export interface Observation {
  readonly world: World
  readonly entries: readonly GroupEntry[]
  /** What is wrong with a group, by the name that the operator gave. */
  readonly problems: ReadonlyMap<string, string>
  readonly unplaced: WantedTargets['unplaced']
  /** Why Ingress status cannot be written, with the remedy; empty when it can. */
  readonly statusProblem: string
}

// Confirmations are single GETs; a pass with thousands of stale targets spreads them over several passes.
const confirmationsPerPass = 50

export class Observer {
  readonly #options: ObserverOptions
  readonly #memories = new Map<string, GroupMemory>()

  constructor(options: ObserverOptions) {
    this.#options = options
  }

  /** What is remembered about a group. */
  memory(groupArn: string): GroupMemory {
    let memory = this.#memories.get(groupArn)
    if (memory === undefined) {
      memory = new GroupMemory()
      this.#memories.set(groupArn, memory)
    }
    return memory
  }

  async observe(): Promise<Observation> {
    const { cluster, directory, limits, now } = this.#options
    const entries = await directory.refresh(now())
    const problems = new Map(entries.map(({ given, problem }) => [given, problem]))
    const known = entries.flatMap((entry) => (entry.facts === undefined ? [] : [entry.facts]))
    if (known.some(({ targetType }) => targetType === 'instance')) cluster.requireNodes()
    const health = await Promise.all(known.map((facts) => this.#targetHealth(facts)))
    // Nothing asynchronous from here to the views: lists and answers belong to one moment.
    const proxies = cluster.proxies()
    const wanted = known.map((facts) => this.#wanted(facts, proxies))
    const unplaced = wanted.flatMap((targets, at) =>
      this.#isBlind(known[at]) ? [] : targets.unplaced,
    )
    const views = await Promise.all(
      known.map((facts, at) => this.#view(facts, wanted[at], health[at])),
    )
    for (const [at, facts] of known.entries()) {
      const failure = health[at]
      const isBlind = this.#isBlind(facts)
      const entry = entries.find((candidate) => candidate.facts?.arn === facts.arn)
      if (failure instanceof AwsFailure && entry !== undefined) {
        problems.set(entry.given, failure.message)
      } else if (isBlind && entry !== undefined) {
        problems.set(entry.given, 'the nodes are not listed yet: this group of instances waits')
      }
    }
    const hostnames = this.#hostnames(entries)
    const seen = cluster.ingresses()
    const routeGroups = cluster.routeGroups()
    const left = seen === undefined ? [] : await this.#options.leftIngresses.find(seen, hostnames)
    return {
      entries,
      problems,
      unplaced,
      world: {
        nowMs: now(),
        synced: cluster.isSynced(),
        limits,
        groups: views,
        gatedPods: this.#gatedPods(proxies, known, wanted),
        ingresses: seen?.served ?? [],
        ...(routeGroups === undefined ? {} : { routeGroups }),
        left,
        hostnames,
        needsHealthyTarget: this.#options.needsHealthyTarget,
      },
      statusProblem: this.#statusProblem(),
    }
  }

  async #targetHealth(facts: GroupFacts): Promise<readonly ObservedTarget[] | AwsFailure> {
    try {
      return await this.#options.elbv2.targetHealth(facts.arn)
    } catch (failure) {
      if (!(failure instanceof AwsFailure)) throw failure
      if (failure.code === 'not-found') this.#options.directory.forget(facts.arn)
      return failure
    }
  }

  /** Without nodes a group of instances would look as if nothing were wanted, and no proxy had an instance. */
  #isBlind(facts: GroupFacts | undefined): boolean {
    return facts?.targetType === 'instance' && this.#options.cluster.nodes() === undefined
  }

  #wanted(facts: GroupFacts, proxies: readonly ProxyPod[]): WantedTargets {
    const { cluster, drainNodes, targetPort, vpcRanges } = this.#options
    return listWantedTargets(facts, {
      proxies,
      nodes: cluster.nodes(),
      drainNodes,
      targetPort,
      vpcRanges,
      outsideVpc: this.memory(facts.arn).outsideVpc,
    })
  }

  async #view(
    facts: GroupFacts,
    targets: WantedTargets | undefined,
    health: readonly ObservedTarget[] | AwsFailure | undefined,
  ): Promise<GroupView> {
    const memory = this.memory(facts.arn)
    const { wanted, departures } = targets ?? { wanted: [], departures: new Map() }
    const isUnknown = health === undefined || health instanceof AwsFailure || this.#isBlind(facts)
    const answered = isUnknown ? undefined : health
    const observed =
      answered === undefined ? undefined : memory.correct(answered, this.#options.now())
    if (targets !== undefined && observed !== undefined) {
      memory.note(targets, observed, this.#options.now())
      await this.#confirm(memory, targets, observed)
    }
    return {
      facts,
      observed,
      wanted,
      departures,
      gone: new Set(memory.gone),
      pendingSince: new Map(memory.pendingSince),
      removals: memory.removals,
      owned: this.#options.owned(facts.arn),
    }
  }

  /** Asks the API server about the pods behind targets that no list holds any more. */
  async #confirm(
    memory: GroupMemory,
    { wanted, departures }: WantedTargets,
    observed: readonly ObservedTarget[],
  ): Promise<void> {
    const wantedKeys = new Set(wanted.map((target) => target.key))
    const asked = observed
      .filter(isPresent)
      .filter(({ key }) => !wantedKeys.has(key) && !departures.has(key) && !memory.gone.has(key))
      .flatMap(({ key }) => {
        const pod = memory.podOf(key)
        return pod === undefined ? [] : [{ key, pod }]
      })
      .slice(0, confirmationsPerPass)
    await Promise.all(
      asked.map(async ({ key, pod }) => {
        if (await this.#isGone(pod)) memory.gone.add(key)
      }),
    )
  }

  async #isGone({ namespace, name, uid }: ObjectRef): Promise<boolean> {
    const answer = await this.#options.client.get(pods, { namespace, name }, { timeoutMs: 3_000 })
    if (!answer.ok) return answer.error.reason === 'NotFound'
    const phase = answer.body.status?.phase
    return answer.body.metadata?.uid !== uid || phase === 'Succeeded' || phase === 'Failed'
  }

  #gatedPods(
    proxies: readonly ProxyPod[],
    groups: readonly GroupFacts[],
    wanted: readonly WantedTargets[],
  ): GatedPod[] {
    const nodes = this.#options.cluster.nodes()
    const unplaced = wanted.map((targets) => {
      const lasting = targets.unplaced.filter(({ isLasting }) => isLasting)
      return new Map(lasting.map(({ proxy, reason }) => [proxy, reason]))
    })
    return proxies
      .filter((proxy) => proxy.gate !== 'none' && !proxy.isTerminating)
      .map((proxy) => ({
        pod: proxy.pod,
        isOpen: proxy.gate === 'open',
        targets: new Map(
          groups.flatMap((facts): [string, TargetKey][] => {
            const id = targetId(facts, proxy, nodes)
            return id === undefined ? [] : [[facts.arn, targetKey(id, this.#options.targetPort)]]
          }),
        ),
        unplaced: new Map(
          groups.flatMap((facts, at): [string, string][] => {
            const reason = unplaced[at]?.get(proxy)
            return reason === undefined ? [] : [[facts.arn, reason]]
          }),
        ),
      }))
  }

  /** What was shown stays meanwhile: a name that vanishes for a moment would be gone from DNS for longer. */
  #statusProblem(): string {
    const { publishService: service, cluster } = this.#options
    if (service === undefined || cluster.publishedAddresses()?.length !== 0) return ''
    return `the Service ${service.namespace}/${service.name} of --publish-service is missing or has no address: Ingress status stays as it is; create it, or name the addresses by --publish-status-address`
  }

  #hostnames(entries: readonly GroupEntry[]): string[] {
    const { ingressStatus, publishService, publishStatusAddress, cluster } = this.#options
    if (publishStatusAddress.length > 0) return inOrder(publishStatusAddress)
    if (publishService !== undefined) return [...(cluster.publishedAddresses() ?? [])]
    if (ingressStatus === 'off') return []
    if (ingressStatus !== 'auto') return [ingressStatus]
    // Half of the names would take the other half out of DNS.
    if (entries.some(({ problem }) => problem !== '')) return []
    const names = entries.flatMap(({ balancers }) => balancers.map(({ dnsName }) => dnsName))
    return [...new Set(names)].sort()
  }
}
