// Are requests refused because too many of the last ones failed? The more fail, the more likely, so that an upstream that is
// down is not buried under them ("Handling Overload", Site Reliability Engineering, chapter 21).
//
// Invariant: what is refused counts neither as good nor as bad; counts are each worker's own.
import type { Answer, Filter, FilterKind } from './kind.ts'

/** Refuses some requests while others fail: (total − good / threshold) / (total + 1), to the power of `exponent`. */
export interface AdmissionFilter extends Filter {
  readonly kind: 'admission'
  /** Counts are kept for `slots` × `slotMs`. */
  readonly slotMs: number
  readonly slots: number
  /** With fewer requests per second nobody is refused. */
  readonly minPerSecond: number
  /** Nobody is refused while this part of the requests succeeds, above 0 to 1. */
  readonly threshold: number
  /** The highest chance to be refused, above 0 to 1. */
  readonly maxChance: number
  readonly exponent: number
}

const refusal: Answer = {
  status: 503,
  code: 'admission-refused',
  headers: [
    ['admission-control', 'true'],
    ['content-type', 'text/plain; charset=utf-8'],
  ],
  body: '503 admission-refused\nToo many requests of this route failed: most are refused for a moment.\n',
}

export const admissionKind: FilterKind<AdmissionFilter> = {
  kind: 'admission',
  isGuard: true,
  fault({ slotMs, slots, minPerSecond, threshold, maxChance, exponent }) {
    if (!(slotMs >= 1 && slotMs <= 3_600_000)) return 'the time of a slot must be 1 ms to 1 h'
    if (!(Number.isInteger(slots) && slots >= 1 && slots <= 100))
      return 'there must be 1 to 100 slots'
    if (!(minPerSecond >= 0)) return 'the least requests per second must be 0 or more'
    if (!(threshold > 0 && threshold <= 1)) return 'the threshold must be above 0 to 1'
    if (!(maxChance > 0 && maxChance <= 1)) return 'the highest chance must be above 0 to 1'
    return exponent > 0 ? undefined : 'the exponent must be above 0'
  },
  compile(filter, { clock, random }) {
    const counts = new Counts(filter.slots)
    const slotNow = () => Math.floor(clock.now() / filter.slotMs)
    return {
      request: {
        kind: 'sync',
        decide(request) {
          counts.moveTo(slotNow())
          if (random() < chanceOf(counts, filter)) return refusal
          request.whenFinished(({ status }) => {
            // Nobody knows what becomes of a request whose client went away.
            if (status === 499) return
            counts.moveTo(slotNow())
            counts.note(status < 500)
          })
          return undefined
        },
      },
    }
  },
}

function chanceOf(
  { total, good }: Counts,
  { slotMs, slots, minPerSecond, threshold, maxChance, exponent }: AdmissionFilter,
): number {
  if ((total * 1000) / (slotMs * slots) < minPerSecond) return 0
  const excess = total - good / threshold
  if (excess <= 0) return 0
  return Math.min((excess / (total + 1)) ** exponent, maxChance)
}

/** How many requests there were, and how many were good, in the last slots of time. */
class Counts {
  readonly #totals: Float64Array
  readonly #goods: Float64Array
  #slot = 0
  total = 0
  good = 0

  constructor(slots: number) {
    this.#totals = new Float64Array(slots)
    this.#goods = new Float64Array(slots)
  }

  /** Forgets what is older than all slots. */
  moveTo(slot: number): void {
    const length = this.#totals.length
    const steps = Math.min(slot - this.#slot, length)
    for (let step = 1; step <= steps; step += 1) {
      const at = (((slot - steps + step) % length) + length) % length
      this.total -= this.#totals[at] ?? 0
      this.good -= this.#goods[at] ?? 0
      this.#totals[at] = 0
      this.#goods[at] = 0
    }
    if (steps > 0) this.#slot = slot
  }

  note(isGood: boolean): void {
    const at = this.#slot % this.#totals.length
    this.total += 1
    this.#totals[at] = (this.#totals[at] ?? 0) + 1
    if (!isGood) return
    this.good += 1
    this.#goods[at] = (this.#goods[at] ?? 0) + 1
  }
}
