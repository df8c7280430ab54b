// A distribution in slots: what one observation costs is a walk from the fast end of its bounds and two additions.
import type { Family } from './families.ts'
import type { Slots } from './slots.ts'

/** Where one histogram's numbers lie (see SlotsMessage.size). */
export interface SlotHistogram {
  readonly page: Float64Array
  readonly at: number
  readonly bounds: readonly number[]
}

/** Makes the histogram of a family for one set of labels. */
export function createHistogram(
  slots: Slots,
  family: Extract<Family, { kind: 'histogram' }>,
  labels: Readonly<Record<string, string>>,
): SlotHistogram {
  const { page, at } = slots.histogram(family.name, labels, family.bounds.length)
  return { page, at, bounds: family.bounds }
}

/** Counts one duration. */
export function observe(histogram: SlotHistogram, ms: number): void {
  // Dividing, not multiplying by 0.001: 2.5 ms must equal the bound 0.0025. NaN and what is below 0 count as 0.
  observeValue(histogram, ms > 0 ? ms / 1000 : 0)
}

/** Counts one value, in the unit of the bounds. */
export function observeValue({ page, at, bounds }: SlotHistogram, value: number): void {
  let bucket = 0
  while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1
  page[at + bucket] = (page[at + bucket] ?? 0) + 1
  const sum = at + bounds.length + 1
  page[sum] = (page[sum] ?? 0) + value
}
