// Does a worker still answer? It beats with each tick; the control thread looks once a second.
//
// Invariant: one that has not begun to obey is not looked for: loading its modules takes as long as it takes.
// Invariant: looks are counted, not time: a machine that slept, or a process that was stopped, loses no worker by it.

/** How often the control thread looks. */
export const lookMs = 1000

/** Watches one worker. */
export class StuckWatch {
  readonly #maxLooks: number
  #beats = -1
  #looks = 0

  /** It is stuck after so many seconds without a beat. */
  constructor(stuckSeconds: number) {
    this.#maxLooks = Math.ceil((stuckSeconds * 1000) / lookMs)
  }

  /** Takes the number of beats so far, once per look; true when it is stuck. */
  look(beats: number): boolean {
    this.#looks = beats > 0 && beats === this.#beats ? this.#looks + 1 : 0
    this.#beats = beats
    return this.#looks >= this.#maxLooks
  }
}
