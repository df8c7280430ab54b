// Which filters of one's own does this proxy have? `--filters FILE` names a module whose export `filters` lists kinds.
//
// Invariant: a module that cannot be loaded, or a kind that takes the name of another, ends the start with a sentence.
import type { Filter, FilterKind } from './kind.ts'

/** A filter of one's own, as `weir.dev/filters: name(arguments)` asks for it. */
export interface OwnFilter extends Filter {
  /** Texts, numbers and booleans as they are written. */
  readonly args: readonly (string | number | boolean)[]
}

/** Says why an export is no list of kinds, as a sentence; undefined when it is one. */
export function faultOfKinds(
  exported: unknown,
  taken: ReadonlyMap<string, FilterKind>,
): string | undefined {
  if (!Array.isArray(exported)) return 'It must export `filters`, a list of kinds.'
  const names = new Set<string>(taken.keys())
  for (const kind of exported) {
    const { kind: name, fault, compile } = (kind ?? {}) as Partial<FilterKind>
    if (typeof name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(name)) {
      return 'Each kind needs a name in `kind`: lower-case letters, digits and -.'
    }
    if (typeof fault !== 'function' || typeof compile !== 'function') {
      return `The kind ${name} needs the functions fault and compile.`
    }
    if (names.has(name)) return `There is a kind ${name} already.`
    names.add(name)
  }
  return undefined
}

/** A kind of one's own, asked in a way that what it throws becomes a fault of the filter: its route is closed, no other. */
export function carefulKind(kind: FilterKind): FilterKind {
  const { upstreams, assets } = kind
  return {
    ...kind,
    fault(filter) {
      try {
        const fault = kind.fault(filter)
        if (fault !== undefined) return String(fault)
        upstreams?.call(kind, filter)
        assets?.call(kind, filter)
        return undefined
      } catch (error) {
        return `its code threw: ${error instanceof Error ? error.message : String(error)}`
      }
    },
    ...(upstreams && { upstreams: (filter) => orNone(() => upstreams.call(kind, filter)) }),
    ...(assets && { assets: (filter) => orNone(() => assets.call(kind, filter)) }),
    compile: (filter, context) => kind.compile(filter, context),
  }
}

/** Nothing where it throws: `fault` has said so. */
function orNone<T>(ask: () => readonly T[]): readonly T[] {
  try {
    return ask()
  } catch {
    return []
  }
}

/** Parses `name(1, "text", true)` lines; a string is the reason, as the end of "The value …". */
export function parseOwnFilters(text: string): readonly OwnFilter[] | string {
  const filters: OwnFilter[] = []
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue
    const match = /^([a-z][a-z0-9-]*)\((.*)\)$/.exec(line)
    if (match === null)
      return 'must have lines of the form name(arguments), such as add-note("x", 3)'
    const args = parseArguments(match[2] ?? '')
    if (args === undefined)
      return 'has arguments that are no texts in quotes, numbers, true or false'
    filters.push({ kind: match[1] ?? '', args })
  }
  return filters.length === 0 ? 'must name at least one filter' : filters
}

/** Arguments are a JSON list without its brackets. */
function parseArguments(text: string): OwnFilter['args'] | undefined {
  try {
    const args: unknown = JSON.parse(`[${text}]`)
    return Array.isArray(args) &&
      args.every((arg) => /^(?:string|number|boolean)$/.test(typeof arg))
      ? args
      : undefined
  } catch {
    return undefined
  }
}
