// Kubernetes Events about what was done and refused: one per object and reason, counted, never a flood.
// A repetition within a minute only counts; the Event is brought up to date when the minute is over.
import type { Clock } from '../../shared/clock.ts'
import type { KubeClient } from '../../shared/kube/client.ts'
import { events } from '../../shared/kube/resources.ts'
import type { Log } from '../../shared/log.ts'
import type { ObjectRef } from '../world.ts'

/** Kinds that Events are about. */
const kinds = {
  Pod: 'v1',
  ConfigMap: 'v1',
  Ingress: 'networking.k8s.io/v1',
  Lease: 'coordination.k8s.io/v1',
  RouteGroup: 'zalando.org/v1',
} as const

/** What happened to an object. */
export interface Occurrence {
  readonly kind: keyof typeof kinds
  readonly about: ObjectRef
  readonly type: 'Normal' | 'Warning'
  /** One CamelCase word. */
  readonly reason: string
  readonly message: string
}

export interface EventRecorder {
  /** Never fails and never waits: Events are a courtesy. */
  record(occurrence: Occurrence): void
  /** Resolves when what was recorded so far was sent. */
  flush(): Promise<void>
}

export interface EventRecorderOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  /** Who reports, such as the pod's name. */
  readonly host: string
}

interface Series {
  readonly name: string
  readonly firstAtMs: number
  lastAtMs: number
  count: number
  /** Monotonic ms of the last write. */
  writtenAtMs: number
  isPending: boolean
  /** The Event exists: further writes bring it up to date. */
  isCreated: boolean
  latest: Occurrence
}

const quietMs = 60_000
const forgetAfterMs = 3_600_000
// At most so many series: a thousand proxies that change at once must not become a thousand Events a minute.
const mostSeries = 500
const mostWritesPerMinute = 120

export function createEventRecorder({
  client,
  clock,
  log,
  host,
}: EventRecorderOptions): EventRecorder {
  const series = new Map<string, Series>()
  let queue: Promise<void> = Promise.resolve()
  let windowStartMs = clock.now()
  let writes = 0
  let serial = 0

  function isWithinRate(): boolean {
    if (clock.now() - windowStartMs >= quietMs) {
      windowStartMs = clock.now()
      writes = 0
    }
    writes++
    return writes <= mostWritesPerMinute
  }

  function write(one: Series): void {
    one.isPending = false
    one.writtenAtMs = clock.now()
    if (!isWithinRate()) return
    queue = queue.then(() => send(one))
  }

  async function send(one: Series): Promise<void> {
    const { name, firstAtMs, lastAtMs, count, latest } = one
    const { kind, about, type, reason, message } = latest
    const namespace = about.namespace === '' ? 'default' : about.namespace
    const times = { lastTimestamp: isoSeconds(lastAtMs), count, message: message.slice(0, 1000) }
    const { name: objectName, uid } = about
    const answer = one.isCreated
      ? await client.patch(events, { namespace, name }, times)
      : await client.create(events, {
          metadata: { namespace, name },
          involvedObject: {
            apiVersion: kinds[kind],
            kind,
            namespace: about.namespace,
            name: objectName,
            ...(uid === '' ? {} : { uid }),
          },
          type,
          reason,
          source: { component: 'weir-controller', host },
          firstTimestamp: isoSeconds(firstAtMs),
          ...times,
        })
    if (answer.ok) one.isCreated = true
    else {
      log.debug({ event: name, reason: answer.error.reason }, 'an Event was not written')
      // The API server forgets Events after an hour: the next one begins a new series.
      if (answer.error.reason === 'NotFound') series.delete(seriesKey(latest))
    }
  }

  function prune(): void {
    for (const [key, one] of series) {
      if (series.size <= mostSeries && clock.wallNow() - one.lastAtMs < forgetAfterMs) return
      series.delete(key)
    }
  }

  return {
    record(occurrence) {
      const key = seriesKey(occurrence)
      const known = series.get(key)
      const now = clock.wallNow()
      if (known === undefined) {
        const stamp = Math.floor(now).toString(16)
        serial++
        const one: Series = {
          name: `${occurrence.about.name.slice(0, 200)}.${stamp}.${serial}`,
          firstAtMs: now,
          lastAtMs: now,
          count: 1,
          writtenAtMs: clock.now(),
          isPending: false,
          isCreated: false,
          latest: occurrence,
        }
        series.set(key, one)
        write(one)
        prune()
        return
      }
      known.count++
      known.lastAtMs = now
      known.latest = occurrence
      if (known.isPending) return
      known.isPending = true
      const dueInMs = Math.max(0, known.writtenAtMs + quietMs - clock.now())
      clock.after(dueInMs, () => write(known))
    },
    flush: () => queue,
  }
}

function seriesKey({ kind, about, reason }: Occurrence): string {
  return `${kind} ${about.namespace}/${about.name} ${about.uid} ${reason}`
}

function isoSeconds(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z')
}
