// The data-plane threads: started together, told the same things, replaced when one crashes.
//
// Invariant: each worker gets every delta in order; one that starts later gets the whole table first.
import { Worker } from 'node:worker_threads'
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { AssetData, AssetRef, KeyRef } from '../../shared/routing/filters/kind.ts'
import type { TableDelta } from '../../shared/routing/table.ts'
import { createCounterMemory } from '../../shared/shared-counters.ts'
import type {
  FromWorker,
  TimedKeyAnswer,
  TlsMessage,
  ToWorker,
  WorkerPorts,
  WorkerStart,
} from '../messages.ts'
import type { AccessLogMessage } from '../observe/access-log.ts'
import type { FilterBlockedMessage, FilterFaultMessage } from '../observe/filter-faults.ts'
import { type Busy, beatsOf, busyOf, createPulseMemory } from '../observe/pulse.ts'
import type { SlotsMessage } from '../observe/slots.ts'
import type { SpansMessage } from '../observe/span-buffer.ts'
import type { ProxySettings } from '../settings.ts'
import type { ClosedFilters } from './filter-watch.ts'
import { probePort } from './port-probe.ts'
import { lookMs, StuckWatch } from './stuck-watch.ts'

/** What the pool tells the control thread. */
export interface WorkerPoolOptions {
  readonly settings: ProxySettings
  readonly clock: Clock
  readonly log: Log
  /** The whole table, for a worker that starts after the first delta; undefined before it. */
  readonly wholeTable: () => TableDelta | undefined
  /** What filters need, for a worker that starts. */
  readonly assets: () => Iterable<readonly [AssetRef, AssetData]>
  /** What TLS needs, for a worker that starts; nothing without `--listen-tls`. */
  readonly tls: () => Iterable<TlsMessage>
  /** Finds a key that a worker asks for; must not reject. */
  readonly findKey: (ref: KeyRef) => Promise<TimedKeyAnswer>
  /** All workers serve this version of the table. */
  readonly onApplied: (version: number) => void
  /** Kinds of filters that `--filters` brings. */
  readonly ownFilters: readonly string[]
  /** Those that are closed, for a worker that starts. */
  readonly closedFilters: () => ClosedFilters
  readonly onFilterFault: (
    message: FilterFaultMessage | FilterBlockedMessage,
    worker: number,
  ) => void
  /** A worker does not answer and is about to be ended; it is replaced like one that crashed. */
  readonly onStuck: (worker: number, busy: Busy) => void
  readonly onSlots: (message: SlotsMessage, worker: number) => void
  /** A worker has given back the slots of these routes. */
  readonly onSeriesForgotten: (routes: readonly string[], worker: number) => void
  readonly onAccessLog: (message: AccessLogMessage) => void
  readonly onSpans: (message: SpansMessage) => void
  /** So many workers listen now. */
  readonly onListening: (workers: number) => void
  /** A worker is gone; `worker` will not be used again. `isCrash` is false when it was told to end. */
  readonly onExit: (worker: number, isCrash: boolean) => void
}

/** Why no worker could listen, as the system says it. */
export class ListenError extends Error {
  readonly code: string
  readonly port: number
  constructor(code: string, port: number, message: string) {
    super(message)
    this.code = code
    this.port = port
  }
}

interface Member {
  /** Counts lives of threads, so that counters of a crashed one are never mixed with its successor's. */
  readonly id: number
  readonly place: number
  readonly thread: Worker
  readonly pulse: SharedArrayBuffer
  readonly watch: StuckWatch
  isListening: boolean
  applied: number
  hasFinished: boolean
  readonly waitingForCount: ((count: number) => void)[]
}

// A worker that crashes at once every time must not take the whole CPU with restarts.
const restartDelayMs = 500
const workerFile = import.meta.url.endsWith('.ts') ? '../worker.ts' : './worker.js'

