// Which rule serves a request where some rules are for every host? Those of its own host and those for every host are asked in
// one order: by path, then by weight, as in Skipper, whose routes of all hosts lie in one tree.
//
//   h.test Prefix /a      * Prefix /a/b      ─►  /a/b/c: the rule for every host, as its path says more
//
// Invariant: rules of a named host that have no weight (Ingresses as Kubernetes means them) go before those for every host.
import { type HostRules, listCandidates, type Rank } from './host-rules.ts'

/** A host that is named counts as one predicate. */
const weightOfName = 1

/** Finds the first value that fits and holds among the rules found for the host, `own`, and those for every host. */
export function selectBeside<T>(
  own: HostRules<T>,
  isNamed: boolean,
  every: HostRules<T>,
  path: string,
  holds: (value: T) => boolean,
): T | undefined {
  const others = [...listCandidates(every, path)]
  let at = 0
  for (const { value, rank } of listCandidates(own, path)) {
    for (let other = others[at]; other !== undefined; other = others[at]) {
      if (goesFirst(rank, isNamed, other.rank)) break
      if (holds(other.value)) return other.value
      at += 1
    }
    if (holds(value)) return value
  }
  return others.slice(at).find((other) => holds(other.value))?.value
}

function goesFirst(own: Rank | undefined, isNamed: boolean, other: Rank | undefined): boolean {
  if (isNamed && own?.weight === undefined) return true
  // A pattern of nginx behind which no other rule stands has no rank: it goes behind.
  if (own === undefined || other === undefined) return own !== undefined
  if (own.kinds !== other.kinds) return own.kinds < other.kinds
  return (own.weight ?? 0) + (isNamed ? weightOfName : 0) >= (other.weight ?? 0)
}
