// Which routes do all Ingresses together give, and which backends do these need?
//
// Invariant: depends on Ingresses and classes only, never on Services: endpoints change far more often than rules.
import type { Problem } from '../problem.ts'
import { settle } from './conflicts.ts'
import type { Filter } from './filters/kind.ts'
import { filterKinds } from './filters/kinds.ts'
import type { Claim, IngressReading } from './ingress/claims.ts'
import type { Route } from './table.ts'
import type { BackendRef } from './upstreams/backend-ref.ts'

/** A backend that some route needs, with the claims that won with it. */
export interface BackendUse {
  readonly ref: BackendRef
  readonly claims: readonly Claim[]
}

export interface MergedIngresses {
  readonly routes: readonly Route[]
  /** In the order of first use; each key once. */
  readonly uses: readonly BackendUse[]
  /** Of the Ingresses themselves, then conflicts between them. */
  readonly problems: readonly Problem[]
}

/** Merges what was read from each Ingress that is ours. */
export function mergeReadings(readings: readonly IngressReading[]): MergedIngresses {
  const settlement = settle(readings.map((reading) => reading.claims))
  const uses = new Map<string, { ref: BackendRef; claims: Claim[] }>()
  for (const claim of settlement.winners) {
    for (const ref of [claim.backend, ...upstreamsOf(claim.route.filters)]) {
      const use = uses.get(ref.key)
      if (use === undefined) uses.set(ref.key, { ref, claims: [claim] })
      else use.claims.push(claim)
    }
  }
  return {
    routes: settlement.winners.map((claim) => claim.route),
    uses: [...uses.values()],
    problems: [...readings.flatMap((reading) => reading.problems), ...settlement.problems],
  }
}

/** The Services that filters call. */
function upstreamsOf(filters: readonly Filter[]): readonly BackendRef[] {
  if (filters.length === 0) return noRefs
  return filters.flatMap((filter) => filterKinds.get(filter.kind)?.upstreams?.(filter) ?? [])
}

const noRefs: readonly BackendRef[] = []
