// How does a source ask for a route of eskip? By a claim for each of its matches.
import type { Owner } from '../shapes.ts'
import type { Claim } from '../source.ts'
import type { CompiledRoute } from './compile.ts'

/** Adds a claim for each match of a route. */
export function claimAll(
  { matches, filters, backend, refs, isMatchUnknown }: CompiledRoute,
  {
    owner,
    createdAt,
    field,
  }: { readonly owner: Owner; readonly createdAt: number; readonly field: string },
  claims: Claim[],
): void {
  for (const match of matches) {
    claims.push({
      route: { owner, match, filters, backend },
      backends: refs,
      place: claims.length,
      field,
      createdAt,
      role: 'rule',
      ...(isMatchUnknown === true ? { isMatchUnknown } : {}),
    })
  }
}
