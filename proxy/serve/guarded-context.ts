// What may a filter of one's own use? What any other may; what calls back runs as the filter's code, guarded.
import type { CompileContext } from '../../shared/routing/filters/kind.ts'
import type { FilterGuard, FilterPlace } from './filter-guard.ts'

/** The context with a guard between it and the filter. */
export function guardContext(
  guard: FilterGuard,
  place: FilterPlace,
  context: CompileContext,
): CompileContext {
  const { clock, store } = context
  const guarded = (run: () => void) => {
    const later = guard.later<undefined>(place, run)
    return () => later(undefined)
  }
  return {
    ...context,
    clock: {
      now: () => clock.now(),
      wallNow: () => clock.wallNow(),
      after(delayMs, run) {
        const own = guarded(run)
        return guard.leave(() => clock.after(delayMs, own))
      },
      every(intervalMs, run) {
        const own = guarded(run)
        return guard.leave(() => clock.every(intervalMs, own))
      },
    },
    call(upstream, request, onResult) {
      const own = guard.later(place, onResult)
      return guard.leave(() => context.call(upstream, request, own))
    },
    callHost(host, request, onResult) {
      const own = guard.later(place, onResult)
      return guard.leave(() => context.callHost(host, request, own))
    },
    asset: (ref, parse) =>
      context.asset(ref, (data) => {
        const parsed = guard.run(place, () => ({ value: parse(data) }), undefined)
        if (parsed === undefined) throw new Error(`${place.filter} cannot read ${ref.name}`)
        return parsed.value
      }),
    verifyPassword(hash, password, onResult) {
      const own = guard.later(place, onResult)
      return guard.leave(() => context.verifyPassword(hash, password, own))
    },
    publicKey(ref, onResult) {
      const own = guard.later(place, onResult)
      return guard.leave(() => context.publicKey(ref, own))
    },
    store: store && { run: (...question) => guard.leave(() => store.run(...question)) },
  }
}
