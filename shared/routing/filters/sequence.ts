// Filters that act in the order in which they are written, as Skipper's do: on a request from the first to the last, on its
// response back to the first. Weir's other filters act in one order in both directions.
//
//   request  ─► a ─► b ─► c ─► upstream          b answers:   request ─► a ─► b
//   response ◄─ a ◄─ b ◄─ c ◄─                                 response ◄─ a ◄─ b     (c was not reached)
//
// Invariant: on an answer that one of them gives act those that were reached; on a failure behind them (no connection, an open
// circuit) none acts, and so what only filters ask for is never said of what they did not let through.
import { assetFaultOf } from './asset-fault.ts'
import { joinEdits } from './compile.ts'
import type {
  FieldEdits,
  Filter,
  FilterKind,
  RequestStep,
  RequestView,
  ResponseStep,
  ResponseView,
  Stages,
} from './kind.ts'
import { createNotes } from './notes.ts'

/** Several filters, in their order. */
export interface SequenceFilter extends Filter {
  readonly kind: 'sequence'
  readonly filters: readonly Filter[]
}

/** The code of an answer that a route gives instead of forwarding: filters act on it as on an upstream's. */
export const shuntCode = 'shunt'

/** Makes the kind; `kindOf` finds those that may stand in it. */
export function sequenceKind(
  kindOf: (kind: string) => FilterKind | undefined,
): FilterKind<SequenceFilter> {
  return {
    kind: 'sequence',
    isGuard: true,
    fault({ filters }) {
      for (const filter of filters) {
        const kind = kindOf(filter.kind)
        if (kind === undefined) return `there is no filter ${filter.kind}`
        const fault = kind.fault(filter)
        if (fault !== undefined) return `${filter.kind}: ${fault}`
      }
      return undefined
    },
    upstreams: ({ filters }) =>
      filters.flatMap((each) => kindOf(each.kind)?.upstreams?.(each) ?? []),
    vouchesFor: ({ filters }) =>
      filters.flatMap((each) => kindOf(each.kind)?.vouchesFor?.(each) ?? []),
    assets: ({ filters }) => filters.flatMap((each) => kindOf(each.kind)?.assets?.(each) ?? []),
    assetFault: ({ filters }, ref, data) => assetFaultOf(filters, kindOf, ref, data),
    compile({ filters }, context) {
      const all = filters.map((each): Stages => kindOf(each.kind)?.compile(each, context) ?? {})
      return { parts: arrange(all.flatMap((stages) => stages.parts ?? [stages])) }
    },
  }
}

/** Puts stages into the order in which they act. */
function arrange(all: readonly Stages[]): readonly Stages[] {
  const looksAtOwn = all.some(({ response, ownEdits }) => response?.includesOwn || ownEdits)
  const progress = looksAtOwn && all.some(({ request }) => request) ? new Progress() : undefined
  return [
    ...requestParts(all, progress),
    ...(progress === undefined ? [] : [{ request: progress.leave() }]),
    ...responseParts(all, progress),
  ]
}

/** How far each request came. */
class Progress {
  readonly #reached = createNotes<number>()

  /** The same step, noting that its filter was reached. */
  enter(step: RequestStep, index: number): RequestStep {
    const note = (request: RequestView) => void this.#reached.set(request, index)
    if (step.kind === 'sync') {
      return {
        ...step,
        decide(request) {
          note(request)
          return step.decide(request)
        },
      }
    }
    return {
      ...step,
      start(request, settle) {
        note(request)
        return step.start(request, settle)
      },
    }
  }

  /** Notes that all filters let a request through. */
  leave(): RequestStep {
    return {
      kind: 'sync',
      decide: (request) => {
        this.#reached.forget(request)
        return undefined
      },
    }
  }

