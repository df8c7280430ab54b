// Which routes do the claims of all sources together give? Only the hosts that a change touches are settled again.
//
//   readings that came or went ─► their hosts ─► settleHost ─► routes, conflicts, claims that won or no longer do
//
// Invariant: gives after any history what it would give for the newest outputs alone, and in the same order.

import { diffLists, editList } from '../list-diff.ts'
import type { Problem } from '../problem.ts'
import type { CertificateRef } from './certificates.ts'
import type { Conflict } from './conflict.ts'
import { routeWith } from './join-alternatives.ts'
import { compareClaims, type SettledHost } from './settle-host.ts'
import { SettledCertificates } from './settled-certificates.ts'
import { emptyMap, type ShardedMap, withEntries } from './sharded-map.ts'
import type { Claim, Reading, SourceOutput } from './source.ts'
import { settleWithSpares } from './spare-hosts.ts'
import type { Route } from './table.ts'

/** What all claims come to. Maps and lists in which nothing changed are the same as before. */
export interface Settlement {
  readonly hosts: ShardedMap<readonly Route[]>
  /** The certificates of each host that has some, best first; undefined when none has. */
  readonly certificates: ShardedMap<readonly CertificateRef[]> | undefined
  /** What is wrong in the objects, in their order; then the conflicts between them, in the order of the losers. */
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
  /** Of each source. */
  #readings: readonly (readonly Reading[])[] = []
  /** Of each source, one list for each of its readings. */
  #problemLists: readonly (readonly (readonly Problem[])[])[] = []
  #hosts: ShardedMap<readonly Route[]> = emptyMap()
  #objectProblems: readonly Problem[] = []
  /** In the order of the losers. */
  #conflicts: readonly Conflict[] = []
  #problems: readonly Problem[] = []
  readonly #certificates = new SettledCertificates()
  /** The other names of each host that has some, each with the number of claims that say so. */
  readonly #aliases = new Map<string, Map<string, number>>()

