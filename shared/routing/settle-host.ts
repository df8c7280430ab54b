// Who gets a match of one host that several claims ask for? Pure, one host at a time: matches of two hosts never meet.
// A rule beats a default backend; then the oldest creationTimestamp wins, then `namespace/name`, then the order in the object.
//
// Invariant: no two winners have the same match, and the outcome does not depend on the order of the objects.
import type { Problem } from '../problem.ts'
import { matchKey } from './match-key.ts'
import type { Claim } from './source.ts'

/** What became of the claims of one host. */
export interface SettledHost {
  /** Those that go before come first: of routes at one path this is the order in which they are asked. */
  readonly winners: readonly Claim[]
  /** Losers that nobody meant to lose. */
  readonly conflicts: readonly Conflict[]
}

export interface Conflict {
  readonly loser: Claim
  readonly problem: Problem
}

/** Negative when `a` goes before `b`; never 0 for two claims, as long as each object is there once. */
export function compareClaims(a: Claim, b: Claim): number {
  if (a.role !== b.role) return a.role === 'rule' ? -1 : 1
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1
  const [nameOfA, nameOfB] = [nameOf(a), nameOf(b)]
  if (nameOfA !== nameOfB) return nameOfA < nameOfB ? -1 : 1
  const [kindOfA, kindOfB] = [a.route.owner.kind, b.route.owner.kind]
  if (kindOfA !== kindOfB) return kindOfA < kindOfB ? -1 : 1
  return a.place - b.place
}

/** Settles the claims of `host`, given in the order of `compareClaims`. */
export function settleHost(host: string, claims: readonly Claim[]): SettledHost {
  const byKey = new Map<string, Claim>()
  const conflicts: Conflict[] = []
  for (const claim of claims) {
    const key = matchKey(claim.route.match)
    const winner = byKey.get(key)
    if (winner === undefined) byKey.set(key, claim)
    else if (!isHarmless(claim, winner)) conflicts.push(conflictOf(claim, winner))
  }
  // A default backend also gives way to the pattern `/`, which matches every path.
  const everyPath = matchKey({ host, pathType: 'Regex', path: '/', conditions: [] })
  const hasEveryPath = byKey.has(everyPath)
  // Nearly always all win: then the lists are one.
  if (byKey.size === claims.length && !hasEveryPath) return { winners: claims, conflicts: none }
  const winners = [...byKey.values()].filter(({ role }) => !hasEveryPath || role !== 'default')
  return { winners, conflicts }
}

const none: readonly Conflict[] = []

function nameOf({ route }: Claim): string {
  return `${route.owner.namespace}/${route.owner.name}`
}

function isSameOwner(a: Claim, b: Claim): boolean {
  return a.route.owner.kind === b.route.owner.kind && nameOf(a) === nameOf(b)
}

/** Within one object a default backend gives way by design, and a repeated line with the same backend changes nothing. */
function isHarmless(loser: Claim, winner: Claim): boolean {
  if (!isSameOwner(loser, winner)) return false
  return loser.role === 'default' || loser.backends[0]?.key === winner.backends[0]?.key
}

function conflictOf(loser: Claim, winner: Claim): Conflict {
  const { host, pathType, path } = loser.route.match
  const place = `${pathType} ${path} of ${host === '' ? 'every host' : `host ${host}`}`
  const other = `${winner.route.owner.kind} ${nameOf(winner)}`
  return {
    loser,
    problem: {
      reason: 'conflict',
      ...loser.route.owner,
      field: loser.field,
      message: `${place} is already served by ${winner.field} of ${other}, ${reasonOf(loser, winner)}.`,
      remedy: 'Remove one of the two, or give this one another host or path.',
    },
  }
}

function reasonOf(loser: Claim, winner: Claim): string {
  if (winner.role !== loser.role) return 'a rule, which goes before a default backend'
  if (winner.createdAt !== loser.createdAt) return 'which is older'
  return isSameOwner(winner, loser) ? 'which comes first' : 'whose name comes first'
}
