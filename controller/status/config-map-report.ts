// What is wrong with ingress-nginx's global ConfigMap, in the eyes of who wrote it? Events beside it, as the proxies read it.
//
// Invariant: one voice. Each proxy lists the same problems at /routes?problems; Events come from the leader alone.
// Invariant: what was said is not said again while it is so; each half hour once more, since the API server forgets after one.
import type { Clock } from '../../shared/clock.ts'
import type { KubeClient } from '../../shared/kube/client.ts'
import type { ConfigMap } from '../../shared/kube/objects.ts'
import { createReflector, type Reflector } from '../../shared/kube/reflector.ts'
import { configMaps } from '../../shared/kube/resources.ts'
import type { Log } from '../../shared/log.ts'
import type { ObjectPath } from '../../shared/options-kinds.ts'
import type { Problem, ProblemReason } from '../../shared/problem.ts'
import type { EventRecorder } from './event-recorder.ts'

/** Says what is wrong with a ConfigMap, as a proxy does. */
export type FindProblems = (object: ConfigMap) => readonly Problem[]

export interface ConfigMapReportOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  readonly events: EventRecorder
  readonly configMap: ObjectPath
  /** Loads the table of keys: nobody else in the controller needs it. */
  readonly load: () => Promise<FindProblems>
}

/** Follows the ConfigMap for one term of leadership. */
export interface ConfigMapReport {
  start(): void
  stop(): Promise<void>
}

const sayAgainMs = 1_800_000

/** One CamelCase word for each sort of problem. */
const reasons: { readonly [R in ProblemReason]?: string } = {
  'invalid-config-key': 'InvalidConfigKey',
  'unknown-config-key': 'UnknownConfigKey',
}

/** Creates a report; nothing happens before `start`. */
export function createConfigMapReport(options: ConfigMapReportOptions): ConfigMapReport {
  const { client, clock, log, events, configMap, load } = options
  const { namespace, name } = configMap
  let find: FindProblems | undefined
  let said = new Map<string, string>()
  let stopTimer = () => {}
  const reflector: Reflector<ConfigMap> = createReflector<ConfigMap>({
    client,
    resource: configMaps,
    clock,
    log,
    namespace,
    fieldSelector: `metadata.name=${name}`,
    onChange: () => look(),
  })

  function look(): void {
    const [object] = reflector.list()
    const next = new Map<string, string>()
    for (const [reason, message] of object === undefined ? [] : messagesOf(find?.(object) ?? [])) {
      next.set(reason, message)
      if (said.get(reason) === message) continue
      const about = { namespace, name, uid: object?.metadata?.uid ?? '' }
      events.record({ kind: 'ConfigMap', about, type: 'Warning', reason, message })
    }
    said = next
  }

  return {
    start() {
      load().then(
        (loaded) => {
          find = loaded
          reflector.start()
          stopTimer = clock.every(sayAgainMs, () => {
            said = new Map()
            look()
          })
        },
        (error: unknown) => log.error({ error }, 'the ConfigMap cannot be read'),
      )
    },
    async stop() {
      stopTimer()
      await reflector.stop()
    },
  }
}

/** One message for each reason: all keys in one Event, so that a ConfigMap full of slips is not a flood. */
function messagesOf(problems: readonly Problem[]): readonly (readonly [string, string])[] {
  const byReason = Map.groupBy(problems, ({ reason }) => reasons[reason] ?? '')
  return [...byReason]
    .filter(([reason]) => reason !== '')
    .map(([reason, list]) => [
      reason,
      list.map(({ field, message, remedy }) => `${field}: ${message} ${remedy}`).join(' '),
    ])
}
