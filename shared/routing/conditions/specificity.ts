// Which of several routes at one path is asked first? The one that asks for more, as Gateway API orders the matches of
// HTTPRoutes: one with a method, then more headers, then more query parameters. Weir goes on with cookies, sources, times and
// shares. A route without conditions is last. What is equal here keeps the order it was given in: age, then namespace/name.
import type { Condition } from './condition.ts'

/** What counts, in this order. */
const kinds = ['method', 'header', 'query', 'cookie', 'source', 'time', 'share'] as const

/** Compares two routes at one path: below 0 when `a` is asked first, above 0 when `b` is, 0 when the conditions do not decide. */
export function compareSpecificity(a: readonly Condition[], b: readonly Condition[]): number {
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
