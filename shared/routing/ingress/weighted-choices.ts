// Which Services share the requests of a rule? Its own one, and those that `weir.dev/weights` names beside it.
import type { Choice } from '../backend.ts'
import { type BackendName, type BackendRef, refOf, spokenAs } from '../upstreams/backend-ref.ts'
import type { SpokenAs } from '../upstreams/upstream-protocol.ts'

/** One Service of the Ingress's own namespace and its share. */
export interface WeightedService {
  readonly service: string
  readonly port: number | string
  /** A whole number ≥ 0, relative to the others. */
  readonly weight: number
}

/** What a rule may choose among, and the Services that this names; the first is the rule's own. */
export interface RuleChoices {
  readonly choices: readonly Choice[]
  readonly backends: readonly BackendRef[]
  /** The rule's Service is one of the weighted ones. */
  readonly isWeighted: boolean
}

/**
 * Makes the choices of a rule with `backend`: all of `weights` when its Service and port are one of them, else its own
 * alone; `speechOf` says how each is spoken to.
 */
export function chooseForRule(
  backend: BackendRef,
  weights: readonly WeightedService[] | undefined,
  speechOf?: (backend: BackendName) => SpokenAs,
): RuleChoices {
  const spoken = (ref: BackendRef) => {
    const speech = speechOf?.(ref)
    return speech === undefined ? ref : spokenAs(ref, speech)
  }
  const own = spoken(backend)
  const { namespace, service } = backend
  const { key } = own
  if (weights?.some((one) => isSameBackend(one, backend)) !== true) {
    const choices = [{ upstream: key, service, weight: 1 }]
    return { choices, backends: [own], isWeighted: false }
  }
  const refs = weights.map((one) =>
    spoken(refOf({ namespace, service: one.service, port: one.port })),
  )
  return {
    choices: weights.map((one, at) => ({
      upstream: refs[at]?.key ?? '',
      service: one.service,
      weight: one.weight,
    })),
    backends: [own, ...refs.filter((ref) => ref.key !== key)],
    isWeighted: true,
  }
}

/** Says whether both may name one port: a number and a name are compared only by the Service itself. */
function isSameBackend(one: WeightedService, { service, port }: BackendRef): boolean {
  return one.service === service && (typeof one.port !== typeof port || one.port === port)
}
