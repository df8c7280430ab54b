// Which addresses do Services of type ExternalName have now? Runs in the control thread; the workers see endpoints only.
//
//   table names a host ──► resolve ──ok──► serve for its TTL, ask again when 80 % of it are over ─┐
//                             └─failed──► keep what was known, ask again after 5, 10, … 60 s ◄────┘
//
// Invariant: an answer is never given up for a failure: the last addresses are served until the table drops the name.
// Invariant: a name that gives no address at all is a problem of the Services that name it, until it does.
// Invariant: an upstream whose addresses did not change is the same reference as before, so that deltas stay small.
import { isIP } from 'node:net'
import type { Clock } from '../../../shared/clock.ts'
import type { Log } from '../../../shared/log.ts'
import type { Problem } from '../../../shared/problem.ts'
import { linkOnly, neverUnasked } from '../../../shared/reserved-addresses.ts'
import {
  differences,
  emptyMap,
  type ShardedMap,
  withEntries,
} from '../../../shared/routing/sharded-map.ts'
import type { Endpoint, ExternalHost, RouteTable, Upstream } from '../../../shared/routing/table.ts'

/** One address of a host and how long it may be used. */
export interface ResolvedAddress {
  readonly address: string
  readonly ttlSeconds: number
}

/** What external names need. */
export interface ExternalNamesOptions {
  readonly clock: Clock
  readonly log: Log
  /** Looks up all addresses of a host now; rejects, or gives none, when there is no answer. */
  readonly resolve: (host: string) => Promise<readonly ResolvedAddress[]>
  /** Some upstream has other addresses, or a problem came up: complete the table again. */
  readonly onChange: () => void
}

/** Keeps the addresses of external names fresh. */
export interface ExternalNames {
  /** Fills in the endpoints of upstreams with an external name from what is known now; forgets names not in the table. */
  complete(table: RouteTable): RouteTable
  /** Services of the last completed table whose host gives no address. */
  problems(): readonly Problem[]
  /** Asks no more; what is known stays. */
  stop(): void
}

const minTtlSeconds = 5
const maxTtlSeconds = 300
const refreshAtShare = 0.8
const firstBackOffMs = 5_000
const maxBackOffMs = 60_000

/** One host that the table names. There are as many as `--external-names` lists, at most. */
interface Name {
  readonly host: string
  /** Sorted; a new array exactly when they changed. */
  addresses: readonly string[]
  /** Failures in a row. */
  failures: number
  isForgotten: boolean
  cancelTimer: () => void
}

/** An upstream whose addresses are those of a host. */
interface NamedSource {
  readonly source: Upstream
  readonly named: ExternalHost
}

/** What an upstream became, and of what it was made. */
interface Completed {
  readonly source: Upstream
  readonly addresses: readonly string[]
  readonly upstream: Upstream
}

const noAddresses: readonly string[] = []

