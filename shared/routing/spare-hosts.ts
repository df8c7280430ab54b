// What does a host serve that no rule names, but an object that has rules for another one: as another name of that host, or with a
// redirect to it? Pure, one host at a time, after the hosts that it is another name of.
//
// Invariant: a host that has rules is not touched by what others ask for it.
import { type Conflict, conflict, isSameOwner, ownerOf } from './conflict.ts'
import { atHost } from './host-traits.ts'
import { type SettledHost, settleHost } from './settle-host.ts'
import type { Claim } from './source.ts'

const nothing: SettledHost = { winners: [], conflicts: [] }

/** Settles the claims of `host`, given in the order of `compareClaims`; `settledAt` says what became of another host. */
export function settleWithSpares(
  host: string,
  claims: readonly Claim[],
  settledAt: (host: string) => SettledHost | undefined,
): SettledHost {
  if (!claims.some(isSpare)) return settleHost(host, claims)
  const own = claims.filter((claim) => !isSpare(claim))
  const [first] = own
  if (first !== undefined) {
    const { conflicts, ...settled } = settleHost(host, own)
    const lost = claims
      .filter((claim) => isSpare(claim) && !own.some((other) => isSameOwner(other, claim)))
      .map((claim) => lostTo(first, claim))
    return { ...settled, conflicts: [...conflicts, ...lost] }
  }
  for (const { aliasOf } of claims) {
    const settled = aliasOf === undefined ? nothing : settledAt(aliasOf)
    if (settled !== undefined && settled.winners.length > 0) return moved(settled, host)
  }
  const redirect = claims.find(({ aliasOf }) => aliasOf === undefined)
  return redirect === undefined ? nothing : { winners: [redirect], conflicts: [] }
}

function isSpare(claim: Claim): boolean {
  return claim.isSpare === true
}

function moved({ winners, joined = new Map() }: SettledHost, host: string): SettledHost {
  return {
    winners: winners.map((claim) => atHost(claim, host)),
    joined: new Map(
      [...joined].map(([winner, claim]) => [atHost(winner, host), atHost(claim, host)]),
    ),
    conflicts: [],
  }
}

function lostTo(first: Claim, claim: Claim): Conflict {
  return conflict(
    claim,
    `The host ${claim.route.match.host} has rules of its own by ${ownerOf(first)}: what is asked for it here has no effect.`,
    'Name a host that no Ingress has rules for, or remove the annotation.',
  )
}