/** The workers of one proxy. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #members = new Set<Member>()
  // One for the life of the process: a worker that replaces another goes on counting where that one was.
  readonly #counters = createCounterMemory()
  #nextId = 0
  #port = 0
  #tlsPort: number | undefined
  #announced = 0
  #isEnding = false
  #isDraining = false
  #isMemoryTooHigh = false
  #stopLooking = () => {}

  constructor(options: WorkerPoolOptions) {
    this.#options = options
  }

  /** Starts the workers; resolves with their ports. Rejects with ListenError when one cannot be had. */
  async start(): Promise<WorkerPorts> {
    const { settings } = this.#options
    const { listen, listenTls } = settings
    for (const place of [listen, listenTls]) {
      if (place !== undefined && place.port !== 0) await probePort(place.host, place.port)
    }
    if (settings.workerStuckSeconds > 0) {
      this.#stopLooking = this.#options.clock.every(lookMs, () => this.#look())
    }
    this.#port = listen.port
    this.#tlsPort = listenTls?.port
    // The first one finds out which ports they are when the user left that open.
    const ports = await this.#add()
    this.#port = ports.port
    this.#tlsPort = ports.tlsPort
    const others = Array.from({ length: settings.workers - 1 }, () => this.#add())
    await Promise.all(others)
    return ports
  }

  /** How many workers listen. */
  get size(): number {
    return [...this.#members].filter(({ isListening }) => isListening).length
  }

  /** Sends a change of the table to all workers. */
  apply(delta: TableDelta): void {
    this.#tell({ kind: 'delta', delta })
  }

  /** Sends what a filter needs to all workers; undefined: it is gone. */
  setAsset(ref: AssetRef, data: AssetData | undefined): void {
    this.#tell({ kind: 'asset', ref, ...(data && { data }) })
  }

  /** Sends what TLS needs to all workers. */
  setTls(message: TlsMessage): void {
    this.#tell(message)
  }

  /** Closes these filters in all workers, and opens all others. */
  setClosedFilters(closed: ClosedFilters): void {
    this.#tell({ kind: 'closed-filters', ...closed })
  }

  /** From now on health answers 503 and each response closes its connection. */
  drain(): void {
    this.#isDraining = true
    this.#tell({ kind: 'drain' })
  }

  /** Says whether the process uses too much memory to accept connections. */
  setMemoryTooHigh(isTooHigh: boolean): void {
    if (isTooHigh === this.#isMemoryTooHigh) return
    this.#isMemoryTooHigh = isTooHigh
    this.#tell({ kind: 'memory', isTooHigh })
  }

  /** Has all workers give back the slots of these routes; returns who was told. */
  forgetSeries(routes: readonly string[]): readonly number[] {
    this.#tell({ kind: 'forget-series', routes })
    return [...this.#members].map(({ id }) => id)
  }

  /** Counts requests and tunnels that are not finished. */
  async countInFlight(): Promise<number> {
    const counts = [...this.#members].map(
      (member) =>
        new Promise<number>((resolve) => {
          member.waitingForCount.push(resolve)
          send(member, { kind: 'count-in-flight' })
        }),
    )
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
  }

  /** Ends all workers: what is in flight has `boundMs` to finish. Resolves when they are gone. */
  async finish(boundMs: number): Promise<void> {
    this.#isEnding = true
    const gone = [...this.#members].map(
      ({ thread }) => new Promise<void>((resolve) => thread.once('exit', () => resolve())),
    )
    this.#tell({ kind: 'finish', boundMs })
    await Promise.all(gone)
    this.#stopLooking()
  }

  /** Ends workers that do not answer: what replaces them does. */
  #look(): void {
    for (const { id, thread, pulse, watch, hasFinished } of this.#members) {
      if (hasFinished || !watch.look(beatsOf(pulse))) continue
      this.#options.onStuck(id, busyOf(pulse, this.#options.ownFilters))
      void thread.terminate()
    }
  }

  #tell(message: ToWorker): void {
    for (const member of this.#members) send(member, message)
  }

  /** Starts one worker; resolves with its ports when it listens. */
  #add(): Promise<WorkerPorts> {
    const { settings, ownFilters } = this.#options
    const pulse = createPulseMemory(ownFilters.length)
    const place = this.#freePlace()
    const start: WorkerStart = {
      settings,
      place,
      port: this.#port,
      tlsPort: this.#tlsPort,
      isPortShared: settings.workers > 1,
      counters: this.#counters,
      pulse,
    }
    const thread = new Worker(new URL(workerFile, import.meta.url), { workerData: start })
    const member: Member = {
      id: this.#nextId,
      place,
      thread,
      pulse,
      watch: new StuckWatch(settings.workerStuckSeconds),
      isListening: false,
      applied: 0,
      hasFinished: false,
      waitingForCount: [],
    }
    this.#nextId += 1
    this.#members.add(member)
    this.#catchUp(member)
    return new Promise((resolve, reject) => {
      thread.on('message', (message: FromWorker) => this.#hear(member, message, resolve, reject))
      thread.on('error', (error) => {
        this.#options.log.error({ error, worker: member.id }, 'worker crashed')
        reject(error)
      })
      thread.on('exit', () => this.#remove(member))
    })
  }

  #freePlace(): number {
    const taken = new Set([...this.#members].map(({ place }) => place))
    let place = 0
    while (taken.has(place)) place += 1
    return place
  }

  /** Tells a worker that starts late what the others know. */
  #catchUp(member: Member): void {
    send(member, { kind: 'closed-filters', ...this.#options.closedFilters() })
    for (const message of this.#options.tls()) send(member, message)
    for (const [ref, data] of this.#options.assets()) send(member, { kind: 'asset', ref, data })
    const delta = this.#options.wholeTable()
    if (delta !== undefined) send(member, { kind: 'delta', delta })
    if (this.#isDraining) send(member, { kind: 'drain' })
    if (this.#isMemoryTooHigh) send(member, { kind: 'memory', isTooHigh: true })
  }

  #hear(
    member: Member,
    message: FromWorker,
    onListening: (ports: WorkerPorts) => void,
    onRefused: (error: Error) => void,
  ): void {
    switch (message.kind) {
      case 'listening':
        member.isListening = true
        this.#options.onListening(this.size)
        onListening(message)
        return
      case 'listen-failed':
        member.hasFinished = true
        onRefused(new ListenError(message.code, message.port, message.message))
        return
      case 'applied':
        member.applied = message.version
        this.#announce()
        return
      case 'in-flight':
        member.waitingForCount.shift()?.(message.count)
        return
      case 'finished':
        member.hasFinished = true
        return
      case 'filter-fault':
      case 'filter-blocked':
        this.#options.onFilterFault(message, member.id)
        return
      case 'key-wanted': {
        const { ref } = message
        void this.#options
          .findKey(ref)
          .then((found) => send(member, { kind: 'key', ref, ...found }))
        return
      }
      case 'store-changed':
        if (message.isUp) this.#options.log.info({ worker: member.id }, 'the store answers')
        else {
          const { why } = message
          this.#options.log.warn({ worker: member.id, why }, 'the store does not answer')
        }
        return
      case 'slots':
        this.#options.onSlots(message, member.id)
        return
      case 'series-forgotten':
        this.#options.onSeriesForgotten(message.routes, member.id)
        return
      case 'access-log':
        this.#options.onAccessLog(message)
        return
      case 'spans':
        this.#options.onSpans(message)
        return
    }
  }

  /** Reports the version that the slowest worker serves. */
  #announce(): void {
    const version = Math.min(...[...this.#members].map(({ applied }) => applied))
    if (version <= this.#announced) return
    this.#announced = version
    this.#options.onApplied(version)
  }

  #remove(member: Member): void {
    this.#members.delete(member)
    for (const resolve of member.waitingForCount) resolve(0)
    const isCrash = !member.hasFinished
    this.#options.onExit(member.id, isCrash)
    this.#options.onListening(this.size)
    if (this.#isEnding || !isCrash || this.#port === 0) return
    this.#options.clock.after(restartDelayMs, () => {
      if (this.#isEnding) return
      this.#add().catch((error: unknown) => {
        this.#options.log.error({ error }, 'a replaced worker could not listen')
      })
    })
  }
}

function send({ thread }: Member, message: ToWorker): void {
  thread.postMessage(message)
}
