// What the controller remembers about one group between two passes. Everything else is observed anew each time.
//
// AWS may answer with an old state for a while after a change (eventual consistency), and another replica may read it:
// what was just deregistered is taken as draining, what was just registered as initial, whatever AWS still shows.
// Invariant: forgetting everything is safe (a new leader starts so): it costs at most repeated calls and longer waits.
import type {
  Deregistration,
  ObjectRef,
  ObservedTarget,
  Registration,
  Removal,
  TargetKey,
} from '../world.ts'
import { isServing, removalWindowMs } from './guard.ts'
import { isPresent } from './plan-targets.ts'
import type { WantedTargets } from './wanted-targets.ts'

// AWS does not say how stale its answers may be; half a minute was the worst that its users report.
const staleForMs = 30_000
// A removal is believed longer: believing that a target serves when it does not is what empties a group.
const removedForMs = 60_000

export class GroupMemory {
  /** Monotonic ms since when a wanted target is missing or not healthy. */
  readonly pendingSince = new Map<TargetKey, number>()
  /** Targets that AWS took only with the zone `all`. */
  readonly outsideVpc = new Set<string>()
  /** Keys whose pod was confirmed to be gone. */
  readonly gone = new Set<TargetKey>()
  readonly #pods = new Map<TargetKey, ObjectRef>()
  readonly #registeredAt = new Map<
    TargetKey,
    { readonly atMs: number; readonly how: Registration }
  >()
  readonly #removedAt = new Map<TargetKey, number>()
  #removals: Removal[] = []

  /** Removals that the guard counts. */
  get removals(): readonly Removal[] {
    return this.#removals
  }

  /** Who was behind a key when it was last seen. */
  podOf(key: TargetKey): ObjectRef | undefined {
    return this.#pods.get(key)
  }

  /** Corrects what AWS shows by what was done just now. */
  correct(observed: readonly ObservedTarget[], nowMs: number): ObservedTarget[] {
    const corrected = observed.map((target): ObservedTarget => {
      const removedAt = this.#removedAt.get(target.key)
      if (removedAt !== undefined && nowMs - removedAt < removedForMs && isPresent(target)) {
        return { ...target, state: 'draining', reason: 'Weir.RecentlyDeregistered' }
      }
      return target
    })
    const present = new Set(corrected.filter(isPresent).map((target) => target.key))
    for (const [key, { atMs, how }] of this.#registeredAt) {
      if (present.has(key) || nowMs - atMs >= staleForMs) this.#registeredAt.delete(key)
      else {
        const { id, port, zone } = how.target
        const stale = corrected.findIndex((target) => target.key === key)
        if (stale !== -1) corrected.splice(stale, 1)
        corrected.push({
          key,
          id,
          port,
          ...(zone === undefined ? {} : { zone }),
          state: 'initial',
          reason: 'Weir.RecentlyRegistered',
        })
      }
    }
    return corrected
  }

  /** Takes in what is wanted and observed now. */
  note(targets: WantedTargets, observed: readonly ObservedTarget[], nowMs: number): void {
    const serving = new Set(observed.filter(isServing).map((target) => target.key))
    const wanted = new Set<TargetKey>()
    for (const { key, pod } of targets.wanted) {
      wanted.add(key)
      this.#pods.set(key, pod)
      this.gone.delete(key)
      if (serving.has(key)) this.pendingSince.delete(key)
      else if (!this.pendingSince.has(key)) this.pendingSince.set(key, nowMs)
    }
    for (const [key, { pod }] of targets.departures) {
      this.#pods.set(key, pod)
      this.gone.delete(key)
    }
    for (const key of this.pendingSince.keys()) if (!wanted.has(key)) this.pendingSince.delete(key)
    const known = new Set([
      ...wanted,
      ...targets.departures.keys(),
      ...observed.map(({ key }) => key),
    ])
    for (const key of this.#pods.keys()) if (!known.has(key)) this.#pods.delete(key)
    for (const key of this.gone) if (!known.has(key)) this.gone.delete(key)
    for (const [key, atMs] of this.#removedAt) {
      if (nowMs - atMs >= removedForMs) this.#removedAt.delete(key)
    }
    this.#removals = this.#removals.filter((one) => nowMs - one.atMs < removalWindowMs)
  }

  /** Remembers targets that AWS accepted. */
  noteRegistered(registrations: readonly Registration[], nowMs: number): void {
    for (const how of registrations) {
      this.#removedAt.delete(how.target.key)
      this.#registeredAt.set(how.target.key, { atMs: nowMs, how })
    }
  }

  /** Remembers targets that AWS lets go. */
  noteDeregistered(removals: readonly Deregistration[], nowMs: number): void {
    for (const { target, isCounted } of removals) {
      this.#registeredAt.delete(target.key)
      this.#removedAt.set(target.key, nowMs)
      if (isCounted) this.#removals.push({ key: target.key, atMs: nowMs })
    }
  }
}
