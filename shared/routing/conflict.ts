// What is said to the owner of a claim that did not get what it asked for?
import type { Problem } from '../problem.ts'
import type { Claim } from './source.ts'
import { everyHost } from './table.ts'

/** A claim that lost, and why. */
export interface Conflict {
  readonly loser: Claim
  readonly problem: Problem
}

/** Makes the conflict of a loser. */
export function conflict(loser: Claim, message: string, remedy: string): Conflict {
  const problem: Problem = {
    reason: 'conflict',
    ...loser.route.owner,
    field: loser.field,
    message,
    remedy,
  }
  return { loser, problem }
}

/** Names the host, path and type of a claim in a sentence. */
export function placeOf({ route }: Claim): string {
  const { host, pathType, path } = route.match
  return `${pathType} ${path} of ${host === '' || host === everyHost ? 'every host' : `host ${host}`}`
}

/** Names the object of a claim in a sentence. */
export function ownerOf(claim: Claim): string {
  return `${claim.route.owner.kind} ${nameOf(claim)}`
}

/** `namespace/name` of the object of a claim. */
export function nameOf({ route }: Claim): string {
  return `${route.owner.namespace}/${route.owner.name}`
}

/** Says whether one object makes both claims. */
export function isSameOwner(a: Claim, b: Claim): boolean {
  return a.route.owner.kind === b.route.owner.kind && nameOf(a) === nameOf(b)
}
