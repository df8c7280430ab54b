// What do the predicates of a route of eskip ask for? Calls become the parts of a match.
//
// Invariant: a predicate that is unknown or has wrong arguments is a fault: nobody knows which requests the route means.
import { nearNames, oneOfNames } from '../../../near-names.ts'
import type { Match } from '../../table.ts'
import type { Call, Position } from '../language.ts'

/** What is wrong with one predicate. */
export interface PredicateFault {
  readonly name: string
  readonly at: Position
  /** One sentence. */
  readonly message: string
  /** What to do about it, one sentence. */
  readonly remedy: string
}

/** The parts of a match that predicates ask for: its path, its conditions and what else it has. */
export interface MatchParts extends Partial<Omit<Match, 'host' | 'conditions'>> {
  readonly conditions: Match['conditions']
  /** As a match names hosts; absent: the predicates name none. */
  readonly hosts?: readonly string[]
}

/** What predicates ask for, or why nobody can say. */
export type PredicatesReading =
  | { readonly ok: true; readonly match: MatchParts }
  | { readonly ok: false; readonly faults: readonly PredicateFault[] }

type ReadPredicate = (call: Call) => Partial<MatchParts>

const table: ReadonlyMap<string, ReadPredicate> = new Map()

/** Reads the predicates of one route. */
export function readPredicates(calls: readonly Call[]): PredicatesReading {
  const faults: PredicateFault[] = []
  let match: MatchParts = { conditions: [] }
  for (const call of calls) {
    const read = table.get(call.name)
    if (read === undefined) faults.push(unknownPredicate(call))
    else match = { ...match, ...read(call) }
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, match }
}

function unknownPredicate({ name, at }: Call): PredicateFault {
  const near = oneOfNames(nearNames(name, table.keys()))
  const remedy =
    near === undefined ? 'Use a predicate of docs/skipper-predicates.md.' : `Did you mean ${near}?`
  return { name, at, message: `There is no predicate ${name}.`, remedy }
}
