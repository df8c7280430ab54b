// Who acts? One Lease per release; its holder reconciles. The Lease also keeps the record of what Weir registered.
//
//   standby ──free or expired──► leader ──renewed every 5 s──► leader
//      ▲                            └─ not renewed for 10 s, taken, stopped ─► standby
//
// Invariant: a leader stops acting 5 s before anybody else may begin, by its own monotonic clock.
// Invariant: others' clocks are never compared with ours: a lease has expired when it was not seen to change for its duration.
import type { Clock } from '../shared/clock.ts'
import type { KubeClient } from '../shared/kube/client.ts'
import type { KubeError } from '../shared/kube/error.ts'
import type { Lease } from '../shared/kube/objects.ts'
import { leases } from '../shared/kube/resources.ts'
import type { Log } from '../shared/log.ts'

export interface ElectionOptions {
  readonly client: KubeClient
  readonly clock: Clock
  /** 0 ≤ n < 1: spreads the replicas' calls. */
  readonly random: () => number
  readonly namespace: string
  readonly name: string
  /** Who we are; unique among the replicas. */
  readonly identity: string
  readonly log: Log
  readonly onChange: (isLeader: boolean) => void
}

export interface Election {
  start(): void
  /** Stops taking part and gives the lease back, so that another replica need not wait. */
  stop(): Promise<void>
  readonly isLeader: boolean
  /** Who leads as far as known; empty when nobody. */
  readonly holder: string
  /** True once the lease was read or written. */
  readonly hasSeenLease: boolean
  /** An annotation of the lease as last read; only a leader's is current. */
  annotation(name: string): string | undefined
  /** Changes an annotation, provided that we hold the lease; false when it was not written. */
  annotate(name: string, change: (current: string | undefined) => string): Promise<boolean>
}

const durationMs = 15_000
const renewEveryMs = 5_000
const renewDeadlineMs = 10_000
const callTimeoutMs = 4_000

