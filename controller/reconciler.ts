// When to look again: at once (gathered for 200 ms) when something changed, soon while something is awaited, else every 30 s.
// Level-based: a pass reads the whole state, never the event behind it. One pass at a time.
import type { Clock } from '../shared/clock.ts'

export interface ReconcilerOptions {
  readonly clock: Clock
  /** One pass; resolves with true when it should be repeated soon. Must not reject. */
  readonly pass: () => Promise<boolean>
}

export interface Reconciler {
  start(): void
  /** Asks for a pass because something changed. */
  trigger(): void
  /** Resolves when the running pass is over; no further one begins. */
  stop(): Promise<void>
}

/** The full diff that heals whatever no event told of. */
const fullDiffEveryMs = 30_000
const debounceMs = 200
const soonMs = 3_000

export function createReconciler({ clock, pass }: ReconcilerOptions): Reconciler {
  let isStopped = false
  let isRunning = false
  let isTriggered = false
  let running: Promise<void> = Promise.resolve()
  let cancelTimer: () => void = () => {}

  function schedule(delayMs: number): void {
    cancelTimer()
    if (!isStopped) cancelTimer = clock.after(delayMs, run)
  }

  function run(): void {
    isRunning = true
    isTriggered = false
    running = pass().then((mustRepeat) => {
      isRunning = false
      schedule(isTriggered ? debounceMs : mustRepeat ? soonMs : fullDiffEveryMs)
    })
  }

  return {
    start: () => schedule(0),
    trigger() {
      // Events that follow do not move the moment: a stream of them must not put the pass off for ever.
      if (isTriggered) return
      isTriggered = true
      if (!isRunning) schedule(debounceMs)
    },
    async stop() {
      isStopped = true
      cancelTimer()
      await running
    },
  }
}
