// A data plane in the test's own process: real sockets, a clock of the test's choice, routes without Kubernetes.
//
// Invariant: after `close()` nothing of it is left: no listener, no connection, no timer.
import { randomBytes } from 'node:crypto'
import type { TimedKeyAnswer } from '../../proxy/messages.ts'
import { createAccessLog } from '../../proxy/observe/access-log.ts'
import type { FilterFault } from '../../proxy/observe/filter-faults.ts'
import { createPulseMemory, openPulse } from '../../proxy/observe/pulse.ts'
import { createRecorder } from '../../proxy/observe/recorder.ts'
import { createSlots, keyOf } from '../../proxy/observe/slot-allocator.ts'
import type { SlotsMessage } from '../../proxy/observe/slots.ts'
import { DataPlane } from '../../proxy/serve/data-plane.ts'
import { FilterGuard } from '../../proxy/serve/filter-guard.ts'
import { createHandshakeMeter } from '../../proxy/serve/handshake-meter.ts'
import { type ProxySettings, parseProxySettings } from '../../proxy/settings.ts'
import { type Clock, systemClock } from '../../shared/clock.ts'
import type { CertificateRef } from '../../shared/routing/certificates.ts'
import type {
  FilterKind,
  KeyRef,
  SharedCounters,
  SharedStore,
} from '../../shared/routing/filters/kind.ts'
import { filterKinds } from '../../shared/routing/filters/kinds.ts'
import type { Endpoint, Route, TableDelta } from '../../shared/routing/table.ts'
import { type RouteSketch, routeOf } from '../../shared/routing/testing/route.ts'
import { createCounterMemory, openCounterTable } from '../../shared/shared-counters.ts'

/** A whole table in short: rules, and the endpoints of each service. A service that is not named does not exist. */
export interface TableSketch {
  readonly routes?: readonly RouteSketch[]
  readonly endpoints?: Readonly<Record<string, readonly Endpoint[]>>
  readonly fallback?: RouteSketch
  /** Secrets (`namespace/name`) with the certificates of hosts, best first. */
  readonly certificates?: Readonly<Record<string, readonly string[]>>
}

/** What a data plane is started with. */
export interface InProcessOptions extends TableSketch {
  /** Flags as the program takes them (`--retries`, `0`); `--listen` and `--workers` are given. */
  readonly flags?: readonly string[]
  readonly clock?: Clock
  /** Kinds of filters besides Weir's own; guarded, as those of `--filters` are. */
  readonly kinds?: readonly FilterKind[]
  /** In [0, 1): where a balance begins; always 0 unless said otherwise. */
  readonly random?: () => number
  /** Budgets that several data planes share; its own unless said otherwise. */
  readonly shared?: SharedCounters
  readonly store?: SharedStore
  /** Finds keys of load balancers; without it none is found. */
  readonly findKey?: (ref: KeyRef) => Promise<TimedKeyAnswer>
  /** True: no table is applied, as before the first sync. */
  readonly isUnsynced?: boolean
}

/** One line of the access log (json). */
export type LogLine = Readonly<Record<string, string | number>>

/** A running data plane. */
export interface InProcess {
  readonly port: number
  /** 0 without `--listen-tls`. */
  readonly tlsPort: number
  readonly plane: DataPlane
  /** Applies a table as the next delta; hosts that it does not name are removed. */
  apply(table: TableSketch): void
  /** The access log so far. */
  log(): readonly LogLine[]
  /** What went wrong in filters, oldest first. */
  readonly faults: readonly FilterFault[]
  readonly guard: FilterGuard
  /** The sum of a counter's or gauge's series with these labels; 0 when it was never touched. */
  counter(metric: string, labels?: Readonly<Record<string, string>>): number
  close(): Promise<void>
}

/** Makes the settings that these flags stand for. */
export function settingsOf(flags: readonly string[]): ProxySettings {
  const parsed = parseProxySettings({
    argv: ['--listen', '127.0.0.1:0', '--workers', '1', ...flags],
    env: {},
    readFile: () => '',
    availableCpus: 1,
    version: 'test',
  })
  if (parsed.kind !== 'run') throw new Error('the flags ask for a text')
  return parsed.settings
}

