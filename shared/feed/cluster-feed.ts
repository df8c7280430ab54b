// The feed of a cluster: one reflector per kind, joined into snapshots.
//
// Invariant: no snapshot before every kind is known; from then on each change goes out in the turn after it came.
// Invariant: a kind that we may not read is a problem, and only stops the start when nothing can be routed without it.
import type { Clock } from '../clock.ts'
import type { KubeClient } from '../kube/client.ts'
import type { KubeObject } from '../kube/objects.ts'
import { createReflector, type Reflector } from '../kube/reflector.ts'
import { configMaps, type KubeResource, secrets } from '../kube/resources.ts'
import { createSnapshot, type WatchedKind } from '../kube/snapshot.ts'
import type { Log } from '../log.ts'
import type { Problem } from '../problem.ts'
import type { Feed, FeedUpdate } from './feed.ts'
import { configMapRemedy, type NamedObject, permissionRemedy } from './named-objects.ts'

export interface ClusterFeedOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly random?: () => number
  readonly log: Pick<Log, 'info' | 'warn'>
  /** Only objects of this namespace; cluster-wide kinds are read all the same. Absent: the whole cluster. */
  readonly namespace?: string
}

/** One kind and its reflector. */
interface Collection {
  readonly resource: KubeResource
  readonly reflector: Reflector<KubeObject>
  /** True when a complete list has come, or when the kind can be done without and is not to be had. */
  isReady(): boolean
}

/** Creates the feed of the cluster that `client` speaks to; it does not close the client. */
export function createClusterFeed(options: ClusterFeedOptions): Feed {
  const { clock, log, namespace } = options
  let onUpdate: (update: FeedUpdate) => void = () => undefined
  let collections: readonly Collection[] = []
  const followers = new Set<Reflector<KubeObject>>()
  let pendingSinceMs: number | undefined
  let hasStarted = false
  let isStopped = false

  function createCollection({ resource, isOptional, only }: WatchedKind): Collection {
    let hasCome = false
    const home = only?.namespace ?? namespace
    const reflector = createReflector({
      client: options.client,
      resource,
      ...(home === undefined || !resource.namespaced ? {} : { namespace: home }),
      ...(only === undefined
        ? {}
        : {
            fieldSelector: `metadata.name=${only.name}`,
            permissionRemedy: configMapRemedy(only),
          }),
      mayBeUnserved: isOptional,
      clock,
      ...(options.random === undefined ? {} : { random: options.random }),
      log,
      onChange({ eventAtMs }) {
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
      resource,
      reflector,
      isReady: () => hasCome || (isOptional && reflector.problem !== undefined),
    }
  }

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
    hasStarted ||= collections.every((collection) => collection.isReady())
    if (!hasStarted) return
    onUpdate({
      snapshot: createSnapshot(
        collections.map(({ resource, reflector }) => [resource, reflector.list()] as const),
      ),
      problems: collections.flatMap(({ reflector }) => reflector.problem ?? []),
      eventAtMs,
    })
  }

  /** A reflector of one object: list and watch with its name, which RBAC can allow alone (resourceNames). */
  function follow(
    want: NamedObject,
    onObject: (object: KubeObject | undefined) => void,
    onProblem: (problem: Problem | undefined) => void,
  ): () => void {
    const { kind, namespace: home, name } = want
    const reflector: Reflector<KubeObject> = createReflector({
      client: options.client,
      resource: kind === 'Secret' ? secrets : configMaps,
      namespace: home,
      fieldSelector: `metadata.name=${name}`,
      mayBeUnserved: true,
      permissionRemedy: permissionRemedy(want),
      clock,
      ...(options.random === undefined ? {} : { random: options.random }),
      log,
      onChange: () => onObject([...reflector.items().values()][0]),
      onProblem: (problem) => {
        if (problem !== undefined) log.warn({ ...problem, namespace: home, name }, problem.message)
        onProblem(problem)
      },
    })
    reflector.start()
    followers.add(reflector)
    return () => {
      followers.delete(reflector)
      reflector.stop().catch((error: unknown) => log.warn({ error }, 'a watch did not end'))
    }
  }

  return {
    follow,
    start(kinds, listener) {
      onUpdate = listener
      collections = kinds.map(createCollection)
      for (const { reflector } of collections) reflector.start()
    },
    async stop() {
      isStopped = true
      const all = [...collections.map(({ reflector }) => reflector), ...followers]
      await Promise.all(all.map((reflector) => reflector.stop()))
    },
    ages: () =>
      Object.fromEntries(
        collections.map(({ resource, reflector }) => [resource.plural, reflector.ageMs()]),
      ),
  }
}
