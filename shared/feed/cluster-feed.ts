// The feed of a cluster: one reflector per kind, joined into snapshots.
//
// Invariant: no snapshot before every kind is known; from then on each change goes out in the turn after it came.
// Invariant: a kind that we may not read is a problem, and only stops the start when nothing can be routed without it.
import type { Clock } from '../clock.ts'
import type { KubeClient } from '../kube/client.ts'
import type { KubeObject } from '../kube/objects.ts'
import { createReflector, type Reflector } from '../kube/reflector.ts'
import {
  endpointSlices,
  ingressClasses,
  ingresses,
  type KubeResource,
  secrets,
  services,
} from '../kube/resources.ts'
import type { Log } from '../log.ts'
import type { Feed, FeedUpdate } from './feed.ts'

export interface ClusterFeedOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly random?: () => number
  readonly log: Pick<Log, 'info' | 'warn'>
  /** Only objects of this namespace; IngressClasses are cluster-wide all the same. Absent: the whole cluster. */
  readonly namespace?: string
  /** Secrets are read only when something needs them. */
  readonly watchSecrets?: boolean
}

/** One kind: its reflector, and its objects as they went out last. */
interface Source<T extends KubeObject> {
  readonly plural: string
  readonly reflector: Reflector<T>
  /** True when a complete list has come, or when the kind can be done without and we may not read it. */
  isReady(): boolean
  /** The same array until something changes. */
  objects(): readonly T[]
}

/** Creates the feed of the cluster that `client` speaks to; it does not close the client. */
export function createClusterFeed(options: ClusterFeedOptions): Feed {
  const { clock, log, namespace } = options
  let onUpdate: (update: FeedUpdate) => void = () => undefined
  let pendingSinceMs: number | undefined
  let hasStarted = false
  let isStopped = false

  function createSource<T extends KubeObject>(
    resource: KubeResource<T>,
    isOptional = false,
  ): Source<T> {
    let objects: readonly T[] | undefined
    let hasCome = false
    const reflector = createReflector({
      client: options.client,
      resource,
      ...(namespace === undefined || !resource.namespaced ? {} : { namespace }),
      clock,
      ...(options.random === undefined ? {} : { random: options.random }),
      log,
      onChange({ eventAtMs }) {
        objects = undefined
        hasCome = true
        schedule(eventAtMs)
      },
      onProblem(problem) {
        // Before the first snapshot nobody else tells of it.
        if (problem !== undefined && !hasStarted) log.warn({ ...problem }, problem.message)
        schedule(clock.now())
      },
    })
    return {
      plural: resource.plural,
      reflector,
      isReady: () => hasCome || (isOptional && reflector.problem !== undefined),
      objects() {
        objects ??= [...reflector.items().values()]
        return objects
      },
    }
  }

  const sources = {
    ingresses: createSource(ingresses),
    // A Role of one namespace cannot allow a cluster-wide kind.
    ingressClasses: createSource(ingressClasses, true),
    services: createSource(services),
    endpointSlices: createSource(endpointSlices),
    secrets: options.watchSecrets === true ? createSource(secrets, true) : undefined,
  }
  const all = Object.values(sources).filter((source) => source !== undefined)

  function schedule(eventAtMs: number): void {
    if (pendingSinceMs !== undefined) return
    pendingSinceMs = eventAtMs
    // One turn later: what other kinds had to say in this turn is in the same snapshot.
    setImmediate(() => {
      const sinceMs = pendingSinceMs ?? eventAtMs
      pendingSinceMs = undefined
      if (!isStopped) publish(sinceMs)
    })
  }

  function publish(eventAtMs: number): void {
    hasStarted ||= all.every((source) => source.isReady())
    if (!hasStarted) return
    onUpdate({
      objects: {
        ingresses: sources.ingresses.objects(),
        ingressClasses: sources.ingressClasses.objects(),
        services: sources.services.objects(),
        endpointSlices: sources.endpointSlices.objects(),
        secrets: sources.secrets?.objects() ?? [],
      },
      problems: all.flatMap(({ reflector }) => reflector.problem ?? []),
      eventAtMs,
    })
  }

  return {
    start(listener) {
      onUpdate = listener
      for (const { reflector } of all) reflector.start()
    },
    async stop() {
      isStopped = true
      await Promise.all(all.map(({ reflector }) => reflector.stop()))
    },
    ages: () => Object.fromEntries(all.map(({ plural, reflector }) => [plural, reflector.ageMs()])),
  }
}
