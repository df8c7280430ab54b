// How long may the body of a request take to come, and that of its response to go?
//
// Invariant: a body whose time is over never looks whole: the request fails, a response that has begun is cut.
import type { Clock } from '../../clock.ts'
import type { FailureCode } from '../failure.ts'
import type { BodyControl, BodySink, BodyStage, Filter, FilterKind, Stages } from './kind.ts'

/** Bounds bodies in time; what is absent is not bounded by it. */
export interface TimeLimitsFilter extends Filter {
  readonly kind: 'time-limits'
  readonly requestMs?: number
  readonly responseMs?: number
}

export const timeLimitsKind: FilterKind<TimeLimitsFilter> = {
  kind: 'time-limits',
  fault: ({ requestMs = 1, responseMs = 1 }) =>
    requestMs >= 1 && responseMs >= 1 ? undefined : 'a time must be 1 ms or more',
  compile({ requestMs, responseMs }, { clock }): Stages {
    return {
      ...(requestMs !== undefined && {
        requestBody: (request, next, control) =>
          request.bodyLength === 0
            ? undefined
            : bounded(clock, requestMs, 'request-timeout', next, control),
      }),
      ...(responseMs !== undefined && {
        responseBody: (response, next, control) =>
          response.bodyLength === 0
            ? undefined
            : bounded(clock, responseMs, 'deadline-exceeded', next, control),
      }),
    }
  },
}

function bounded(
  clock: Clock,
  ms: number,
  code: FailureCode,
  next: BodySink,
  control: BodyControl,
): BodyStage {
  const stop = clock.after(ms, () => control.fail(code))
  return {
    write: (bytes) => next.write(bytes),
    end(trailers) {
      stop()
      next.end(trailers)
    },
    abort: stop,
  }
}
