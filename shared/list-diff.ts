// Where do two versions of a list differ? Whoever makes a version may note how it came from the one before; else the items are
// compared by reference. To compare 16,000 objects is to fetch each from memory, half a ms or more: noted edits cost nothing.
//
// Invariant: the items outside the edits are the same in both lists, in the same order. The edits need not be the fewest:
// an item that only moved may be removed and added.

/** From `at` of the list before, `removed` items gave way to `added`. */
export interface ListEdit<T> {
  readonly at: number
  readonly removed: number
  readonly added: readonly T[]
}

// So many neighbours may change at once before the rest of the list counts as one edit.
const maxRun = 64

/** How a list came from another one; a list knows only the version before it, so that older ones can go. */
const notes = new WeakMap<
  readonly unknown[],
  { readonly before: readonly unknown[]; readonly edits: readonly ListEdit<unknown>[] }
>()

/** Notes that `edits` make `after` of `before`. Neither list may change any more. */
export function noteEdits<T>(
  before: readonly T[],
  after: readonly T[],
  edits: readonly ListEdit<T>[],
): void {
  notes.delete(before)
  notes.set(after, { before, edits })
}

/** Lists the differences in order; empty when the lists hold the same items. */
export function diffLists<T>(before: readonly T[], after: readonly T[]): readonly ListEdit<T>[] {
  if (before === after) return []
  const note = notes.get(after)
  // Noted for a list of T: this very one.
  if (note?.before === before) return note.edits as readonly ListEdit<T>[]
  return compareLists(before, after)
}

function compareLists<T>(before: readonly T[], after: readonly T[]): readonly ListEdit<T>[] {
  let ends = 0
  const shorter = Math.min(before.length, after.length)
  while (ends < shorter && before[before.length - 1 - ends] === after[after.length - 1 - ends]) {
    ends += 1
  }
  const oldEnd = before.length - ends
  const newEnd = after.length - ends
  const edits: ListEdit<T>[] = []
  let i = 0
  let j = 0
  while (i < oldEnd || j < newEnd) {
    if (i < oldEnd && j < newEnd && before[i] === after[j]) {
      i += 1
      j += 1
      continue
    }
    const [removed, added] = runLengths(before, i, oldEnd, after, j, newEnd)
    edits.push({ at: i, removed, added: after.slice(j, j + added) })
    i += removed
    j += added
  }
  return edits
}

/** How many items at `i` and at `j` belong to one edit: up to where both lists go on alike, else up to their ends. */
function runLengths<T>(
  before: readonly T[],
  i: number,
  oldEnd: number,
  after: readonly T[],
  j: number,
  newEnd: number,
): readonly [removed: number, added: number] {
  for (let run = 1; run <= maxRun; run += 1) {
    const isOld = i + run < oldEnd
    const isNew = j + run < newEnd
    if (isOld && isNew && before[i + run] === after[j + run]) return [run, run]
    if (isOld && j < newEnd && before[i + run] === after[j]) return [run, 0]
    if (isNew && i < oldEnd && before[i] === after[j + run]) return [0, run]
  }
  return [oldEnd - i, newEnd - j]
}

/** Makes of `derived`, which belongs to a list item by item, what belongs to the list after `edits`; and notes how. */
export function editList<T, U>(
  derived: readonly U[],
  edits: readonly ListEdit<T>[],
  make: (item: T) => U,
): readonly U[] {
  if (edits.length === 0) return derived
  const made = edits.map(({ at, removed, added }) => ({ at, removed, added: added.map(make) }))
  // Whole stretches are copied, which looks at no item. From the last edit to the first, so that places stay valid.
  let edited = derived.slice()
  for (const { at, removed, added } of made.toReversed()) {
    if (added.length === removed)
      for (const [index, item] of added.entries()) edited[at + index] = item
    else edited = edited.slice(0, at).concat(added, edited.slice(at + removed))
  }
  noteEdits(derived, edited, made)
  return edited
}
