// What may the filters of a route use in this worker?
import type { CompileContext } from '../../shared/routing/filters/kind.ts'
import type { WorkerState } from './worker-state.ts'

/** Makes the context in which a route's filters are compiled. */
export function createCompileContext(
  worker: Pick<WorkerState, 'clock' | 'random'>,
  routeKey: string,
): CompileContext {
  const { clock, random } = worker
  return {
    clock,
    random,
    routeKey,
    call: (_upstream, _request, onResult) => {
      onResult({ failure: 'service-missing' })
      return () => {}
    },
    asset: () => ({ value: undefined }),
    shared: { take: () => 0 },
    store: undefined,
  }
}
