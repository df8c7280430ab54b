// Which filters of one's own are closed, because they held up the threads that all routes share? Pure: time comes as numbers.
//
//   open ─► 3 s of a minute in one worker, or a worker that never came back ─► closed ─► pause ─► open (tried again)
//
// Invariant: one call alone closes nothing unless it never returned: a machine that stood still for a moment is no filter's
// fault. What does it again after its pause is closed twice as long.

/** When a filter is closed, and for how long. Times in ms. */
export interface QuarantineRules {
  readonly windowMs: number
  /** A filter may hold one worker's thread for so long in a window, in calls that are reported. */
  readonly heldMs: number
  readonly minCalls: number
  readonly firstPauseMs: number
  readonly maxPauseMs: number
  /** What was open so long since its last pause begins anew. */
  readonly forgiveMs: number
}

/** 5 % of a thread's time: what is slow now and then is reported only, and a thread that the system takes away is no reason. */
export const quarantineRules: QuarantineRules = {
  windowMs: 60_000,
  heldMs: 3000,
  minCalls: 2,
  firstPauseMs: 60_000,
  maxPauseMs: 960_000,
  forgiveMs: 1_800_000,
}

interface Call {
  readonly worker: number
  readonly ms: number
  readonly at: number
}

interface State {
  calls: Call[]
  /** Closed until then; in the past: open. */
  until: number
  pauseMs: number
  isClosed: boolean
}

/** Keeps which filters are closed. */
export class FilterQuarantine {
  readonly #rules: QuarantineRules
  readonly #states = new Map<string, State>()

  constructor(rules: QuarantineRules = quarantineRules) {
    this.#rules = rules
  }

  /** A filter held a worker's thread for `ms`; returns for how long it is closed now, in ms, or undefined. */
  noteBlocked(filter: string, worker: number, ms: number, now: number): number | undefined {
    const { windowMs, heldMs, minCalls } = this.#rules
    const state = this.#stateOf(filter)
    if (state.isClosed) return undefined
    state.calls = state.calls.filter(({ at }) => now - at < windowMs)
    state.calls.push({ worker, ms, at: now })
    const calls = state.calls.filter((call) => call.worker === worker)
    const held = calls.reduce((sum, call) => sum + call.ms, 0)
    return calls.length >= minCalls && held >= heldMs ? this.#close(state, now) : undefined
  }

  /** A worker never came back from a filter; returns for how long it is closed now, in ms, or undefined when it was already. */
  noteStuck(filter: string, now: number): number | undefined {
    const state = this.#stateOf(filter)
    return state.isClosed ? undefined : this.#close(state, now)
  }

  /** Opens those whose pause is over, and names them. */
  open(now: number): readonly string[] {
    const opened = [...this.#states].filter(([, state]) => state.isClosed && now >= state.until)
    for (const [, state] of opened) state.isClosed = false
    return opened.map(([filter]) => filter)
  }

  /** Filters that are closed. */
  get closed(): readonly string[] {
    return [...this.#states].filter(([, { isClosed }]) => isClosed).map(([filter]) => filter)
  }

  #stateOf(filter: string): State {
    let state = this.#states.get(filter)
    if (state === undefined) {
      state = { calls: [], until: Number.NEGATIVE_INFINITY, pauseMs: 0, isClosed: false }
      this.#states.set(filter, state)
    }
    return state
  }

  #close(state: State, now: number): number {
    const { firstPauseMs, maxPauseMs, forgiveMs } = this.#rules
    const isNew = now - state.until >= forgiveMs
    state.pauseMs = isNew ? firstPauseMs : Math.min(state.pauseMs * 2, maxPauseMs)
    state.until = now + state.pauseMs
    state.isClosed = true
    state.calls = []
    return state.pauseMs
  }
}
