// How long does one call take? A plain loop after a warm-up, the best of several rounds: on a shared machine the least
// disturbed round is the one that speaks of the code.

const rounds = 7
const roundMs = 60

/** Prints and returns the ns per call of `run`, which gets a counting number and must return something (so that it is not optimised away). */
export function measure(name: string, run: (i: number) => unknown): number {
  let calls = 1000
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round += 1) {
    const ns = timeNs(run, calls)
    // The first rounds only warm up and find how many calls fill a round.
    if (round >= 2) best = Math.min(best, ns)
    calls = Math.max(1000, Math.round((roundMs * 1e6) / Math.max(ns, 0.5)))
  }
  console.log(`${name.padEnd(58)} ${best.toFixed(1).padStart(9)} ns`)
  return best
}

function timeNs(run: (i: number) => unknown, calls: number): number {
  let seen = 0
  const start = performance.now()
  for (let i = 0; i < calls; i += 1) if (run(i) !== undefined) seen += 1
  const ns = ((performance.now() - start) * 1e6) / calls
  return seen >= 0 ? ns : 0
}
