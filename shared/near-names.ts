// Which known name did somebody mean who wrote an unknown one? For messages that say "did you mean …?".

// Two kinds of mistakes are known: a slip of the keys (`proxy-body-sise`), and words that were left out or are too many (`filter`
// for `skipper-filter`). Whole words count less than their letters, or `proxy-buffers` would be near to `proxy-buffering`.

//
// Invariant: bounded work, whatever anybody writes: what is longer than any name is near to none, and letters are only compared
// in order where the two names have about the same ones.

const longest = 128

/** Lists the known names with the fewest mistakes, all that tie; none when nothing is near enough to be meant. */
export function nearNames(given: string, known: Iterable<string>): readonly string[] {
  if (given.length > longest) return []
  let nearest: string[] = []
  let fewest = Math.floor(given.length / 3) + 0.9
  for (const name of known) {
    const edits = leastEdits(given, name) > fewest ? undefined : countEdits(given, name)
    const mistakes = Math.min(edits ?? Number.POSITIVE_INFINITY, countWords(given, name))
    if (mistakes < fewest) nearest = []
    if (mistakes <= fewest) nearest.push(name)
    fewest = Math.min(fewest, mistakes)
  }
  return nearest
}

/** Says `a, b or c`; undefined for none, and for more than three, which would be a guess. */
export function oneOfNames(names: readonly string[]): string | undefined {
  if (names.length > 3) return undefined
  const last = names.at(-1)
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${last}` : last
}

/** Counts one mistake and half of one for each word more, when the words of one name are all, in order, in the other. */
function countWords(a: string, b: string): number {
  const [few, many] = [a.split(/[-_]/), b.split(/[-_]/)].toSorted((x, y) => x.length - y.length)
  let found = 0
  for (const word of many ?? []) if (word === few?.[found]) found += 1
  const extra = (many?.length ?? 0) - found
  return found === few?.length && extra <= 2 ? 1 + extra / 2 : Number.POSITIVE_INFINITY
}

/** No fewer edits turn `a` into `b`: each puts right one letter of those that only one of them has. A swap puts right none. */
function leastEdits(a: string, b: string): number {
  const difference = Math.abs(a.length - b.length)
  if (difference > a.length / 3 + 1) return difference
  const counts = new Map<string, number>()
  for (const letter of a) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  for (const letter of b) counts.set(letter, (counts.get(letter) ?? 0) - 1)
  let [tooMany, tooFew] = [0, 0]
  for (const count of counts.values()) {
    if (count > 0) tooMany += count
    else tooFew -= count
  }
  return Math.max(tooMany, tooFew)
}

/** Counts the insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
function countEdits(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1]
      let edits = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (isSame ? 0 : 1),
      )
      if (row > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        edits = Math.min(edits, at(beforeLast, column - 2) + 1)
      }
      current.push(edits)
    }
    beforeLast = last
    last = current
  }
  return at(last, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
