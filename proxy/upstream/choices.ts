// Which Service of a route takes a request? By weight.
//
// Invariant: a choice of weight 0 is never taken (Gateway API, BackendRef.weight); without any other, none is.

/**
 * Makes a function that finds the index of a choice for a draw in [0, 1); -1 when all weights are 0. Each choice owns one
 * part of [0, 1), in the order given: where draws belong to keys, a change of weights moves the fewest keys.
 */
export function createChoicePicker(weights: readonly number[]): (draw: number) => number {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (total === 0) return () => -1
  let sum = 0
  const ends = weights.map((weight) => {
    sum += weight
    return sum / total
  })
  const last = weights.findLastIndex((weight) => weight > 0)
  return (draw) => {
    const at = ends.findIndex((end) => draw < end)
    // Sums of fractions may end a hair below 1.
    return at === -1 ? last : at
  }
}
