// The proxy pod that this controller runs in: its target, its deadline, and the begin of its end.
// Every replica answers for its own pod, whether it leads or not.
import type { Clock } from '../../shared/clock.ts'
import type { KubeClient } from '../../shared/kube/client.ts'
import type { Node, Pod } from '../../shared/kube/objects.ts'
import { createReflector } from '../../shared/kube/reflector.ts'
import { nodes, pods } from '../../shared/kube/resources.ts'
import type { Log } from '../../shared/log.ts'
import { AwsFailure } from '../aws/aws-failure.ts'
import type { Elbv2, TargetId } from '../aws/elbv2.ts'
import { proxiesFromPods } from '../targets/proxy-pods.ts'
import { listWantedTargets, targetId } from '../targets/wanted-targets.ts'
import type { GroupFacts, TargetKey } from '../world.ts'
import type { ProxyControl } from './control-client.ts'
import { type DrainStep, drainOwnPod, type LetGoTimes } from './drain-own-pod.ts'

export interface OwnPodOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly elbv2: Elbv2
  readonly log: Log
  readonly namespace: string
  readonly name: string
  /** Where and by which labels the other proxies are found; without labels AWS alone tells who stays. */
  readonly proxyNamespace: string
  readonly proxySelector: string | undefined
  /** As the operator wrote them. */
  readonly targetGroups: readonly string[]
  readonly targetPort: number
  readonly minTargets: number
  readonly control: ProxyControl | undefined
  readonly drainSeconds: number
  readonly letGo: LetGoTimes | undefined
  readonly onStep: (step: DrainStep, elapsedMs: number) => void
  /** Called when the pod is seen to terminate before any signal came. */
  readonly onTerminating: () => void
}

export interface OwnPod {
  start(): void
  stop(): Promise<void>
  /** Runs the choreography once; further calls join it. Resolves when it is over. */
  drain(reason: string): Promise<void>
  readonly isDraining: boolean
}

// Facts of a group hardly ever change; hundreds of standbys must not ask for them all the time.
const factsEveryMs = 3_600_000
const factsRetryMs = 30_000
// What is kept of the grace period for the end of the process itself.
const reserveMs = 1_000

export function createOwnPod(options: OwnPodOptions): OwnPod {
  const { client, clock, elbv2, log, namespace, name } = options
  const facts = new Map<string, GroupFacts>()
  let node: Node | undefined
  let draining: Promise<void> | undefined
  let drainStartMs = 0
  let cancelFacts: () => void = () => {}

  const reflector = createReflector<Pod>({
    client,
    resource: pods,
    clock,
    log,
    namespace,
    fieldSelector: `metadata.name=${name}`,
    onChange() {
      if (pod()?.metadata?.deletionTimestamp !== undefined && draining === undefined) {
        options.onTerminating()
      }
    },
  })

  function pod(): Pod | undefined {
    return reflector.items().get(`${namespace}/${name}`)
  }

  /** deletionTimestamp is the moment of the kill: the request's time plus the grace period. */
  function deadlineMs(): number {
    const killedAt = Date.parse(pod()?.metadata?.deletionTimestamp ?? '')
    if (Number.isNaN(killedAt)) return drainStartMs + options.drainSeconds * 1000
    return clock.now() + (killedAt - clock.wallNow()) - reserveMs
  }

  async function readFacts(): Promise<void> {
    let isComplete = true
    for (const given of options.targetGroups) {
      try {
        const found = await elbv2.findGroup(given)
        if (found === undefined) facts.delete(given)
        else facts.set(given, found)
        isComplete &&= found !== undefined
      } catch (failure) {
        if (!(failure instanceof AwsFailure)) throw failure
        isComplete = false
      }
    }
    await readNode()
    cancelFacts()
    cancelFacts = clock.after(isComplete ? factsEveryMs : factsRetryMs, () => void readFacts())
  }

  async function readNode(): Promise<void> {
    const nodeName = pod()?.spec?.nodeName
    const isNeeded = [...facts.values()].some(({ targetType }) => targetType === 'instance')
    if (!isNeeded || nodeName === undefined || node !== undefined) return
    const answer = await client.get(nodes, { name: nodeName }, { timeoutMs: 3_000 })
    if (answer.ok) node = answer.body
  }

  function ownTargets(): { group: GroupFacts; target: TargetId }[] {
    const own = pod()
    const [proxy] = own === undefined ? [] : proxiesFromPods([own])
    if (proxy === undefined) return []
    const known = new Map(node === undefined ? [] : [[proxy.nodeName, node]])
    return [...facts.values()].flatMap((group) => {
      const id = targetId(group, proxy, known)
      return id === undefined ? [] : [{ group, target: { id, port: options.targetPort } }]
    })
  }

  async function departing(): Promise<ReadonlySet<TargetKey>> {
    const { proxyNamespace, proxySelector, targetPort } = options
    if (proxySelector === undefined) return new Set()
    const selection = { namespace: proxyNamespace, labelSelector: proxySelector }
    const answer = await client.list(pods, { ...selection, timeoutMs: 1_000 })
    if (!answer.ok) return new Set()
    const input = {
      proxies: proxiesFromPods(answer.body.items),
      nodes: undefined,
      drainNodes: false,
      targetPort,
      vpcRanges: undefined,
      outsideVpc: new Set<string>(),
    }
    const keys = [...facts.values()].flatMap((group) =>
      [...listWantedTargets(group, input).departures]
        .filter(([, { why }]) => why === 'terminating')
        .map(([key]) => key),
    )
    return new Set(keys)
  }

  async function run(reason: string): Promise<void> {
    const { control, minTargets, letGo, onStep } = options
    if (facts.size === 0) await Promise.race([readFacts(), pause(clock, 500)])
    await readNode()
    const targets = ownTargets()
    if (targets.length === 0) log.warn({ pod: name }, 'knows no target of its own pod')
    await drainOwnPod(reason, {
      clock,
      elbv2,
      log,
      control,
      targets,
      departing,
      minTargets,
      deadlineMs,
      drainMs: options.drainSeconds * 1000,
      letGo,
      onStep,
    })
  }

  return {
    start() {
      reflector.start()
      void reflector.whenSynced().then(readFacts)
    },
    async stop() {
      cancelFacts()
      await reflector.stop()
    },
    drain(reason) {
      if (draining === undefined) {
        drainStartMs = clock.now()
        draining = run(reason)
      }
      return draining
    },
    get isDraining() {
      return draining !== undefined
    },
  }
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve)
  })
}
