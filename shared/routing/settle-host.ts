// Who gets a match of one host that several claims ask for? Pure, one host at a time: matches of two hosts never meet.
// A rule beats a default backend; then the oldest creationTimestamp wins, then `namespace/name`, then the order in the object.
//
// Conditions take requests from the other routes at their path: of the objects at one path only those of the namespace that was
// there first may have some, as nothing else keeps tenants apart (Gateway API asks the owner of the Gateway).
//
// Invariant: no two winners have the same match, and the outcome does not depend on the order of the objects.
import { conflictsOfChecks } from './client-check-conflicts.ts'
import { type Conflict, conflict, isSameOwner, nameOf, ownerOf, placeOf } from './conflict.ts'
import { besideEachOther } from './host-traits.ts'
import { joinAlternatives } from './join-alternatives.ts'
import { matchKey } from './match-key.ts'
import { pathPlace } from './router/path-kinds.ts'
import type { Claim } from './source.ts'
import { everyHost, type Match, type PathType } from './table.ts'

/** What became of the claims of one host. */
export interface SettledHost {
  /** Those that go before come first: of routes at one path this is the order in which they are asked. */
  readonly winners: readonly Claim[]
  /** The alternatives that joined winners, each by its winner; they are winners, too, and have no route of their own. */
  readonly joined?: ReadonlyMap<Claim, Claim>
  /** Losers that nobody meant to lose. */
  readonly conflicts: readonly Conflict[]
}

/** Negative when `a` goes before `b`; never 0 for two claims, as long as each object is there once. */
export function compareClaims(a: Claim, b: Claim): number {
  if (a.isMatchUnknown !== b.isMatchUnknown) return b.isMatchUnknown === true ? -1 : 1
  return compareRights(a, b)
}

const roles: readonly Claim['role'][] = ['rule', 'default', 'rest', 'alternative']

/** Negative when `a` was there before `b`, whether or not their conditions can be read. */
function compareRights(a: Claim, b: Claim): number {
  if (a.role !== b.role) return roles.indexOf(a.role) - roles.indexOf(b.role)
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1
  const [nameOfA, nameOfB] = [nameOf(a), nameOf(b)]
  if (nameOfA !== nameOfB) return nameOfA < nameOfB === isLaterFirst(a, b) ? 1 : -1
  const [kindOfA, kindOfB] = [a.route.owner.kind, b.route.owner.kind]
  if (kindOfA !== kindOfB) return kindOfA < kindOfB ? -1 : 1
  return a.place - b.place
}

function isLaterFirst(a: Claim, b: Claim): boolean {
  return a.isLaterNameFirst === true && b.isLaterNameFirst === true
}

/** Settles the claims of `host`, given in the order of `compareClaims`. */
export function settleHost(host: string, claims: readonly Claim[]): SettledHost {
  const alternatives = claims.filter(isAlternative)
  if (alternatives.length === 0) return settleWithChecks(host, claims)
  const mains = claims.filter((claim) => !isAlternative(claim))
  const { winners, conflicts } = settleWithChecks(host, mains)
  const { joined, conflicts: ofAlternatives } = joinAlternatives(winners, alternatives)
  return {
    winners: [...winners, ...joined.values()],
    joined,
    conflicts: [...conflicts, ...ofAlternatives],
  }
}

function isAlternative({ role }: Claim): boolean {
  return role === 'alternative'
}

/** A host asks clients for one kind of certificate: the first claim decides which. */
function settleWithChecks(host: string, claims: readonly Claim[]): SettledHost {
  const settled = settleMains(host, claims)
  const ofChecks = conflictsOfChecks(settled.winners)
  if (ofChecks.length === 0) return settled
  return { ...settled, conflicts: [...settled.conflicts, ...ofChecks] }
}

function settleMains(host: string, given: readonly Claim[]): SettledHost {
  const claims = besideEachOther(given)
  const byKey = new Map<string, Claim>()
  const conflicts: Conflict[] = []
  const strangers = findStrangers(claims)
  for (const claim of claims) {
    const key = matchKey(claim.route.match)
    const winner = byKey.get(key)
    const first = strangers.get(claim)
    if (first !== undefined) conflicts.push(strangerAt(first, claim))
    else if (winner === undefined) byKey.set(key, claim)
    else if (keepsPlace(claim, winner)) {
      byKey.set(key, claim)
      conflicts.push(conflictOf(winner, claim))
    } else if (!isHarmless(claim, winner)) conflicts.push(conflictOf(claim, winner))
  }
  const keyAtRoot = (pathType: PathType) => matchKey({ host, pathType, path: '/', conditions: [] })
  // What nobody wrote as a path takes none from the rule of another namespace.
  const root = byKey.get(keyAtRoot('Exact'))
  if (root?.role === 'rest' && isOfStranger(root, byKey.get(keyAtRoot('Prefix')))) {
    byKey.delete(keyAtRoot('Exact'))
  }
  // Who gives way at `/` also does so to the pattern `/`, which matches every path.
  const every = byKey.get(keyAtRoot('Regex'))
  // Nearly always all win: then the lists are one.
  if (byKey.size === claims.length && every === undefined)
    return { winners: claims, conflicts: none }
  const winners = [...byKey.values()].filter((claim) => !every || !givesWayAtRoot(claim, every))
  return { winners, conflicts }
}

