// May a path that applications read in several ways go to the route that it matched?
//
// Invariant: no reading of a request's path that some application has belongs to a route that would treat the request
// otherwise than the one that handles it. One reading is looked up for all: Exact and Prefix paths have one reading only
// (ingress/paths.ts), so that a rule that fits some mixture of lenient steps still fits after the rest of them. A pattern may
// tell more apart; it is asked about the strict and the most lenient reading.
import type { Readings } from './path.ts'

/** Says whether `found` (for `readings.matched`) would be walked past; `find` gives the route of a path. */
export function isAmbiguous<T>(
  readings: Readings,
  found: T,
  find: (path: string) => T | undefined,
  isAlike: (a: T, b: T) => boolean,
): boolean {
  const other = find(readings.lenient)
  // A reading that no rule has walks past none.
  return other !== undefined && other !== found && !isAlike(found, other)
}
