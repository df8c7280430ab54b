// Which endpoints of an upstream are near this proxy, and are they enough to carry its requests?
//
//   all endpoints name places, and enough of them name our node  those first
//   else: all name places, and enough of them name our zone      those first
//   else                                                         all alike
//
// The first two steps are kube-proxy's (all must be hinted, or a roll-out in between would empty a zone). "Enough" is ours:
// when each place gets the same traffic, none of its endpoints may get more than twice the average.
//
// Invariant: those that are far are not lost: they serve while all near ones are out or were tried.
import type { Endpoint, Places } from '../../shared/routing/table.ts'

/** Where a proxy runs. */
export interface Place {
  readonly zone: string | undefined
  readonly node: string | undefined
}

/** How many times the average of all an endpoint may get for being near. */
const maxOverload = 2

/** Gives the near endpoints; undefined when all are to be used alike. */
export function nearEndpoints(
  endpoints: readonly Endpoint[],
  { zone, node }: Place,
): ReadonlySet<Endpoint> | undefined {
  return (
    preferred(endpoints, node, ({ nodes = [] }) => nodes) ??
    preferred(endpoints, zone, ({ zones }) => zones)
  )
}

function preferred(
  endpoints: readonly Endpoint[],
  own: string | undefined,
  namesOf: (places: Places) => readonly string[],
): ReadonlySet<Endpoint> | undefined {
  if (own === undefined) return undefined
  const all = new Set<string>()
  const near = new Set<Endpoint>()
  for (const endpoint of endpoints) {
    const names = endpoint.places === undefined ? [] : namesOf(endpoint.places)
    if (names.length === 0) return undefined
    for (const name of names) all.add(name)
    if (names.includes(own)) near.add(endpoint)
  }
  const isEnough = near.size * all.size * maxOverload >= endpoints.length
  return near.size > 0 && near.size < endpoints.length && isEnough ? near : undefined
}
