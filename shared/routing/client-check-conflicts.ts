// Which routes of a host ask clients for other certificates than its connections do?
//
// A handshake can ask for certificates by the authorities of one Secret only: that of the first route of the host that names one
// (proxy/serve/host-policies.ts). Routes with another one cannot be reached; their owner has to hear of it.
import { clientCheckOf } from './client-check.ts'
import { type Conflict, conflict, ownerOf } from './conflict.ts'
import type { Claim } from './source.ts'

/** Finds them among the claims that won, in their order: one conflict for each object. */
export function conflictsOfChecks(winners: readonly Claim[]): readonly Conflict[] {
  let first: { readonly claim: Claim; readonly secret: string } | undefined
  const told = new Map<string, Conflict>()
  for (const claim of winners) {
    const check = clientCheckOf(claim.route.filters)
    if (check === undefined || check.verify === 'off') continue
    first ??= { claim, secret: check.secret }
    const owner = ownerOf(claim)
    if (check.secret === first.secret || told.has(owner)) continue
    const { host } = claim.route.match
    const message = `Clients of ${host === '' ? 'every host' : `host ${host}`} are asked for certificates by the Secret ${first.secret} of ${ownerOf(first.claim)}, and this one names ${check.secret}: its requests are answered 421.`
    told.set(
      owner,
      conflict(claim, message, 'Name the same Secret, or give this one another host.'),
    )
  }
  return [...told.values()]
}
