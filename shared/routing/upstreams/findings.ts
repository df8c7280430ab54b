// What can be wrong behind a backend, in the Service and its EndpointSlices, before it is known which rules name them.
import type { Problem, ProblemReason } from '../../problem.ts'
import type { Owner } from '../shapes.ts'
import type { Claim } from '../source.ts'
import type { BackendRef } from './backend-ref.ts'

/** Something wrong behind a backend. Without `about` it is the fault of each rule that names the backend. */
export interface Finding {
  readonly reason: ProblemReason
  readonly message: string
  readonly remedy: string
  readonly about?: { readonly owner: Owner; readonly field: string }
}

/** The problems behind one backend, each once: what is wrong with an object that several backends share has one key. */
export type BackendReport = ReadonlyMap<string, Problem>

/** Makes problems of findings: one per rule that names the backend, or one for the object the finding is about. */
export function reportFindings(
  ref: BackendRef,
  findings: readonly Finding[],
  claims: readonly Claim[],
): BackendReport {
  const report = new Map<string, Problem>()
  for (const { reason, message, remedy, about } of findings) {
    for (const { owner, field } of about === undefined ? placesOf(ref, claims) : [about]) {
      const { kind, namespace, name } = owner
      const key = JSON.stringify([kind, namespace, name, field, message])
      report.set(key, { reason, kind, namespace, name, field, message, remedy })
    }
  }
  return report
}

/** The rules that name the backend; a backend without rules is that of `--default-backend`. */
function placesOf(ref: BackendRef, claims: readonly Claim[]): readonly Place[] {
  if (claims.length === 0) {
    return [{ owner: { kind: 'Service', namespace: ref.namespace, name: ref.service }, field: '' }]
  }
  // A default backend claims `/` of each host; its owner wrote it once, and the key of the report makes it one.
  return claims.map(({ route, field, role, backends }) => ({
    owner: route.owner,
    // A URL is named by an annotation of the whole object.
    field:
      ref.origin !== undefined
        ? 'metadata.annotations'
        : ref.addresses === undefined &&
            route.owner.kind !== 'RouteGroup' &&
            role === 'rule' &&
            backends[0]?.key === ref.key
          ? `${field}.backend`
          : field,
  }))
}

interface Place {
  readonly owner: Owner
  readonly field: string
}
