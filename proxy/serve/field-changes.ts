// What have filters changed of a head's fields? Kept apart until the head is written, then one pass does it all.
import { joinEdits, joinTwo } from '../../shared/routing/filters/compile.ts'
import type { FieldEdits, FieldLines } from '../../shared/routing/filters/kind.ts'
import { dropFields, fieldValue } from '../http/fields.ts'

interface Change {
  readonly name: string
  readonly value: string | undefined
  readonly adds: boolean
  /** Only for a response with one of them; undefined: for all. */
  readonly statuses?: ReadonlySet<number> | undefined
}

const nothingDropped: ReadonlySet<string> = new Set()
const noEdits: FieldEdits = { dropped: nothingDropped, appended: '' }

/** Changes in the order in which they were made. Names are lower case. */
export class FieldChanges {
  readonly #changes: (Change | FieldEdits)[] = []
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

  /** Makes several changes at once, which were prepared. */
  apply(edits: FieldEdits): void {
    this.#changes.push(edits)
  }

  /** The lines of a field as changed, joined by `separator`, as is what `before` says they are without changes. */
  read(name: string, before: () => string | undefined, separator = ', '): string | undefined {
    let values: string[] | undefined
    for (const change of this.#changes) {
      const isPrepared = 'dropped' in change
      const added = isPrepared ? fieldValue(change.appended, name, separator) : change.value
      const replaces = isPrepared ? change.dropped.has(name) : !change.adds
      if (isPrepared ? !replaces && added === undefined : change.name !== name) continue
      if (replaces) values = []
      else if (values === undefined) {
        const first = before()
        values = first === undefined ? [] : [first]
      }
      if (added !== undefined) values.push(added)
    }
    if (values === undefined) return before()
    return values.length === 0 ? undefined : values.join(separator)
  }

  /** The lines that are added, when nothing else is done and none has one of these names: the usual case. */
  addedOnly(except: ReadonlySet<string>): FieldLines | undefined {
    let lines = ''
    for (const change of this.#changes) {
      if ('dropped' in change || !change.adds || except.has(change.name)) return undefined
      lines += lineOf(change)
    }
    return lines
  }

  /** The changes that count for a response with this status. */
  at(status: number): FieldChanges {
    if (!this.#isByStatus) return this
    const changes = new FieldChanges()
    for (const change of this.#changes) {
      const isMeant = 'dropped' in change || change.statuses?.has(status) !== false
      if (isMeant) changes.#changes.push(change)
    }
    return changes
  }

  /** All changes as one edit. */
  get edits(): FieldEdits {
    const [first] = this.#changes
    if (first !== undefined && 'dropped' in first && this.#changes.length === 1) return first
    const appended = this.addedOnly(nothingDropped)
    if (appended !== undefined) return { dropped: nothingDropped, appended }
    return joinEdits(this.#parts()) ?? noEdits
  }

  /** Prepared edits as they are, what was changed one by one between them as one each. */
  #parts(): FieldEdits[] {
    const parts: FieldEdits[] = []
    let run: Change[] = []
    for (const change of this.#changes) {
      if (!('dropped' in change)) run.push(change)
      else {
        parts.push(foldedOf(run), change)
        run = []
      }
    }
    return [...parts, foldedOf(run)]
  }
}

function foldedOf(changes: readonly Change[]): FieldEdits {
  const dropped = new Set<string>()
  let lines: Change[] = []
  for (const change of changes) {
    if (!change.adds) {
      dropped.add(change.name)
      lines = lines.filter((line) => line.name !== change.name)
    }
    if (change.value !== undefined) lines.push(change)
  }
  return { dropped, appended: lines.map(lineOf).join('') }
}

interface Joined {
  before: FieldEdits
  edits: FieldEdits
}

// By what has the last word. What comes before it is the same object for each request, where a filter had it prepared.
const lastJoined = new WeakMap<FieldEdits, Joined>()

function joinWith(before: FieldEdits, fixed: FieldEdits): FieldEdits {
  const last = lastJoined.get(fixed)
  if (last?.before === before) return last.edits
  const edits = joinTwo(before, fixed)
  if (last === undefined) lastJoined.set(fixed, { before, edits })
  else {
    last.before = before
    last.edits = edits
  }
  return edits
}

/** Joins what filters changed while they ran with what was known when the route was built, which has the last word. */
export function bothEdits(
  changes: FieldChanges | undefined,
  fixed: FieldEdits | undefined,
): FieldEdits | undefined {
  if (changes === undefined) return fixed
  if (fixed === undefined) return changes.edits
  const added = changes.addedOnly(fixed.dropped)
  if (added !== undefined) return { dropped: fixed.dropped, appended: added + fixed.appended }
  return joinWith(changes.edits, fixed)
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
