// What the contract's checks are written with: a stage, short objects, and answers that must be good or bad.
import assert from 'node:assert/strict'
import type { KubeClient } from '../../shared/kube/client.ts'
import type { KubeError, KubeResult } from '../../shared/kube/error.ts'
import type { ConfigMap, Ingress, KubeObject, Pod } from '../../shared/kube/objects.ts'
import type { KubeResource } from '../../shared/kube/resources.ts'
import type { WatchEvent } from '../../shared/kube/watch.ts'

/** An API server to check. */
export interface ContractStage {
  /** May do everything. */
  readonly client: KubeClient
  /** Has a token that nobody issued. */
  readonly stranger: KubeClient
  /** Runs with a client that may only get, list and watch ConfigMaps of `namespace`. */
  withLimits(run: (limited: KubeClient) => Promise<void>): Promise<void>
  /** Forgets what is needed for watches from old versions; gives a continue token that has expired like this one. */
  expire(token: string): Promise<string>
  /** Empty of what the checks use; each names its objects apart. */
  readonly namespace: string
}

/** One thing to rely on. */
export interface ContractCheck {
  readonly name: string
  run(stage: ContractStage): Promise<void>
}

export function good<T>(answer: KubeResult<T>): T {
  if (!answer.ok) assert.fail(`refused: ${JSON.stringify(answer.error)}`)
  return answer.body
}

export function bad(answer: KubeResult<unknown>, status: number, reason: string): KubeError {
  if (answer.ok) assert.fail(`accepted: ${JSON.stringify(answer.body).slice(0, 500)}`)
  assert.deepEqual([answer.error.status, answer.error.reason], [status, reason])
  return answer.error
}

type Labels = Readonly<Record<string, string>>

export function configMap(namespace: string, name: string, labels: Labels = {}): ConfigMap {
  return { metadata: { namespace, name, labels }, data: { value: name } }
}

export function ingress(namespace: string, name: string): Ingress {
  const backend = { service: { name: 'web', port: { number: 80 } } }
  const paths = [{ path: '/', pathType: 'Prefix', backend }]
  return { metadata: { namespace, name }, spec: { rules: [{ host: 'a.test', http: { paths } }] } }
}

export function pod(namespace: string, name: string): Pod {
  const containers = [{ name: 'proxy', image: 'weir' }]
  const spec: Pod['spec'] & { readonly containers: typeof containers } = { containers }
  return {
    metadata: { namespace, name },
    spec,
  }
}

export function namesOf(items: readonly KubeObject[]): (string | undefined)[] {
  return items.map(({ metadata }) => metadata?.name)
}

interface Watched<T extends KubeObject> {
  readonly events: WatchEvent<T>[]
  /** Waits for so many events, bookmarks aside. */
  until(count: number): Promise<readonly WatchEvent<T>[]>
  /** Ends it; gives why it had ended before, if it had. */
  readonly ended: Promise<KubeError | undefined>
  stop(): void
}

export function watch<T extends KubeObject>(
  client: KubeClient,
  resource: KubeResource<T>,
  options: {
    readonly namespace: string
    readonly resourceVersion: string
    readonly labelSelector?: string
    readonly timeoutSeconds?: number
  },
): Watched<T> {
  const stop = new AbortController()
  const seen: WatchEvent<T>[] = []
  const isChange = ({ type }: WatchEvent<T>) => type !== 'BOOKMARK'
  const ended = client.watch(
    resource,
    { timeoutSeconds: 60, ...options, signal: stop.signal },
    {
      onOpen: () => undefined,
      onBytes: () => undefined,
      onEvent: (event) => seen.push(event),
    },
  )
  return {
    events: seen,
    ended,
    stop: () => stop.abort(),
    async until(count) {
      const deadline = performance.now() + 10_000
      while (seen.filter(isChange).length < count) {
        if (performance.now() > deadline) assert.fail(`only ${JSON.stringify(seen)}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      return seen.filter(isChange)
    },
  }
}
