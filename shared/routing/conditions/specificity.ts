// Which of several routes at one path is asked first? The one that asks for more, as Gateway API orders the matches of
// HTTPRoutes: one with a method, then more headers, then more query parameters. Weir goes on with cookies, sources, times and
// shares. A route without conditions is last. What is equal here keeps the order it was given in: age, then namespace/name.
// Routes in Skipper's words have a weight instead; the heavier goes before the lighter, and before those without any.
import type { Condition } from './condition.ts'

/** What a route asks for beside its path. */
export interface Terms {
  /** Absent: none. */
  readonly conditions?: readonly Condition[] | undefined
  /** As of a match. */
  readonly weight?: number | undefined
}

/** What counts, in this order. */
const kinds = ['method', 'header', 'query', 'cookie', 'source', 'time', 'share'] as const

/** Compares two routes at one path: below 0 when `a` is asked first, above 0 when `b` is, 0 when neither says more. */
export function compareSpecificity(a: Terms, b: Terms): number {
  const byWeight = (b.weight ?? 0) - (a.weight ?? 0)
  if (byWeight !== 0) return byWeight
  const rank = rankOf(a)
  if (rank !== rankOf(b)) return rank - rankOf(b)
  return rank === counted ? compareCounts(a.conditions ?? [], b.conditions ?? []) : 0
}

const counted = 0

/** Of what weighs alike: conditions that are counted, conditions that a weight has counted (a share weighs nothing), none. */
function rankOf({ conditions = [], weight }: Terms): number {
  if (conditions.length === 0) return 2
  return weight === undefined ? counted : 1
}

function compareCounts(a: readonly Condition[], b: readonly Condition[]): number {
  for (const kind of kinds) {
    const difference = countOf(b, kind) - countOf(a, kind)
    if (difference !== 0) return difference
  }
  return 0
}

/** Negated conditions count as those that they negate. A second `method` says no more than one. */
function countOf(conditions: readonly Condition[], kind: (typeof kinds)[number]): number {
  const count = conditions.filter((condition) => kindOf(condition) === kind).length
  return kind === 'method' ? Math.min(count, 1) : count
}

function kindOf(condition: Condition): Condition['kind'] {
  return condition.kind === 'not' ? kindOf(condition.condition) : condition.kind
}
