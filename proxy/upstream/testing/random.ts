// For tests: draws that come again with their seed.

/** Draws in [0, 1) (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A seed for this run, said so that the run can be had again. */
export function freshSeed(comment: (text: string) => void): number {
  const seed = Math.floor(Math.random() * 2 ** 32)
  comment(`seed ${seed}`)
  return seed
}
