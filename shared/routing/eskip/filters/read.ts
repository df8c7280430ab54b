// What do the filters of a route of eskip ask for? Calls in their order become filters of Weir and words of the backend.
//
// Invariant: a filter that is unknown, refused or has wrong arguments is a fault, and nothing of the route may be served: it may
// have been there to protect.
import { nearNames, oneOfNames } from '../../../near-names.ts'
import type { Filter } from '../../filters/kind.ts'
import { filterKinds } from '../../filters/kinds.ts'
import type { RateLimitFilter } from '../../filters/rate-limit.ts'
import type { Call, Position } from '../language.ts'
import { Args, ArgumentFault } from './args.ts'
import type { BackendWish, FiltersContext, Made } from './row.ts'
import { filterTable } from './table.ts'

/** What is wrong with one filter. */
export interface FilterFault {
  readonly name: string
  readonly at: Position
  /** One sentence. */
  readonly message: string
  /** What to do about it, one sentence. */
  readonly remedy: string
}

/** A filter that is accepted, and of which something counts for nothing. */
export interface FilterNote {
  readonly name: string
  readonly at: Position
  readonly message: string
}

/** What filters ask for, or why nobody can say. */
export type FiltersReading =
  | {
      readonly ok: true
      readonly filters: readonly Filter[]
      readonly backend: BackendWish
      readonly notes: readonly FilterNote[]
    }
  | { readonly ok: false; readonly faults: readonly FilterFault[] }

/** Each costs every request of its route something. */
const mostFilters = 256

/** Reads the filters of one route. */
export function readFilters(calls: readonly Call[], context: FiltersContext): FiltersReading {
  const beyond = calls[mostFilters]
  if (beyond !== undefined) return { ok: false, faults: [tooMany(beyond, calls.length)] }
  const faults: FilterFault[] = []
  const notes: FilterNote[] = []
  const steps: Filter[] = []
  const around: Filter[] = []
  let backend: BackendWish = {}
  let failsClosed = false
  for (const call of calls) {
    const made = readCall(call, context)
    if ('remedy' in made) {
      faults.push(made)
      continue
    }
    if (made.note !== undefined) notes.push({ name: call.name, at: call.at, message: made.note })
    steps.push(...(made.filters ?? []))
    around.push(...(made.around ?? []))
    backend = joinWishes(backend, made.backend)
    failsClosed ||= made.failsClosed === true
  }
  if (faults.length > 0) return { ok: false, faults }
  const filters = failsClosed ? steps.map(closedWithoutStore) : steps
  const sequence = filters.length === 0 ? [] : [{ kind: 'sequence', filters }]
  return { ok: true, filters: [...around, ...sequence], backend, notes }
}

function tooMany({ name, at }: Call, count: number): FilterFault {
  const message = `the route has ${count} filters, and ${mostFilters} are allowed`
  return { name, at, message, remedy: 'Join filters, or divide the work among routes.' }
}

function readCall({ name, args, at }: Call, context: FiltersContext): Made | FilterFault {
  const row = filterTable.get(name)
  if (row === undefined) {
    const near = oneOfNames(nearNames(name, filterTable.keys()))
    return {
      name,
      at,
      message: `there is no filter ${name}`,
      remedy:
        near === undefined ? 'Use a filter of docs/skipper-filters.md.' : `Did you mean ${near}?`,
    }
  }
  if (row.verdict === 'refused') {
    return { name, at, message: `the filter ${name} is not supported`, remedy: row.note }
  }
  try {
    const made = row.read(new Args(args), context)
    const fault = made.filters?.map(faultOfFilter).find((found) => found !== undefined)
    if (fault !== undefined) throw new ArgumentFault(fault)
    return made
  } catch (error) {
    if (!(error instanceof ArgumentFault)) throw error
    return {
      name,
      at,
      message: `the filter ${name}: ${error.message}`,
      remedy: `Write ${name}(${row.args}).`,
    }
  }
}

function faultOfFilter(filter: Filter): string | undefined {
  return filterKinds.get(filter.kind)?.fault(filter)
}

function closedWithoutStore(filter: Filter): Filter {
  if (filter.kind !== 'rate-limit') return filter
  const limited: Filter & Pick<RateLimitFilter, 'onStoreFailure'> = {
    ...filter,
    onStoreFailure: 'limited',
  }
  return limited
}

/** Joins what two filters ask of the backend; the later has the last word. */
function joinWishes(before: BackendWish, after: BackendWish | undefined): BackendWish {
  if (after === undefined) return before
  const limits = after.limits === undefined ? before.limits : { ...before.limits, ...after.limits }
  const dynamic =
    after.dynamic === undefined ? before.dynamic : { ...before.dynamic, ...after.dynamic }
  return { ...before, ...after, ...(limits && { limits }), ...(dynamic && { dynamic }) }
}
