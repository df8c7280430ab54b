// Counts what held: one line per check, one figure per measurement, the sum at the end.
//
// Invariant: a check that throws fails and does not stop those after it.

/** Where a suite reports. */
export interface Checks {
  /** Runs one check; an error is its failure. A text that is returned is shown beside its name. */
  check(name: string, run: () => Promise<unknown>): Promise<void>
  /** Shows something worth knowing that is no check. */
  note(text: string): void
}

/** Checks of a whole run. */
export class Tally implements Checks {
  passed = 0
  failed = 0
  readonly #startedAtMs = performance.now()

  async check(name: string, run: () => Promise<unknown>): Promise<void> {
    const startedAtMs = performance.now()
    try {
      const shown = await run()
      this.passed += 1
      this.#print(`ok ${name}${typeof shown === 'string' ? ` (${shown})` : ''}`, startedAtMs)
    } catch (error) {
      this.failed += 1
      const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
      this.#print(`not ok ${name}\n${words}`, startedAtMs)
    }
  }

  note(text: string): void {
    this.#print(`# ${text}`)
  }

  #print(text: string, startedAtMs = performance.now()): void {
    const now = performance.now()
    const at = ((now - this.#startedAtMs) / 1000).toFixed(1)
    const took = now - startedAtMs > 1000 ? ` [${((now - startedAtMs) / 1000).toFixed(1)} s]` : ''
    console.log(`${at.padStart(6)} ${text}${took}`)
  }
}

/** Values at percentiles, `p50 1.2, p99 3.4 ms`. */
export function percentiles(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  const shown = [0.5, 0.99, 1].map((share) => (at(share) ?? Number.NaN).toFixed(1))
  return `p50 ${shown[0]} ms, p99 ${shown[1]} ms, max ${shown[2]} ms of ${values.length}`
}
