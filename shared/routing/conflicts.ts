// Who gets a host, path type and path that several rules claim?
// A rule beats a default backend; then the oldest creationTimestamp wins, then `namespace/name`, then the order in the object.
//
// Invariant: no two winners have the same key, and the winners do not depend on the order of the Ingresses.
import type { Problem } from '../problem.ts'
import { type Claim, claimKey } from './ingress/claims.ts'
import { reportTo } from './shapes.ts'

export interface Settlement {
  /** In the order in which their keys were first claimed. */
  readonly winners: readonly Claim[]
  readonly problems: readonly Problem[]
}

/** Settles all claims; each loser is a problem that names the winner. */
export function settle(claimLists: Iterable<readonly Claim[]>): Settlement {
  const byKey = new Map<string, Claim>()
  const losers: Claim[] = []
  for (const claims of claimLists) {
    for (const claim of claims) {
      const holder = byKey.get(claim.key)
      if (holder === undefined) {
        byKey.set(claim.key, claim)
      } else if (goesBefore(claim, holder)) {
        byKey.set(claim.key, claim)
        losers.push(holder)
      } else {
        losers.push(claim)
      }
    }
  }
  const problems: Problem[] = []
  for (const loser of losers) {
    const winner = byKey.get(loser.key)
    if (winner !== undefined && !isHarmless(loser, winner)) reportConflict(loser, winner, problems)
  }
  return { winners: [...byKey.values()].filter((claim) => !isShadowed(claim, byKey)), problems }
}

function goesBefore(claim: Claim, holder: Claim): boolean {
  if (claim.isDefault !== holder.isDefault) return holder.isDefault
  if (claim.createdAt !== holder.createdAt) return claim.createdAt < holder.createdAt
  return nameOf(claim) < nameOf(holder)
}

/** Within one Ingress a default backend gives way by design, and a repeated line with the same backend changes nothing. */
function isHarmless(loser: Claim, winner: Claim): boolean {
  if (nameOf(loser) !== nameOf(winner)) return false
  return loser.isDefault || loser.backend.key === winner.backend.key
}

/** A default backend also gives way to a regular expression `/`, which matches every path. */
function isShadowed(claim: Claim, byKey: ReadonlyMap<string, Claim>): boolean {
  return (
    claim.isDefault && byKey.has(claimKey(claim.route.match.host, { pathType: 'Regex', path: '/' }))
  )
}

function nameOf(claim: Claim): string {
  return `${claim.owner.namespace}/${claim.owner.name}`
}

function reportConflict(loser: Claim, winner: Claim, problems: Problem[]): void {
  const { host, pathType, path } = loser.route.match
  const place = `${pathType} ${path} of ${host === '' ? 'every host' : `host ${host}`}`
  reportTo(problems, loser.owner)(
    'conflict',
    loser.field,
    `${place} is already served by ${winner.field} of Ingress ${nameOf(winner)}, ${reasonOf(loser, winner)}.`,
    `Remove one of the two, or give this one another host or path.`,
  )
}

function reasonOf(loser: Claim, winner: Claim): string {
  if (winner.isDefault !== loser.isDefault) return 'a rule, which goes before a default backend'
  if (winner.createdAt !== loser.createdAt) return 'which is older'
  return nameOf(winner) === nameOf(loser) ? 'which comes first' : 'whose name comes first'
}
