// How much later does a request go on, or a response? For tests of what applications do when others are slow.
//
// Invariant: nobody is held up for longer than `maxDelayMs`, and who goes away is let go at once.
import type { Clock } from '../../clock.ts'
import type { Cancel, Filter, FilterKind, Stages } from './kind.ts'

/** Holds up each request, or each response. */
export interface DelayFilter extends Filter {
  readonly kind: 'delay'
  readonly on: 'request' | 'response'
  /** In ms. `uniform`: between `meanMs` − `spreadMs` and `meanMs` + `spreadMs`; `normal`: with that standard deviation. */
  readonly by: 'uniform' | 'normal'
  readonly meanMs: number
  /** 0: always `meanMs`. */
  readonly spreadMs: number
}

const maxDelayMs = 60_000

export const delayKind: FilterKind<DelayFilter> = {
  kind: 'delay',
  fault: ({ meanMs, spreadMs }) =>
    meanMs >= 0 && meanMs <= maxDelayMs && spreadMs >= 0 && spreadMs <= maxDelayMs
      ? undefined
      : 'times must be 0 to 1 minute',
  compile(filter, { clock, random }): Stages {
    const wait = (settle: (verdict: undefined) => void) =>
      waiting(clock, draw(filter, random), settle)
    const step = {
      kind: 'async',
      timeoutMs: maxDelayMs + 1000,
      onTimeout: undefined,
      start: (_view: unknown, settle: (verdict: undefined) => void): Cancel => wait(settle),
    } as const
    return filter.on === 'request'
      ? { request: step }
      : { response: { ...step, includesOwn: true } }
  },
}

function waiting(clock: Clock, ms: number, settle: (verdict: undefined) => void): Cancel {
  return clock.after(ms, () => settle(undefined))
}

function draw({ by, meanMs, spreadMs }: DelayFilter, random: () => number): number {
  // Box and Muller, 1958.
  const deviation =
    by === 'uniform'
      ? random() * 2 - 1
      : Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return Math.min(Math.max(meanMs + deviation * spreadMs, 0), maxDelayMs)
}
