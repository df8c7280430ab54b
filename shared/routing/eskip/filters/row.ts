// One filter of Skipper: its arguments, and what it becomes. The tables beside this file have a row for each; table.ts has them all.
import type {
  Balance,
  CircuitBreaker,
  EndpointLimit,
  Limits,
  RetryRules,
  SlowStart,
} from '../../backend.ts'
import type { Filter } from '../../filters/kind.ts'
import type { TemplateText } from '../../filters/template.ts'
import type { Args } from './args.ts'

/** What stands around a filter: it does not depend on the request. */
export interface FiltersContext {
  /** Of the object: what its filters name lives there. */
  readonly namespace: string
  /** Names the object among all objects: `Ingress/default/web`. Absent: limits are each route's own. */
  readonly owner?: string
  /** `--tokeninfo-url`; absent: filters that ask it cannot be served. */
  readonly tokeninfoUrl?: string
  /** `--allow-diagnostic-filters`: filters that slow down or break requests on purpose are served. */
  readonly allowsDiagnostics?: boolean
}

/** What a filter asks of its route, besides filters. What is absent it does not ask for. */
export interface BackendWish {
  readonly limits?: Limits
  readonly retry?: RetryRules
  readonly breaker?: CircuitBreaker | undefined
  readonly slowStart?: SlowStart
  readonly endpointLimit?: EndpointLimit
  /** Where the route's balance is by hash: what is hashed, and how much more than the average one endpoint takes. */
  readonly hashKey?: (Balance & { readonly kind: 'hash' })['key']
  readonly loadFactor?: number
  /** `<dynamic>` goes there: `http://10.0.0.1:8080`; scheme and host may come from different filters. */
  readonly dynamic?: { readonly scheme?: string; readonly host?: string }
  /** False: the upstream is asked for its own address instead of the client's Host. */
  readonly preservesHost?: boolean
}

/** What a call becomes. */
export interface Made {
  /** In the order in which they act. */
  readonly filters?: readonly Filter[]
  /** Act on the route as a whole, whoever answers. */
  readonly around?: readonly Filter[]
  readonly backend?: BackendWish
  /** Limits of the route refuse while the store does not answer. */
  readonly failsClosed?: true
  /** What of it counts for nothing, and why: one sentence. */
  readonly note?: string
}

/** What becomes of a filter. */
export type Verdict = 'served' | 'no effect' | 'refused'

/** One filter. */
export interface FilterRow {
  readonly name: string
  /** As documented: `name, value`; empty: it takes none. */
  readonly args: string
  readonly verdict: Verdict
  /** For owners and the document: what it does, what differs; of a refused one what to do instead. */
  readonly note: string
  /** Reads the arguments; throws an ArgumentFault. */
  read(args: Args, context: FiltersContext): Made
}

/** A filter that is served. */
export function served(
  name: string,
  args: string,
  note: string,
  read: FilterRow['read'],
): FilterRow {
  return { name, args, verdict: 'served', note, read }
}

/** A filter that changes no request and no response: it is accepted, and its owner is told. */
export function noEffect(name: string, note: string): FilterRow {
  return { name, args: '…', verdict: 'no effect', note, read: () => ({ note }) }
}

/** A filter that closes its route. */
export function refused(name: string, remedy: string): FilterRow {
  return { name, args: '…', verdict: 'refused', note: remedy, read: () => ({}) }
}

/** Filters in their order and nothing else. */
export function only(...filters: readonly Filter[]): Made {
  return { filters }
}

export type { TemplateText }
