// What have the annotations in Skipper's words asked for so far?
import type { BackendWish } from '../../eskip/filters/row.ts'
import type { Call, EskipRoute } from '../../eskip/language.ts'
import type { Filter } from '../../filters/kind.ts'
import type { Match } from '../../table.ts'
import type { BackendRef } from '../../upstreams/backend-ref.ts'

/** What an Ingress asks for in Skipper's words. */
export interface EskipDraft {
  /** Its filters, those of all keys in their order. */
  readonly calls?: readonly Call[]
  /** What they come to. */
  readonly eskip?: { readonly filters: readonly Filter[]; readonly backend: BackendWish }
  /** What its predicates say of the match besides conditions. */
  readonly match?: Partial<Match>
  /** Routes besides those of its rules, at each of their paths. */
  readonly routes?: readonly EskipRoute[]
  /** Services that rules of one path name share its requests by these weights. */
  readonly shares?: ReadonlyMap<string, number>
  /** What an ImplementationSpecific path is; absent: a prefix. */
  readonly pathMode?: 'kubernetes-ingress' | 'path-regexp'
  /** Another edge that serves all of it, by its own filters. */
  readonly forwardTo?: BackendRef
}
