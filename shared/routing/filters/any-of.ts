// Is one of several guards enough? Each in its order until one lets the request in, as nginx's `satisfy any` does.
//
// Invariant: nobody comes in whom all of them refuse; what is neither yes nor no (503, 500) ends the search: a guard that cannot
// be asked is not passed over.
// Invariant: fields for which another guard vouches than the one that lets in do not come from the client.
import { assetFaultOf } from './asset-fault.ts'
import { joinEdits } from './compile.ts'
import type {
  Cancel,
  Filter,
  FilterKind,
  RequestStep,
  RequestView,
  Stages,
  Verdict,
} from './kind.ts'

/** Lets in whom one of its filters lets in. */
export interface AnyOfFilter extends Filter {
  readonly kind: 'any-of'
  readonly filters: readonly Filter[]
}

const nothing = () => {}

/** Makes the kind; `guards` are those that may stand in it. */
export function anyOfKind(guards: readonly FilterKind[]): FilterKind<AnyOfFilter> {
  const kindOf = ({ kind }: Filter) => guards.find((guard) => guard.kind === kind)
  return {
    kind: 'any-of',
    isGuard: true,
    fault({ filters }) {
      if (filters.length === 0) return 'there is no guard'
      for (const filter of filters) {
        const kind = kindOf(filter)
        const fault = kind === undefined ? `${filter.kind} is no guard` : kind.fault(filter)
        if (fault !== undefined) return fault
      }
      return undefined
    },
    upstreams: ({ filters }) => filters.flatMap((each) => kindOf(each)?.upstreams?.(each) ?? []),
    assets: ({ filters }) => filters.flatMap((each) => kindOf(each)?.assets?.(each) ?? []),
    assetFault: ({ filters }, ref, data) =>
      assetFaultOf(filters, (kind) => guards.find((guard) => guard.kind === kind), ref, data),
    compile({ filters }, context) {
      const all = filters.map((each): Stages => kindOf(each)?.compile(each, context) ?? {})
      const vouched = filters.map((each) => kindOf(each)?.vouchesFor?.(each) ?? [])
      const steps = all.flatMap(({ request }) => request ?? [])
      const requestEdits = joinEdits(all.map((stages) => stages.requestEdits))
      return {
        // A guard that asks for nothing lets everybody in.
        ...(steps.length < all.length ? {} : { request: firstYes(steps, vouched) }),
        ...(requestEdits && { requestEdits }),
      }
    },
  }
}

/** `vouched`: for which fields each step vouches. */
function firstYes(
  steps: readonly RequestStep[],
  vouched: readonly (readonly string[])[],
): RequestStep {
  return {
    kind: 'async',
    timeoutMs: steps.reduce((sum, step) => sum + ('timeoutMs' in step ? step.timeoutMs : 0), 1000),
    onTimeout: 'auth-failed',
    start(request: RequestView, settle): Cancel {
      let cancel: Cancel = nothing
      let best: Verdict
      const askFrom = (index: number): void => {
        const step = steps[index]
        if (step === undefined) {
          settle(best)
          return
        }
        const take = (verdict: Verdict) => {
          if (verdict === undefined) dropOthers(request, vouched, index)
          if (verdict === undefined || weightOf(verdict) === 0) settle(verdict)
          else {
            if (best === undefined || weightOf(verdict) > weightOf(best)) best = verdict
            askFrom(index + 1)
          }
        }
        if (step.kind === 'sync') take(step.decide(request))
        else cancel = step.start(request, take)
      }
      askFrom(0)
      return () => cancel()
    },
  }
}

/** Drops the fields for which others vouch than the guard that lets in. */
function dropOthers(
  request: RequestView,
  vouched: readonly (readonly string[])[],
  index: number,
): void {
  for (const name of vouched.flatMap((names, other) => (other === index ? [] : names))) {
    request.dropField(name)
  }
}

/** Which refusal the client gets of several: where it can sign in, before a challenge, before a plain no. 0: it is none. */
function weightOf(verdict: Exclude<Verdict, undefined>): number {
  if (typeof verdict === 'string') return verdict === 'access-denied' ? 1 : 0
  switch (verdict.status) {
    case 403:
      return 1
    case 401:
      return 2
    case 302:
      return 3
    default:
      return 0
  }
}
