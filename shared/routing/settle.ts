// Which routes do the claims of all sources together give? Only the hosts that a change touches are settled again.
//
//   readings that came or went ─► their hosts ─► settleHost ─► routes, conflicts, claims that won or no longer do
//
// Invariant: gives after any history what it would give for the newest outputs alone, and in the same order.
import type { Problem } from '../problem.ts'
import { diffLists } from './list-diff.ts'
import { emptyHostMap, type HostMap, withHosts } from './router/host-map.ts'
import { compareClaims, type SettledHost, settleHost } from './settle-host.ts'
import type { Claim, Reading, SourceOutput } from './source.ts'
import type { Route } from './table.ts'

/** What all claims come to. Maps and lists in which nothing changed are the same as before. */
export interface Settlement {
  readonly hosts: HostMap<readonly Route[]>
  /** What is wrong in the objects, in their order; then the conflicts between them. */
  readonly problems: readonly Problem[]
  /** Claims that have won since the settlement before. */
  readonly won: readonly Claim[]
  /** Claims that have won before and do so no longer. */
  readonly lost: readonly Claim[]
}

interface HostState extends SettledHost {
  /** Of all sources, in the order of `compareClaims`. */
  readonly claims: readonly Claim[]
}

/** Settles the outputs of sources, one after the other; the sources are the same ones each time. */
export class Settler {
  readonly #byHost = new Map<string, HostState>()
  readonly #conflicts = new Map<Claim, Problem>()
  #readings: readonly (readonly Reading[])[] = []
  #hosts: HostMap<readonly Route[]> = emptyHostMap()
  #objectProblems: readonly Problem[] = []
  #conflictProblems: readonly Problem[] = []
  #problems: readonly Problem[] = []

  settle(outputs: readonly SourceOutput[]): Settlement {
    const { gone, come } = this.#replaceReadings(outputs.map(({ readings }) => readings))
    const touched = this.#touch(gone, come)
    const won: Claim[] = []
    const lost: Claim[] = []
    const changed: [string, readonly Route[] | undefined][] = []
    let areConflictsOther = false
    for (const [host, list] of touched) {
      const before = this.#byHost.get(host)
      // A copy is as long as it must be: a list that grew has room for more, and there are many hosts.
      const claims = list.slice()
      const after = { claims, ...settleHost(host, claims) }
      if (claims.length === 0) this.#byHost.delete(host)
      else this.#byHost.set(host, after)
      const countBefore = won.length + lost.length
      collectDifference(after.winners, before?.winners, won)
      collectDifference(before?.winners ?? [], after.winners, lost)
      if (won.length + lost.length > countBefore) {
        const routes = after.winners.map(({ route }) => route)
        changed.push([host, routes.length === 0 ? undefined : routes])
      }
      for (const { loser } of before?.conflicts ?? []) this.#conflicts.delete(loser)
      for (const { loser, problem } of after.conflicts) this.#conflicts.set(loser, problem)
      areConflictsOther ||= after.conflicts.length + (before?.conflicts.length ?? 0) > 0
    }
    if (changed.length > 0) this.#hosts = withHosts(this.#hosts, changed)
    this.#collectProblems([...gone, ...come], areConflictsOther)
    return { hosts: this.#hosts, problems: this.#problems, won, lost }
  }

  #replaceReadings(next: readonly (readonly Reading[])[]): { gone: Reading[]; come: Reading[] } {
    const gone: Reading[] = []
    const come: Reading[] = []
    for (const [source, readings] of next.entries()) {
      const before = this.#readings[source] ?? []
      for (const { at, removed, added } of diffLists(before, readings)) {
        for (const reading of before.slice(at, at + removed)) gone.push(reading)
        for (const reading of added) come.push(reading)
      }
    }
    this.#readings = next
    return { gone, come }
  }

  /** The claims, from now on, of each host that some reading speaks of. What goes leaves first: a reading may only have moved. */
  #touch(gone: readonly Reading[], come: readonly Reading[]): ReadonlyMap<string, Claim[]> {
    const touched = new Map<string, Claim[]>()
    for (const [host, claims] of byHost(gone)) {
      const leaving = new Set(claims)
      const known = this.#byHost.get(host)?.claims ?? []
      touched.set(
        host,
        known.filter((claim) => !leaving.has(claim)),
      )
    }
    for (const [host, claims] of byHost(come)) {
      const list = touched.get(host) ?? [...(this.#byHost.get(host)?.claims ?? [])]
      for (const claim of claims) insert(claim, list)
      touched.set(host, list)
    }
    return touched
  }

  #collectProblems(changed: readonly Reading[], areConflictsOther: boolean): void {
    const areObjectsOther = changed.some(({ problems }) => problems.length > 0)
    if (!areObjectsOther && !areConflictsOther) return
    const readings = this.#readings.flat()
    if (areObjectsOther) this.#objectProblems = readings.flatMap(({ problems }) => problems)
    if (areConflictsOther) {
      this.#conflictProblems =
        this.#conflicts.size === 0
          ? []
          : readings.flatMap(({ claims }) =>
              claims.flatMap((claim) => this.#conflicts.get(claim) ?? []),
            )
    }
    this.#problems = [...this.#objectProblems, ...this.#conflictProblems]
  }
}

function byHost(readings: readonly Reading[]): ReadonlyMap<string, readonly Claim[]> {
  const claims = readings.flatMap((reading) => reading.claims)
  return Map.groupBy(claims, ({ route }) => route.match.host)
}

/** Inserts a claim where it belongs in the order of `compareClaims`. */
function insert(claim: Claim, claims: Claim[]): void {
  let low = 0
  let high = claims.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const other = claims[middle]
    if (other !== undefined && compareClaims(other, claim) <= 0) low = middle + 1
    else high = middle
  }
  claims.splice(low, 0, claim)
}

/** Adds to `found` what is in `claims` and not in `others`. */
function collectDifference(
  claims: readonly Claim[],
  others: readonly Claim[] | undefined,
  found: Claim[],
): void {
  const known = new Set(others)
  for (const claim of claims) if (!known.has(claim)) found.push(claim)
}
