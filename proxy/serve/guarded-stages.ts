// How do the stages of a filter of one's own look from outside? Like any other's, with the guard around each call.
//
// Invariant: a closed kind runs nothing: its routes answer `filter-closed` at its first stage.
import { isFailureCode } from '../../shared/routing/failure.ts'
import type {
  BodyStage,
  Cancel,
  CompileContext,
  Filter,
  FilterKind,
  RequestStep,
  ResponseStep,
  Stages,
  Verdict,
  WrapBody,
} from '../../shared/routing/filters/kind.ts'
import type { Route } from '../../shared/routing/table.ts'
import type { FilterGuard, FilterPlace } from './filter-guard.ts'
import { guardContext } from './guarded-context.ts'
import type { Step } from './step-runner.ts'

/** Compiles a filter for a route; one of one's own comes guarded. Throws what closes the route. */
export function compileGuarded(
  guard: FilterGuard,
  route: Pick<Route, 'owner' | 'match'>,
  kind: FilterKind,
  filter: Filter,
  context: CompileContext,
): Stages {
  const index = guard.indexOf(filter.kind)
  if (index === undefined) return kind.compile(filter, context)
  if (guard.isUncompiled(filter.kind)) throw new Error('it never returned before')
  const placeIn = (phase: FilterPlace['phase']): FilterPlace => ({
    filter: filter.kind,
    index,
    phase,
    route: { owner: route.owner, match: route.match },
  })
  const own = guardContext(guard, placeIn('callback'), context)
  const compile = () => checkedStages(kind.compile(filter, own))
  const stages = guard.run<Stages | undefined>(placeIn('compile'), compile, undefined)
  if (stages === undefined) throw new Error('it threw')
  const { request, response, requestBody, responseBody } = stages
  const hasCode = request ?? response ?? requestBody ?? responseBody
  return {
    ...stages,
    ...(hasCode && { request: guardRequest(guard, placeIn('request'), request) }),
    ...(response && { response: guardResponse(guard, placeIn('response'), response) }),
    ...(requestBody && { requestBody: guardBody(guard, placeIn('request-body'), requestBody) }),
    ...(responseBody && { responseBody: guardBody(guard, placeIn('response-body'), responseBody) }),
  }
}

/** What has no code for requests gets a step that closes its routes. */
function guardRequest(
  guard: FilterGuard,
  place: FilterPlace,
  step: RequestStep | undefined,
): RequestStep {
  return guardStep(guard, place, step ?? { kind: 'sync', decide: () => undefined })
}

function guardResponse(guard: FilterGuard, place: FilterPlace, step: ResponseStep): ResponseStep {
  return { includesOwn: step.includesOwn, ...guardStep(guard, place, step) }
}

function guardStep<View>(guard: FilterGuard, place: FilterPlace, step: Step<View>): Step<View> {
  const { filter } = place
  if (step.kind === 'sync') {
    return {
      kind: 'sync',
      decide(view) {
        // Of Weir's own page about it, too: a closed kind runs nothing.
        if (guard.isClosed(filter)) return place.phase === 'request' ? 'filter-closed' : undefined
        return guard.run(place, () => checkedVerdict(step.decide(view)), 'internal-error')
      },
    }
  }
  const { timeoutMs } = step
  const onTimeout = checkedVerdict(step.onTimeout)
  return { kind: 'async', timeoutMs, onTimeout, start: guardStart(guard, place, step) }
}

function guardStart<View>(
  guard: FilterGuard,
  place: FilterPlace,
  step: Step<View> & { readonly kind: 'async' },
): (view: View, settle: (verdict: Verdict) => void) => Cancel {
  return (view, settle) => {
    if (guard.isClosed(place.filter)) {
      settle(place.phase === 'request' ? 'filter-closed' : undefined)
      return () => {}
    }
    let isOver = false
    const end = () => {
      if (isOver) return false
      isOver = true
      guard.addWaiting(place.index, -1)
      return true
    }
    const fail = () => {
      if (end()) settle(step.onTimeout)
    }
    const waiting: FilterPlace = { ...place, fail }
    guard.addWaiting(place.index, 1)
    const start = () =>
      step.start(view, (verdict) => {
        const checked = checkedVerdict(verdict)
        guard.leave(() => {
          if (end()) settle(checked)
        })
      })
    const started = guard.run(waiting, () => ({ cancel: start() }), undefined)
    if (started === undefined) fail()
    return () => {
      end()
      // An async function gives a promise, which cannot be cancelled: what it settles later is ignored.
      const cancel: unknown = started?.cancel
      if (typeof cancel === 'function') guard.run(place, () => cancel(), undefined)
    }
  }
}

function guardBody<View>(
  guard: FilterGuard,
  place: FilterPlace,
  wrap: WrapBody<View>,
): WrapBody<View> {
  return (view, next, control) => {
    let hasFailed = false
    const fail = () => {
      if (hasFailed) return
      hasFailed = true
      control.fail('internal-error')
    }
    const own: FilterPlace = { ...place, fail }
    const make = () =>
      wrap(
        view,
        {
          write: (bytes) => guard.leave(() => next.write(bytes)),
          end: (trailers) => guard.leave(() => next.end(trailers)),
        },
        {
          resume: () => guard.leave(() => control.resume()),
          forgetLength: () => guard.leave(() => control.forgetLength()),
          fail: (code) => guard.leave(() => control.fail(code)),
        },
      )
    const made = guard.run<BodyStage | undefined | 'failed'>(own, make, 'failed')
    if (made === undefined) return undefined
    // The exchange cannot fail while its stages are put together: it does with the first bytes, or the end.
    const refuse = () => {
      fail()
      return false
    }
    if (made === 'failed') return { write: refuse, end: fail, abort: () => {} }
    return {
      write(bytes) {
        if (hasFailed) return false
        const mayGoOn = guard.run<boolean | undefined>(own, () => made.write(bytes), undefined)
        return mayGoOn ?? refuse()
      },
      end(trailers) {
        if (hasFailed) return
        const end = () => {
          made.end(trailers)
          return true
        }
        if (!guard.run(own, end, false)) fail()
      },
      abort: () => guard.run(own, () => made.abort(), undefined),
    }
  }
}

function checkedStages(stages: Stages): Stages {
  if (typeof stages !== 'object' || stages === null) throw new TypeError('compile gave no stages')
  return stages
}

/** What is no verdict is a fault of the filter, such as the promise of a function that should not be async. */
function checkedVerdict(verdict: Verdict): Verdict {
  if (verdict === undefined) return verdict
  const isVerdict =
    typeof verdict === 'string'
      ? isFailureCode(verdict)
      : Number.isInteger(verdict?.status) &&
        Array.isArray(verdict.headers) &&
        (typeof verdict.body === 'string' || Buffer.isBuffer(verdict.body))
  if (!isVerdict) {
    throw new TypeError('a verdict is undefined, the code of a failure, or an answer')
  }
  return verdict
}