/** Starts a data plane on a free port of 127.0.0.1. */
export async function startInProcess(options: InProcessOptions = {}): Promise<InProcess> {
  const { clock = systemClock, random = () => 0, flags = [], isUnsynced = false, findKey } = options
  const messages = new Map<string, SlotsMessage>()
  const slots = createSlots((message) =>
    messages.set(keyOf(message.metric, message.labels), message),
  )
  const faults: FilterFault[] = []
  let lines = ''
  const accessLog = createAccessLog({
    format: 'json',
    slots,
    post: (message) => {
      Atomics.sub(new Int32Array(message.pending), 0, 1)
      lines += message.lines
    },
  })
  const kinds = new Map([...filterKinds, ...(options.kinds ?? []).map((k) => [k.kind, k] as const)])
  const own = (options.kinds ?? []).map(({ kind }) => kind)
  const guard = new FilterGuard({
    kinds: own,
    pulse: openPulse(createPulseMemory(own.length)),
    now: () => performance.now(),
    onFault: (fault) => void faults.push(fault),
  })
  const plane = new DataPlane({
    kinds,
    guard,
    onFilterFault: (fault) => void faults.push(fault),
    settings: settingsOf(flags),
    clock,
    random,
    randomBytes,
    recorder: createRecorder({ slots, accessLog }),
    handshakes: createHandshakeMeter(slots),
    ...(findKey && {
      onKeyWanted: (ref) => void findKey(ref).then((answer) => plane.setKey(ref, answer)),
    }),
    shared:
      options.shared ??
      openCounterTable({
        memory: createCounterMemory(1024),
        nowMicros: () => clock.now() * 1000,
      }),
    store: options.store,
  })
  const { port, tlsPort = 0 } = await plane.listen(0, 0, false)
  const tables = new TableSeries()
  if (!isUnsynced) plane.apply(tables.next(options))
  return {
    port,
    tlsPort,
    plane,
    apply: (table) => plane.apply(tables.next(table)),
    log() {
      accessLog.flush()
      return lines
        .split('\n')
        .filter((line) => line !== '')
        .map((line): LogLine => JSON.parse(line))
    },
    counter(metric, labels = {}) {
      const asked = Object.entries(labels)
      let sum = 0
      for (const message of messages.values()) {
        const isAsked = asked.every(([name, value]) => message.labels[name] === value)
        if (message.metric === metric && isAsked)
          sum += new Float64Array(message.page)[message.at] ?? 0
      }
      return sum
    },
    // No time to finish anything: what a test left open is cut.
    faults,
    guard,
    close: () => plane.finish(0),
  }
}

/** Turns whole tables into deltas from the one before. */
class TableSeries {
  #version = 0
  #hosts: ReadonlySet<string> = new Set()
  #upstreams: ReadonlySet<string> = new Set()
  #certified: ReadonlySet<string> = new Set()

  next({ routes = [{}], endpoints = {}, fallback, certificates = {} }: TableSketch): TableDelta {
    const full = routes.map(routeOf)
    const hosts = new Map<string, readonly Route[]>(Map.groupBy(full, (route) => route.match.host))
    for (const host of this.#hosts) if (!hosts.has(host)) hosts.set(host, [])
    const upstreams = new Map<string, { key: string; endpoints: readonly Endpoint[] } | undefined>(
      Object.entries(endpoints).map(([service, list]) => {
        const key = upstreamKey(service)
        return [key, { key, endpoints: list }]
      }),
    )
    for (const key of this.#upstreams) if (!upstreams.has(key)) upstreams.set(key, undefined)
    this.#hosts = new Set(full.map((route) => route.match.host))
    this.#upstreams = new Set(Object.keys(endpoints).map(upstreamKey))
    this.#version += 1
    const route = fallback === undefined ? undefined : routeOf(fallback)
    const refs = new Map(Object.entries(certificates).map(([host, of]) => [host, of.map(refOf)]))
    for (const host of this.#certified) if (!refs.has(host)) refs.set(host, [])
    this.#certified = new Set(Object.keys(certificates))
    return {
      version: this.#version,
      hosts,
      upstreams,
      fallback: { route },
      certificates: refs,
    }
  }
}

function refOf(secret: string): CertificateRef {
  const owner = { kind: 'Ingress', namespace: 'default', name: 'sketch' }
  return { secret, owner, field: 'spec.tls[0].secretName' }
}

function upstreamKey(service: string): string {
  return `default/${service}:80`
}