/** Creates an election; nothing happens before `start`. */
export function createElection(options: ElectionOptions): Election {
  const { client, clock, random, namespace, name, identity, log } = options
  let lease: Lease | undefined
  let hasSeenLease = false
  /** What was last seen of the lease, and when it last changed, by our clock. */
  let seen = { mark: '', atMs: clock.now() }
  let renewedAtMs: number | undefined
  let wasLeader = false
  let isStopped = false
  let cancelTimer: () => void = () => {}
  let trouble = ''
  // All writes go through here one after the other: a renewal and an annotation must not race for the version.
  let queue: Promise<unknown> = Promise.resolve()

  function isLeader(): boolean {
    return renewedAtMs !== undefined && clock.now() - renewedAtMs < renewDeadlineMs
  }

  function look(current: Lease): void {
    lease = current
    hasSeenLease = true
    const { holderIdentity = '', renewTime = '' } = current.spec ?? {}
    const mark = `${holderIdentity} ${renewTime} ${current.metadata?.uid}`
    if (mark !== seen.mark) seen = { mark, atMs: clock.now() }
  }

  function announce(): void {
    const now = isLeader()
    if (now === wasLeader) return
    wasLeader = now
    log.info({ lease: `${namespace}/${name}`, identity }, now ? 'leads now' : 'leads no longer')
    options.onChange(now)
  }

  /** Says what is wrong with the lease when it begins, changes and ends; not at each try. */
  function report(error: KubeError | undefined): void {
    const now = error === undefined || error.reason === 'Conflict' ? '' : error.reason
    if (now === trouble) return
    trouble = now
    const fields = { lease: `${namespace}/${name}`, reason: now, error: error?.message }
    if (now === '') log.info(fields, 'the lease can be used again')
    else log.warn(fields, 'cannot use the lease: nobody leads until this is mended')
  }

  async function read(): Promise<boolean> {
    const answer = await client.get(leases, { namespace, name }, { timeoutMs: callTimeoutMs })
    if (answer.ok) {
      look(answer.body)
      return true
    }
    if (answer.error.reason !== 'NotFound') {
      report(answer.error)
      return false
    }
    lease = undefined
    return true
  }

  async function write(next: Lease): Promise<boolean> {
    const isNew = next.metadata?.resourceVersion === undefined
    const options = { timeoutMs: callTimeoutMs }
    const answer = isNew
      ? await client.create(leases, next, options)
      : await client.update(leases, next, options)
    if (answer.ok) look(answer.body)
    report(answer.ok ? undefined : answer.error)
    return answer.ok
  }

  function held(annotations?: Readonly<Record<string, string>>): Lease {
    const { acquireTime = '', holderIdentity, leaseTransitions = 0 } = lease?.spec ?? {}
    const now = microTime(clock.wallNow())
    const isOurs = holderIdentity === identity
    return {
      metadata: {
        ...(lease?.metadata ?? { namespace, name }),
        ...(annotations === undefined ? {} : { annotations }),
      },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: durationMs / 1000,
        acquireTime: isOurs && acquireTime !== '' ? acquireTime : now,
        renewTime: now,
        leaseTransitions: isOurs ? leaseTransitions : leaseTransitions + 1,
      },
    }
  }

  function mayTake(): boolean {
    const { holderIdentity = '', leaseDurationSeconds = durationMs / 1000 } = lease?.spec ?? {}
    if (lease === undefined || holderIdentity === '' || holderIdentity === identity) return true
    return clock.now() - seen.atMs >= leaseDurationSeconds * 1000
  }

  async function turn(): Promise<void> {
    const askedAtMs = clock.now()
    // A leader writes without reading: a conflict says that somebody else was here.
    const isKnown = (isLeader() && lease !== undefined) || (await read())
    if (isKnown && mayTake() && !isStopped) {
      if (await write(held())) renewedAtMs = askedAtMs
      else if (await read()) {
        if ((lease?.spec?.holderIdentity ?? '') !== identity) renewedAtMs = undefined
      }
    } else if (isKnown && !mayTake()) renewedAtMs = undefined
  }

  function enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = queue.then(work)
    queue = result.catch(() => undefined)
    return result
  }

  function loop(): void {
    if (isStopped) return
    void enqueue(turn).then(() => {
      announce()
      if (isStopped) return
      const delayMs = isLeader() ? renewEveryMs : renewEveryMs * (0.6 + 0.4 * random())
      cancelTimer = clock.after(delayMs, loop)
    })
  }

  // A leader that hangs in a call must still notice that its time is over.
  let stopWatching: () => void = () => {}

  return {
    start() {
      stopWatching = clock.every(1000, announce)
      loop()
    },
    async stop() {
      isStopped = true
      cancelTimer()
      stopWatching()
      renewedAtMs = undefined
      announce()
      await enqueue(async () => {
        // A write that was on its way may have given us the lease after all.
        renewedAtMs = undefined
        if (lease?.spec?.holderIdentity !== identity) return
        const { spec } = held()
        await write({
          metadata: lease?.metadata ?? { namespace, name },
          spec: { ...spec, holderIdentity: '', leaseDurationSeconds: 1 },
        })
      })
    },
    get isLeader() {
      return isLeader()
    },
    get holder() {
      return lease?.spec?.holderIdentity ?? ''
    },
    get hasSeenLease() {
      return hasSeenLease
    },
    annotation: (key) => lease?.metadata?.annotations?.[key],
    annotate: (key, change) =>
      enqueue(async () => {
        for (let attempt = 0; attempt < 2; attempt++) {
          if (!isLeader() || isStopped) return false
          const askedAtMs = clock.now()
          const { annotations } = lease?.metadata ?? {}
          if (await write(held({ ...annotations, [key]: change(annotations?.[key]) }))) {
            renewedAtMs = askedAtMs
            return true
          }
          if (!(await read()) || lease?.spec?.holderIdentity !== identity) return false
        }
        return false
      }),
  }
}

/** Writes a time as the API's MicroTime. */
function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/Z$/, '000Z')
}
