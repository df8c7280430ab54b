// Which route does each alternative of a host join? Pure, one host at a time, after the winners of the host are known.
//
//   alternative (a canary Ingress) ──same host, path, type──► winner: its route takes the alternative along
//
// Invariant: an alternative never makes a route. Without a winner of its match it serves nothing; the host may then have none.
// Invariant: tenants stay apart: it joins routes of its own namespace only, since it takes requests from them.
import { type Conflict, conflict, isSameOwner, ownerOf, placeOf } from './conflict.ts'
import { originOf } from './host-traits.ts'
import { matchKey } from './match-key.ts'
import type { Claim } from './source.ts'
import type { Route } from './table.ts'
import { spokenAs } from './upstreams/backend-ref.ts'

/** What became of the alternatives of one host. */
export interface Joining {
  /** The alternative of each winner that has one. */
  readonly joined: ReadonlyMap<Claim, Claim>
  readonly conflicts: readonly Conflict[]
}

/** Joins alternatives, the first in order first, to the winners of their matches. */
export function joinAlternatives(
  winners: readonly Claim[],
  alternatives: readonly Claim[],
): Joining {
  // As they were written: the two need not agree about what makes patterns of paths. What nobody wrote has nothing to share.
  const mains = winners.filter(({ role }) => role !== 'rest')
  const byKey = new Map(mains.map((winner) => [matchKey(originOf(winner).route.match), winner]))
  const joined = new Map<Claim, Claim>()
  const conflicts: Conflict[] = []
  /** Rules of which one reading of their path has found a winner, or was told why not. */
  const settled = new Set<string>()
  const idle: Claim[] = []
  for (const alternative of alternatives) {
    const winner = byKey.get(matchKey(alternative.route.match))
    if (alternative.isMatchUnknown === true) continue
    if (winner === undefined) {
      idle.push(alternative)
      continue
    }
    settled.add(ruleOf(alternative))
    const fault = whyNot(winner, alternative, joined.get(winner))
    if (fault !== undefined) conflicts.push(fault)
    else if (!joined.has(winner)) joined.set(winner, asSpokenBy(winner, alternative))
  }
  for (const alternative of idle) {
    const rule = ruleOf(alternative)
    if (settled.has(rule)) continue
    settled.add(rule)
    conflicts.push(withoutMain(alternative))
  }
  return { joined, conflicts }
}

const spoken = new WeakMap<Claim, WeakMap<Claim, Claim>>()

/** How endpoints are spoken to is the main route's word for both, as in ingress-nginx. The same claim for the same two. */
function asSpokenBy(winner: Claim, alternative: Claim): Claim {
  const { tls, protocol } = winner.backends[0] ?? {}
  const [own, ...rest] = alternative.backends
  if ((tls === undefined && protocol === undefined) || own === undefined) return alternative
  const speech = { ...(tls && { tls }), ...(protocol && { protocol }) }
  const byWinner = spoken.get(alternative) ?? new WeakMap<Claim, Claim>()
  spoken.set(alternative, byWinner)
  const made = byWinner.get(winner) ?? {
    ...alternative,
    backends: [spokenAs(own, speech), ...rest],
  }
  byWinner.set(winner, made)
  return made
}

function whyNot(winner: Claim, alternative: Claim, other: Claim | undefined): Conflict | undefined {
  const { namespace } = winner.route.owner
  if (namespace !== alternative.route.owner.namespace) {
    return conflict(
      alternative,
      `${placeOf(alternative)} belongs to the namespace ${namespace} by ${ownerOf(winner)}, and a canary of another namespace takes no requests from it.`,
      `Move the canary to the namespace ${namespace}.`,
    )
  }
  if (other === undefined || isSameOwner(other, alternative)) return undefined
  return conflict(
    alternative,
    `${placeOf(alternative)} has a canary already, ${ownerOf(other)}: one counts, and this one gets no requests.`,
    'Remove one of the two.',
  )
}

function withoutMain(alternative: Claim): Conflict {
  return conflict(
    alternative,
    `There is no other Ingress for ${placeOf(alternative)}: the canary gets no requests.`,
    'Give it host, path and pathType of the Ingress whose requests it is to take, or remove its canary annotation.',
  )
}

/** One rule may be read in two ways: as a path, and as a pattern. */
function ruleOf({ route, field }: Claim): string {
  const { kind, namespace, name } = route.owner
  return `${kind}/${namespace}/${name}\n${field}`
}

/** Makes the route of a winner with its alternative. One that forwards nothing has no requests to share. */
export function routeWith({ route }: Claim, alternative: Claim | undefined): Route {
  const [ref] = alternative?.backends ?? []
  const terms = alternative?.alternative
  const { backend } = route
  if (ref === undefined || terms === undefined || backend.kind !== 'forward') return route
  const { key, service } = ref
  return {
    ...route,
    backend: { ...backend, alternative: { upstream: key, service, ...terms } },
  }
}
