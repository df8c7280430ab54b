// How do the steps of a route's filters run, one after the other, when some of them have to wait?
//
// Invariant: `done` is called once per run, or never after a cancel; an answer that comes late, twice or after the deadline
// is ignored. Invariant: a step that throws or does not settle in time fails its request alone, and is reported by name.
import type { Clock } from '../../shared/clock.ts'
import type { Placed } from '../../shared/routing/filters/compile.ts'
import type { Cancel, Verdict } from '../../shared/routing/filters/kind.ts'

/** A step of requests or of responses, with what it looks at. */
export type Step<View> =
  | { readonly kind: 'sync'; decide(view: View): Verdict }
  | {
      readonly kind: 'async'
      readonly timeoutMs: number
      readonly onTimeout: Verdict
      start(view: View, settle: (verdict: Verdict) => void): Cancel
    }

/** What went wrong in a step of a filter. */
export interface StepFault {
  readonly filter: string
  readonly phase: 'request' | 'response'
  readonly reason: 'threw' | 'timed-out'
  readonly error?: unknown
}

/** Runs steps for one exchange, one run at a time. */
export class StepRunner {
  readonly #clock: Clock
  readonly #onFault: (fault: StepFault) => void
  /** Counts waits: a settlement of an earlier one is late. */
  #turn = 0
  #cancelWait: Cancel | undefined

  /** `onFault` is told which step threw, or did not settle in time. */
  constructor(clock: Clock, onFault: (fault: StepFault) => void) {
    this.#clock = clock
    this.#onFault = onFault
  }

  /** Runs all steps, or those up to the first verdict, and hands that over: at once when nothing waits. */
  run<View>(
    steps: readonly Placed<Step<View>>[],
    view: View,
    done: (verdict: Verdict) => void,
    from = 0,
  ): void {
    for (let index = from; index < steps.length; index += 1) {
      const placed = steps[index]
      if (placed === undefined) break
      const { step } = placed
      if (step.kind === 'async') {
        this.#wait(placed, step, view, (verdict) => {
          if (verdict === undefined) this.run(steps, view, done, index + 1)
          else done(verdict)
        })
        return
      }
      const verdict = this.#decide(placed, step, view)
      if (verdict !== undefined) {
        done(verdict)
        return
      }
    }
    done(undefined)
  }

  /** Ends a wait: the request is over. */
  cancel(): void {
    this.#turn += 1
    const cancel = this.#cancelWait
    this.#cancelWait = undefined
    cancel?.()
  }

  #decide<View>(
    placed: Placed<unknown>,
    step: Step<View> & { readonly kind: 'sync' },
    view: View,
  ): Verdict {
    try {
      return step.decide(view)
    } catch (error) {
      this.#report(placed, 'threw', error)
      return 'internal-error'
    }
  }

  #wait<View>(
    placed: Placed<unknown>,
    step: Step<View> & { readonly kind: 'async' },
    view: View,
    next: (verdict: Verdict) => void,
  ): void {
    this.#turn += 1
    const turn = this.#turn
    let cancelStep: Cancel | undefined
    let isSettled = false
    let stopTimer: Cancel | undefined
    const settle = (verdict: Verdict) => {
      if (isSettled || turn !== this.#turn) return
      isSettled = true
      stopTimer?.()
      this.#cancelWait = undefined
      next(verdict)
    }
    try {
      cancelStep = step.start(view, settle)
    } catch (error) {
      this.#report(placed, 'threw', error)
      settle(step.onTimeout)
    }
    // What settles at once needs no timer.
    if (isSettled) return
    stopTimer = this.#clock.after(step.timeoutMs, () => {
      this.#report(placed, 'timed-out')
      cancelStep?.()
      settle(step.onTimeout)
    })
    this.#cancelWait = () => {
      stopTimer?.()
      cancelStep?.()
    }
  }

  #report({ filter, phase }: Placed<unknown>, reason: StepFault['reason'], error?: unknown): void {
    this.#onFault({ filter, phase, reason, error })
  }
}