  settle(outputs: readonly SourceOutput[]): Settlement {
    const { gone, come, areObjectsOther } = this.#replaceReadings(outputs)
    const touched = this.#touch(gone, come)
    this.#certificates.replace(gone, come)
    const won: Claim[] = []
    const lost: Claim[] = []
    const changed: [string, readonly Route[] | undefined][] = []
    const conflictsGone: Conflict[] = []
    const conflictsCome: Conflict[] = []
    const settledAt = (host: string) => this.#byHost.get(host)
    for (const [host, list] of touched) {
      const before = this.#byHost.get(host)
      // A copy is as long as it must be: a list that grew has room for more, and there are many hosts.
      const claims = list.slice()
      const after = { claims, ...settleWithSpares(host, claims, settledAt) }
      if (claims.length === 0) this.#byHost.delete(host)
      else this.#byHost.set(host, after)
      const countBefore = won.length + lost.length
      collectDifference(after.winners, before?.winners, won)
      collectDifference(before?.winners ?? [], after.winners, lost)
      if (won.length + lost.length > countBefore) {
        const routes = routesOf(after)
        changed.push([host, routes.length === 0 ? undefined : routes])
      }
      for (const conflict of before?.conflicts ?? []) conflictsGone.push(conflict)
      for (const conflict of after.conflicts) conflictsCome.push(conflict)
    }
    if (changed.length > 0) this.#hosts = withEntries(this.#hosts, changed)
    this.#collectProblems(areObjectsOther, { gone: conflictsGone, come: conflictsCome })
    const { hosts: certificates } = this.#certificates
    return { hosts: this.#hosts, certificates, problems: this.#problems, won, lost }
  }

  #replaceReadings(outputs: readonly SourceOutput[]) {
    const gone: Reading[] = []
    const come: Reading[] = []
    this.#problemLists = outputs.map(({ readings }, source) => {
      const before = this.#readings[source] ?? []
      const edits = diffLists(before, readings)
      for (const { at, removed, added } of edits) {
        for (const reading of before.slice(at, at + removed)) gone.push(reading)
        for (const reading of added) come.push(reading)
      }
      return editList(this.#problemLists[source] ?? [], edits, ({ problems }) =>
        problems.length === 0 ? noProblems : problems,
      )
    })
    this.#readings = outputs.map(({ readings }) => readings)
    const areObjectsOther = [...gone, ...come].some(({ problems }) => problems.length > 0)
    return { gone, come, areObjectsOther }
  }

  /** The claims, from now on, of each host that some reading speaks of. What goes leaves first: a reading may only have moved. */
  #touch(gone: readonly Reading[], come: readonly Reading[]): ReadonlyMap<string, Claim[]> {
    const touched = new Map<string, Claim[]>()
    for (const [host, claims] of byHost(gone)) {
      for (const claim of claims) this.#countAlias(claim, -1)
      const leaving = new Set(claims)
      const known = this.#byHost.get(host)?.claims ?? []
      touched.set(
        host,
        known.filter((claim) => !leaving.has(claim)),
      )
    }
    for (const [host, claims] of byHost(come)) {
      const list = touched.get(host) ?? [...(this.#byHost.get(host)?.claims ?? [])]
      for (const claim of claims) {
        insert(claim, list, compareClaims)
        this.#countAlias(claim, 1)
      }
      touched.set(host, list)
    }
    return this.#touchAliases(touched)
  }

  /** Other names of a host have its routes: they are settled when it is, and after all hosts that have rules. */
  #touchAliases(touched: ReadonlyMap<string, Claim[]>): ReadonlyMap<string, Claim[]> {
    if (this.#aliases.size === 0) return touched
    const all = new Map(touched)
    for (const host of touched.keys()) {
      for (const alias of this.#aliases.get(host)?.keys() ?? []) {
        if (!all.has(alias)) all.set(alias, [...(this.#byHost.get(alias)?.claims ?? [])])
      }
    }
    const hasRules = ([, claims]: [string, Claim[]]) => claims.some(({ isSpare }) => !isSpare)
    const entries = [...all]
    return new Map([...entries.filter(hasRules), ...entries.filter((entry) => !hasRules(entry))])
  }

  #countAlias({ aliasOf, route }: Claim, change: 1 | -1): void {
    if (aliasOf === undefined) return
    const counts = this.#aliases.get(aliasOf) ?? new Map<string, number>()
    const { host } = route.match
    const count = (counts.get(host) ?? 0) + change
    if (count > 0) counts.set(host, count)
    else counts.delete(host)
    if (counts.size > 0) this.#aliases.set(aliasOf, counts)
    else this.#aliases.delete(aliasOf)
  }

  #collectProblems(areObjectsOther: boolean, conflicts: ConflictChange): void {
    const areConflictsOther = conflicts.gone.length + conflicts.come.length > 0
    if (!areObjectsOther && !areConflictsOther) return
    if (areObjectsOther) {
      const lists = this.#problemLists.flatMap((of) => of.filter((list) => list !== noProblems))
      this.#objectProblems = lists.flat()
    }
    if (areConflictsOther) {
      const gone = new Set(conflicts.gone)
      const conflictsLeft = this.#conflicts.filter((conflict) => !gone.has(conflict))
      for (const conflict of conflicts.come) {
        insert(conflict, conflictsLeft, (a, b) => compareClaims(a.loser, b.loser))
      }
      this.#conflicts = conflictsLeft
    }
    this.#problems = [...this.#objectProblems, ...this.#conflicts.map(({ problem }) => problem)]
  }
}

/** One list for all readings without problems, that can be told by its reference. */
const noProblems: readonly Problem[] = []

interface ConflictChange {
  readonly gone: readonly Conflict[]
  readonly come: readonly Conflict[]
}

function routesOf({ winners, joined }: SettledHost): readonly Route[] {
  if (joined === undefined) return winners.map(({ route }) => route)
  const mains = winners.filter(({ role }) => role !== 'alternative')
  return mains.map((claim) => routeWith(claim, joined.get(claim)))
}

function byHost(readings: readonly Reading[]): ReadonlyMap<string, readonly Claim[]> {
  const claims = readings.flatMap((reading) => reading.claims)
  return Map.groupBy(claims, ({ route }) => route.match.host)
}

/** Inserts an item where it belongs in a list that `compare` orders. */
function insert<T>(item: T, list: T[], compare: (a: T, b: T) => number): void {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const other = list[middle]
    if (other !== undefined && compare(other, item) <= 0) low = middle + 1
    else high = middle
  }
  list.splice(low, 0, item)
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
