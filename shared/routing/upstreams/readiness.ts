// Which of the endpoints that slices show take requests now? (Kubernetes: EndpointSlice conditions, KEP-1672.)
//
//   ready (nil = ready) and not terminating      takes requests, serving or not
//   ready or serving, and terminating            only while none of those is there: the last resort of kube-proxy, too
//   anything else                                takes none
//
// `ready` is the word of whoever owns the endpoint: a Service with publishNotReadyAddresses says it of pods that are not
// serving, and of pods that terminate (kubernetes/kubernetes issue 116285).
// Invariant: each address and port comes out once, in an order that does not depend on the slices' order.

import { mappingOf } from '../shapes.ts'
import type { Endpoint, Places } from '../table.ts'

/** One endpoint as one slice shows it. */
export interface Sighting {
  readonly address: string
  readonly port: number
  readonly conditions: unknown
  readonly places?: Places | undefined
}

interface State {
  readonly endpoint: Endpoint
  isReady: boolean
  isServing: boolean
  isTerminating: boolean
}

/** Merges all sightings. While a pod moves between slices it may be in two: terminating in one means terminating. */
export function decideEndpoints(sightings: readonly Sighting[]): readonly Endpoint[] {
  const states = new Map<string, State>()
  for (const { address, port, conditions, places } of sightings) {
    const { ready, serving, terminating } = mappingOf(conditions)
    const id = `${address} ${port}`
    let state = states.get(id)
    if (state === undefined) {
      state = {
        endpoint: places === undefined ? { address, port } : { address, port, places },
        isReady: false,
        isServing: false,
        isTerminating: false,
      }
      states.set(id, state)
    }
    const isReady = ready !== false
    state.isReady ||= isReady
    state.isServing ||= isReady || serving === true
    state.isTerminating ||= terminating === true
  }
  const ordered = [...states].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, state]) => state)
  const ready = ordered.filter((state) => state.isReady && !state.isTerminating)
  const chosen =
    ready.length > 0 ? ready : ordered.filter((state) => state.isServing && state.isTerminating)
  return chosen.map((state) => state.endpoint)
}