const none: readonly Conflict[] = []

function isOfStranger({ route }: Claim, winner: Claim | undefined): boolean {
  return winner?.role === 'rule' && winner.route.owner.namespace !== route.owner.namespace
}

function givesWayAtRoot(claim: Claim, every: Claim): boolean {
  const { role, isMatchUnknown, route } = claim
  if (route.match.path !== '/') return false
  return role !== 'rule' || (isMatchUnknown === true && !keepsPlace(claim, every))
}

/**
 * Conditions that cannot be read give way to those of neighbours. To another namespace they do not lose a path where they
 * were there first: nobody knows which requests its owner meant to keep.
 */
function keepsPlace(claim: Claim, other: Claim): boolean {
  return (
    claim.isMatchUnknown === true &&
    claim.route.owner.namespace !== other.route.owner.namespace &&
    compareRights(claim, other) < 0
  )
}

/** Within one object a default backend gives way by design, and a repeated line with the same backend changes nothing. */
function isHarmless(loser: Claim, winner: Claim): boolean {
  if (loser.role === 'rest') return true
  if (!isSameOwner(loser, winner)) return false
  return loser.role === 'default' || loser.backends[0]?.key === winner.backends[0]?.key
}

/** Finds the claims that would take requests from a path of another namespace, each with the claim that was there first. */
function findStrangers(claims: readonly Claim[]): ReadonlyMap<Claim, Claim> {
  const strangers = new Map<Claim, Claim>()
  if (!claims.some(({ route }) => takesPart(route.match))) return strangers
  const placeOfClaim = ({ route }: Claim) => placeAmongConditions(route.match)
  // Who writes a condition that cannot be read does not lose the path to others by that.
  const firstAt = new Map<string, Claim>()
  for (const claim of claims) {
    const place = placeOfClaim(claim)
    const first = firstAt.get(place)
    if (first === undefined || compareRights(claim, first) < 0) firstAt.set(place, claim)
  }
  for (const claim of claims) {
    const { owner, match } = claim.route
    const first = firstAt.get(placeOfClaim(claim))
    if (first === undefined || !ofTenants.has(owner.kind) || !takesPart(match)) continue
    // Nobody was first at all paths of all hosts.
    if (match.host === everyHost && match.pathType === 'Any') continue
    if (owner.namespace !== first.route.owner.namespace) strangers.set(claim, first)
  }
  return strangers
}

/** A pattern that stands in the place of a path is one. */
function placeAmongConditions(match: Match): string {
  if (match.pathType !== 'Any') return pathPlace(match)
  const patterns = match.conditions.flatMap((each) => (each.kind === 'path' ? [each.pattern] : []))
  return `${pathPlace(match)} ${patterns.join(' ')}`
}

/** Objects that a namespace has by itself. */
const ofTenants: ReadonlySet<string> = new Set(['Ingress', 'RouteGroup'])

/** Says whether a match takes requests from other routes at its path. */
function takesPart({ conditions, weight = 0 }: Match): boolean {
  return conditions.length > 0 || weight > 0
}

function strangerAt(first: Claim, claim: Claim): Conflict {
  const { namespace } = first.route.owner
  return conflict(
    claim,
    `${placeOf(claim)} belongs to the namespace ${namespace} by ${ownerOf(first)}, and only objects of that namespace may have conditions there.`,
    `Move this one to the namespace ${namespace}, or give it another host or path.`,
  )
}

function conflictOf(loser: Claim, winner: Claim): Conflict {
  return conflict(
    loser,
    `${placeOf(loser)} is already served by ${winner.field} of ${ownerOf(winner)}, ${reasonOf(loser, winner)}.`,
    'Remove one of the two, or give this one another host or path.',
  )
}

function reasonOf(loser: Claim, winner: Claim): string {
  if (loser.isMatchUnknown === true && winner.isMatchUnknown !== true) {
    return 'whose conditions can be read'
  }
  if (winner.role !== loser.role) return 'a rule, which goes before a default backend'
  if (winner.createdAt !== loser.createdAt) return 'which is older'
  if (isSameOwner(winner, loser)) return 'which comes first'
  return isLaterFirst(winner, loser) ? 'whose name comes later' : 'whose name comes first'
}
