// Which of the endpoints that slices show take requests now? (Kubernetes: EndpointSlice conditions, KEP-1672.)
//
//   ready (nil = ready)                          takes requests, whatever the other two say
//   serving and terminating                      only while nothing is ready: the last resort of kube-proxy, too
//   anything else                                takes none
//
// `ready` is the word of whoever owns the endpoint: a Service with publishNotReadyAddresses says it of pods that are not
// serving or terminate (kubernetes/kubernetes issue 116285).
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
  /** One slice says that it terminates and is not ready. */
  isLeaving: boolean
}

/** Merges all sightings. While a pod moves between slices it may be in two: leaving in one means leaving. */
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
        isLeaving: false,
      }
      states.set(id, state)
    }
    const isReady = ready !== false
    state.isReady ||= isReady
    state.isServing ||= typeof serving === 'boolean' ? serving : isReady
    state.isTerminating ||= terminating === true
    state.isLeaving ||= terminating === true && !isReady
  }
  const ordered = [...states].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, state]) => state)
  const ready = ordered.filter((state) => state.isReady && !state.isLeaving)
  const chosen =
    ready.length > 0 ? ready : ordered.filter((state) => state.isServing && state.isTerminating)
  return chosen.map((state) => state.endpoint)
}
