// Does a request go to the route's alternative instead of the choice that it would have? By the rules, else by a draw.
//
// Invariant: only while both have endpoints. The alternative stands in for nobody: a route whose own Service is gone is gone
// (503), and one whose alternative is gone serves as if it had none.
import type { Alternative } from '../../shared/routing/backend.ts'
import { compileConditions } from '../../shared/routing/conditions/compile.ts'
import type { ConditionContext } from '../../shared/routing/conditions/kind.ts'
import type { RequestView } from '../../shared/routing/filters/kind.ts'
import type { LiveUpstream } from './live-upstream.ts'

/** What an alternative is compiled with. */
export interface AlternativeContext {
  /** In [0, 1). */
  readonly random: () => number
  readonly conditions: ConditionContext
}

/** Makes the question whether the alternative takes a request; without a view only the draw decides. */
export function compileAlternative(
  { rules, share }: Alternative,
  { random, conditions }: AlternativeContext,
): (view: RequestView | undefined) => boolean {
  const questions = rules.map(({ when, takes }) => ({
    takes,
    // Never undefined: there is a condition.
    asks: compileConditions([when], conditions)?.[0] ?? (() => false),
  }))
  return (view) => {
    if (view !== undefined) {
      for (const { asks, takes } of questions) if (asks(view)) return takes
    }
    return random() < share
  }
}

/** Says whether both can take requests. */
export function areServing(
  one: LiveUpstream | undefined,
  other: LiveUpstream | undefined,
): boolean {
  return one !== undefined && other !== undefined && one.pools.length * other.pools.length > 0
}