  /** Says whether the filter at `index` was reached, of a request that one of the filters answered. */
  hasReached(request: RequestView, index: number): boolean {
    return index <= (this.#reached.get(request) ?? -1)
  }
}

function requestParts(all: readonly Stages[], progress: Progress | undefined): Stages[] {
  // What stands behind the last that looks is folded into one pass; what stands before it has to be seen.
  const last = all.findLastIndex(({ request, requestBody }) => request ?? requestBody)
  const parts: Stages[] = all.map((stages, index) => {
    const { request, requestEdits: edits, requestBody, responseBody } = stages
    const step = request && (progress?.enter(request, index) ?? request)
    return {
      ...(step && { request: step }),
      ...(requestBody && { requestBody }),
      ...(responseBody && { responseBody }),
      ...(edits && index >= last && { requestEdits: edits }),
      ...(edits && index < last && { request: editing(step, edits) }),
    }
  })
  return parts
}

/** Edits that the filters behind them see. */
function editing(step: RequestStep | undefined, edits: FieldEdits): RequestStep {
  if (step === undefined) {
    return {
      kind: 'sync',
      decide(request) {
        request.editRequest(edits)
        return undefined
      },
    }
  }
  if (step.kind === 'sync') {
    return {
      ...step,
      decide(request) {
        request.editRequest(edits)
        return step.decide(request)
      },
    }
  }
  return {
    ...step,
    start(request, settle) {
      request.editRequest(edits)
      return step.start(request, settle)
    },
  }
}

function responseParts(all: readonly Stages[], progress: Progress | undefined): Stages[] {
  const reversed = [...all.entries()].reverse()
  const own = reversed.flatMap(([index, { ownEdits: edits }]): Stages[] =>
    edits === undefined ? [] : [{ response: ownEditing(edits, index, progress) }],
  )
  if (!all.some(({ response }) => response)) {
    const responseEdits = joinEdits(reversed.map(([, stages]) => stages.responseEdits))
    return responseEdits === undefined ? own : [...own, { responseEdits }]
  }
  return reversed.flatMap(([index, stages]): Stages[] => {
    const { response, responseEdits, ownEdits } = stages
    return [
      ...(response === undefined ? [] : [{ response: reached(response, index, progress) }]),
      ...(responseEdits === undefined ? [] : [{ response: theirEditing(responseEdits) }]),
      ...(ownEdits === undefined ? [] : [{ response: ownEditing(ownEdits, index, progress) }]),
    ]
  })
}

/** Says whether filters act on an answer: an upstream's, one that stands for it, or that of a filter which they lead to. */
function actsOn(response: ResponseView, index: number, progress: Progress | undefined): boolean {
  if (!response.isOwn || response.code === shuntCode) return true
  return progress?.hasReached(response.request, index) === true
}

/** The same step, for a response of a request that reached its filter. */
function reached(step: ResponseStep, index: number, progress: Progress | undefined): ResponseStep {
  if (!step.includesOwn) return step
  if (step.kind === 'sync') {
    return {
      ...step,
      decide: (response) => (actsOn(response, index, progress) ? step.decide(response) : undefined),
    }
  }
  return {
    ...step,
    start(response, settle) {
      if (actsOn(response, index, progress)) return step.start(response, settle)
      settle(undefined)
      return () => {}
    },
  }
}

function theirEditing(edits: FieldEdits): ResponseStep {
  const apply = applying(edits)
  return {
    includesOwn: false,
    kind: 'sync',
    decide(response) {
      apply(response)
      return undefined
    },
  }
}

function ownEditing(
  edits: FieldEdits,
  index: number,
  progress: Progress | undefined,
): ResponseStep {
  const apply = applying(edits)
  return {
    includesOwn: 'only',
    kind: 'sync',
    decide(response) {
      if (actsOn(response, index, progress)) apply(response)
      return undefined
    },
  }
}

/** Edits as changes of a response that others may look at behind them. */
function applying({ dropped, appended }: FieldEdits): (response: ResponseView) => void {
  const lines = appended
    .split('\r\n')
    .slice(0, -1)
    .map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
    })
  return (response) => {
    for (const name of dropped) response.dropField(name)
    for (const [name, value] of lines) response.addField(name, value)
  }
}
