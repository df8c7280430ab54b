// What can be wrong behind a backend, in the Service and its EndpointSlices, before it is known which rules name them.
import type { Problem, ProblemReason } from '../../problem.ts'
import type { Claim } from '../ingress/claims.ts'
import { type Owner, reportTo } from '../shapes.ts'

/** Something wrong behind a backend. Without `about` it is the fault of each rule that names the backend. */
export interface Finding {
  readonly reason: ProblemReason
  readonly message: string
  readonly remedy: string
  readonly about?: { readonly owner: Owner; readonly field: string }
}

/** Makes problems of findings: one per rule that names the backend, or one for the object the finding is about. */
export function reportFindings(
  findings: readonly Finding[],
  claims: readonly Claim[],
  fallback: Owner,
  problems: Map<string, Problem>,
): void {
  for (const { reason, message, remedy, about } of findings) {
    const places = about === undefined ? placesOf(claims, fallback) : [about]
    for (const { owner, field } of places) {
      const found: Problem[] = []
      reportTo(found, owner)(reason, field, message, remedy)
      // Several ports of a Service share its slices: what is wrong with one is said once.
      for (const problem of found) problems.set(JSON.stringify([owner, field, message]), problem)
    }
  }
}

/** The rules that name the backend; a backend without rules is that of `--default-backend`. */
function placesOf(claims: readonly Claim[], fallback: Owner): readonly Place[] {
  if (claims.length === 0) return [{ owner: fallback, field: '' }]
  const places = new Map<string, Place>()
  for (const { owner, field, isDefault } of claims) {
    // A default backend claims `/` of each host; its owner wrote it once.
    places.set(`${owner.namespace}/${owner.name} ${field}`, {
      owner,
      field: isDefault ? field : `${field}.backend`,
    })
  }
  return [...places.values()]
}

interface Place {
  readonly owner: Owner
  readonly field: string
}
