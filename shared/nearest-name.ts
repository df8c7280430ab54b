// Which known name did somebody mean who wrote an unknown one? For messages that say "did you mean …?".

/** Finds the known name with the fewest edits, or undefined when none is near enough to be a slip of the keys. */
export function nearestName(given: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined
  let fewest = Math.floor(given.length / 3) + 1
  for (const name of known) {
    const edits = countEdits(given, name)
    if (edits < fewest) {
      fewest = edits
      nearest = name
    }
  }
  return nearest
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
