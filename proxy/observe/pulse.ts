// Is a worker alive, and which filter of one's own runs in it now? A few numbers that it shares with the control thread.
//
//   beats | running: 0, or 1 + index of the kind, negative while it is being compiled | one number of waiting steps per kind
//
// Invariant: one thread writes, the other reads: a worker that never returns has said before whose code it is in.

const beatsAt = 0
const runningAt = 1
const firstWaitingAt = 2

/** The writing side: a worker's. */
export interface Pulse {
  /** Called with each tick. */
  beat(): void
  /** What runs now; the one before is to be put back when it ends. */
  running: number
  /** A step of the kind begins (1) or ends (-1) to wait. */
  addWaiting(index: number, change: 1 | -1): void
}

/** What a worker is busy with, as the control thread sees it. */
export interface Busy {
  /** The kind whose code runs; undefined: none. */
  readonly running: string | undefined
  readonly isCompiling: boolean
  /** Kinds with steps that wait: code of theirs may run on its own, in a timer or behind a promise. */
  readonly waiting: readonly string[]
}

/** Makes the memory for one worker with so many kinds of one's own. */
export function createPulseMemory(kinds: number): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * (firstWaitingAt + kinds))
}

/** Opens the memory to write. */
export function openPulse(memory: SharedArrayBuffer): Pulse {
  const cells = new Int32Array(memory)
  return {
    beat: () => void Atomics.add(cells, beatsAt, 1),
    // Only this thread writes: a plain read sees its own last word.
    get running() {
      return cells[runningAt] ?? 0
    },
    set running(value) {
      Atomics.store(cells, runningAt, value)
    },
    addWaiting: (index, change) => void Atomics.add(cells, firstWaitingAt + index, change),
  }
}

/** How often the worker has ticked. */
export function beatsOf(memory: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(memory), beatsAt)
}

/** What the worker is busy with; `kinds` in the order of its indexes. */
export function busyOf(memory: SharedArrayBuffer, kinds: readonly string[]): Busy {
  const cells = new Int32Array(memory)
  const running = Atomics.load(cells, runningAt)
  return {
    running: running === 0 ? undefined : kinds[Math.abs(running) - 1],
    isCompiling: running < 0,
    waiting: kinds.filter((_, index) => Atomics.load(cells, firstWaitingAt + index) > 0),
  }
}
