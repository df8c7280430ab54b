// What may the filters of a route use in this worker?
import type { CompileContext, RoutePlace } from '../../shared/routing/filters/kind.ts'
import type { LiveUpstream } from '../upstream/live-upstream.ts'
import { startCall } from './call.ts'
import { type LiveForward, plainForward } from './live-route.ts'
import { openUpstream } from './open-upstream.ts'
import type { WorkerState } from './worker-state.ts'

/** Makes the context in which a route's filters are compiled; `upstream` finds one by its key. */
export function createCompileContext(
  worker: WorkerState,
  routeKey: string,
  place: RoutePlace,
  upstream: (key: string) => LiveUpstream,
): CompileContext {
  const { clock, random, workers, shared, store } = worker
  const forwards = new Map<string, LiveForward>()
  function forwardTo(key: string, timeoutMs: number): LiveForward {
    const live = upstream(key)
    const known = forwards.get(key)
    if (known?.destination.only?.upstream === live && known.readMs === timeoutMs) return known
    const made = plainForward(live, timeoutMs)
    forwards.set(key, made)
    return made
  }
  return {
    clock,
    random,
    routeKey,
    place,
    spans: worker.spans,
    workers,
    call: (key, request, onResult) =>
      startCall(worker, forwardTo(key, request.timeoutMs), request, onResult),
    callHost(host, request, onResult) {
      const key = openUpstream(worker, host, request.target)
      if (key !== '') return startCall(worker, forwardTo(key, request.timeoutMs), request, onResult)
      queueMicrotask(() => onResult({ failure: 'no-route' }))
      return () => {}
    },
    asset: (ref, parse) => worker.assets.live(ref, parse),
    verifyPassword: (hash, password, onResult) => worker.passwords.verify(hash, password, onResult),
    publicKey: (ref, onResult) => worker.keys.find(ref, onResult),
    shared,
    store,
  }
}
