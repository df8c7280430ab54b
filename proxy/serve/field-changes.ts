// What have filters changed of a head's fields? Kept apart until the head is written, then one pass does it all.
import { joinEdits } from '../../shared/routing/filters/compile.ts'
import type { FieldEdits, FieldLines } from '../../shared/routing/filters/kind.ts'
import { dropFields } from '../http/fields.ts'

interface Change {
  readonly name: string
  readonly value: string | undefined
  readonly adds: boolean
  /** Only for a response with one of them; undefined: for all. */
  readonly statuses?: ReadonlySet<number> | undefined
}

const nothingDropped: ReadonlySet<string> = new Set()

/** Changes in the order in which they were made. Names are lower case. */
export class FieldChanges {
  readonly #changes: Change[] = []
  #isByStatus = false

  /** Replaces all lines of a field. Throws a RangeError on a value that could end its line (RFC 9110 §5.5). */
  set(name: string, value: string): void {
    this.#changes.push({ name, value: checked(name, value), adds: false })
  }

  /** Adds a line; with `statuses`, only to a response with one of them. Throws as `set` does. */
  add(name: string, value: string, statuses?: ReadonlySet<number>): void {
    this.#changes.push({ name, value: checked(name, value), adds: true, statuses })
    if (statuses !== undefined) this.#isByStatus = true
  }

  drop(name: string): void {
    this.#changes.push({ name, value: undefined, adds: false })
  }

  /** The lines of a field as changed, joined by `separator`, as is what `before` says they are without changes. */
  read(name: string, before: () => string | undefined, separator = ', '): string | undefined {
    let values: string[] | undefined
    for (const change of this.#changes) {
      if (change.name !== name) continue
      if (values === undefined) {
        const first = change.adds ? before() : undefined
        values = first === undefined ? [] : [first]
      } else if (!change.adds) values = []
      if (change.value !== undefined) values.push(change.value)
    }
    if (values === undefined) return before()
    return values.length === 0 ? undefined : values.join(separator)
  }

  /** Says whether lines are added only, and none of them by one of these names: the usual case. */
  addsOnly(except: ReadonlySet<string>): boolean {
    for (const { name, adds } of this.#changes) if (!adds || except.has(name)) return false
    return true
  }

  /** The changes that count for a response with this status. */
  at(status: number): FieldChanges {
    if (!this.#isByStatus) return this
    const changes = new FieldChanges()
    for (const change of this.#changes) {
      if (change.statuses?.has(status) !== false) changes.#changes.push(change)
    }
    return changes
  }

  /** All changes as one edit. */
  get edits(): FieldEdits {
    if (this.addsOnly(nothingDropped)) return { dropped: nothingDropped, appended: this.added }
    const dropped = new Set<string>()
    let lines: Change[] = []
    for (const change of this.#changes) {
      if (!change.adds) {
        dropped.add(change.name)
        lines = lines.filter((line) => line.name !== change.name)
      }
      if (change.value !== undefined) lines.push(change)
    }
    return { dropped, appended: lines.map(lineOf).join('') }
  }

  /** The lines of what is set or added. */
  get added(): FieldLines {
    let lines = ''
    for (const change of this.#changes) if (change.value !== undefined) lines += lineOf(change)
    return lines
  }
}

/** Joins what filters changed while they ran with what was known when the route was built, which has the last word. */
export function bothEdits(
  changes: FieldChanges | undefined,
  fixed: FieldEdits | undefined,
): FieldEdits | undefined {
  if (changes === undefined) return fixed
  if (fixed === undefined) return changes.edits
  if (changes.addsOnly(fixed.dropped)) {
    return { dropped: fixed.dropped, appended: changes.added + fixed.appended }
  }
  return joinEdits([changes.edits, fixed])
}

/** Makes the lines that edits leave. */
export function applyEdits(lines: FieldLines, edits: FieldEdits | undefined): FieldLines {
  if (edits === undefined) return lines
  return (edits.dropped.size > 0 ? dropFields(lines, edits.dropped) : lines) + edits.appended
}

function lineOf({ name, value }: Change): string {
  return `${name}: ${value}\r\n`
}

function checked(name: string, value: string): string {
  if (/[\r\n\0]/.test(value)) throw new RangeError(`a value of ${name} has a line end or NUL`)
  return value
}