/** Creates external names; nothing is looked up before a table names a host. */
export function createExternalNames(options: ExternalNamesOptions): ExternalNames {
  const { clock, log, resolve, onChange } = options
  const names = new Map<string, Name>()
  /** The upstreams of the last table as they came, and those of them that have an external name. */
  let translated: ShardedMap<Upstream> = emptyMap()
  const sources = new Map<string, NamedSource>()
  let completed = new Map<string, Completed>()
  let isStopped = false

  async function refresh(name: Name): Promise<void> {
    let answers: readonly ResolvedAddress[] = []
    let error: unknown
    try {
      answers = (await resolve(name.host)).filter(({ address }) => isIP(address) !== 0)
    } catch (thrown) {
      error = thrown
    }
    if (name.isForgotten || isStopped) return
    if (answers.length === 0) noteFailure(name, error)
    else noteAnswer(name, answers)
  }

  function noteAnswer(name: Name, answers: readonly ResolvedAddress[]): void {
    const addresses = [...new Set(answers.map(({ address }) => address))].sort()
    if (name.failures > 0) log.info({ host: name.host, addresses }, 'external name answers again')
    name.failures = 0
    const ttlSeconds = Math.min(...answers.map((answer) => answer.ttlSeconds))
    const keptMs = Math.min(Math.max(ttlSeconds, minTtlSeconds), maxTtlSeconds) * 1000
    askAgain(name, keptMs * refreshAtShare)
    if (isSameList(addresses, name.addresses)) return
    name.addresses = addresses
    onChange()
  }

  function noteFailure(name: Name, error: unknown): void {
    const isFirst = name.failures === 0
    const { host, addresses } = name
    if (isFirst) {
      log.warn({ host, addresses, error }, 'external name does not answer: keeps its addresses')
    }
    askAgain(name, Math.min(firstBackOffMs * 2 ** name.failures, maxBackOffMs))
    name.failures += 1
    if (isFirst && addresses.length === 0) onChange()
  }

  function askAgain(name: Name, delayMs: number): void {
    name.cancelTimer = clock.after(delayMs, () => void refresh(name))
  }

  function addressesOf(host: string): readonly string[] {
    const known = names.get(host)
    if (known !== undefined) return known.addresses
    if (isStopped) return noAddresses
    const name: Name = {
      host,
      addresses: noAddresses,
      failures: 0,
      isForgotten: false,
      cancelTimer: () => undefined,
    }
    names.set(host, name)
    void refresh(name)
    return noAddresses
  }

  function completeOne(source: Upstream, named: ExternalHost): Completed {
    const addresses = addressesOf(named.host)
    const before = completed.get(source.key)
    if (before?.source === source && before.addresses === addresses) return before
    const endpoints = endpointsOf(named, addresses)
    return { source, addresses, upstream: { ...source, endpoints } }
  }

  /** Nearly no upstream has an external name: those that have are known, so that a change does not look at all of them. */
  function noteChanges(upstreams: ShardedMap<Upstream>): void {
    for (const [key, , source] of differences(translated, upstreams)) {
      if (source?.externalName === undefined) sources.delete(key)
      else sources.set(key, { source, named: source.externalName })
    }
    translated = upstreams
  }

  return {
    complete(table) {
      noteChanges(table.upstreams)
      const next = new Map<string, Completed>()
      const hosts = new Set<string>()
      for (const [key, { source, named }] of sources) {
        next.set(key, completeOne(source, named))
        hosts.add(named.host)
      }
      completed = next
      for (const [host, name] of names) {
        if (hosts.has(host)) continue
        names.delete(host)
        forget(name)
      }
      if (next.size === 0) return table
      const filled = [...next].map(([key, { upstream }]) => [key, upstream] as const)
      return { ...table, upstreams: withEntries(table.upstreams, filled) }
    },
    problems() {
      // In one order for all proxies; the maps of the table have none.
      const inOrder = [...completed.values()].sort((a, b) => (a.source.key < b.source.key ? -1 : 1))
      return inOrder.flatMap(({ source }) => {
        const name = names.get(source.externalName?.host ?? '')
        const isUnknown = name !== undefined && name.failures > 0 && name.addresses.length === 0
        return isUnknown ? [unresolved(source, name.host)] : []
      })
    },
    stop() {
      isStopped = true
      for (const name of names.values()) name.cancelTimer()
    },
  }
}

/** What an Ingress asks for never goes to the addresses of a link, nor, unless the operator names it, to this machine. */
function endpointsOf(
  { host, port, scheme, isUnlisted, ...rest }: ExternalHost,
  addresses: readonly string[],
): readonly Endpoint[] {
  const closed = isUnlisted === true ? neverUnasked : linkOnly
  const usable = scheme === undefined ? addresses : addresses.filter((each) => !closed.has(each))
  const ofUrl = scheme === 'https' && rest.tls === undefined ? { serverName: host } : {}
  return usable.map((address) => ({ address, port, ...ofUrl, ...rest }))
}

function unresolved({ key, externalName }: Upstream, host: string): Problem {
  if (externalName?.scheme !== undefined) {
    return {
      reason: 'external-name-unresolved',
      kind: 'URL',
      namespace: '',
      name: key,
      field: '',
      message: `The host ${JSON.stringify(host)} has no address: DNS does not know it or does not answer. What asks it answers 503.`,
      remedy:
        'Check the URLs of weir.dev/auth-url and weir.dev/jwt-keys; the name is looked up without search domains.',
    }
  }
  // Behind a space the key says how the endpoints are spoken to.
  const [port = ''] = key.split(' ', 1)
  const [namespace = '', name = ''] = port.slice(0, port.lastIndexOf(':')).split('/')
  return {
    reason: 'external-name-unresolved',
    kind: 'Service',
    namespace,
    name,
    field: 'spec.externalName',
    message: `The host ${JSON.stringify(host)} has no address: DNS does not know it or does not answer.`,
    remedy:
      'Write the whole name, such as web.shop.svc.cluster.local: it is looked up as it is, without search domains.',
  }
}

function forget(name: Name): void {
  name.isForgotten = true
  name.cancelTimer()
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}
