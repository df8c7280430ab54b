// How do the filters of a route become what the request path asks? Once per route, when a worker builds it.
//
// Invariant: filters that cannot be compiled close their route. Nothing throws, and no route is served by half of them.
import type {
  BodySink,
  BodyStage,
  CompileContext,
  FieldEdits,
  Filter,
  FilterKind,
  RequestStep,
  RequestView,
  ResponseStep,
  ResponseView,
  Stages,
  WrapBody,
} from './kind.ts'

/** A step, and whose it is: what goes wrong in it is told by that name. */
export interface Placed<Step> {
  readonly filter: string
  readonly phase: 'request' | 'response'
  readonly step: Step
}

/** The stages of all filters of one route, in their order. What no filter has is undefined. */
export interface Pipeline {
  readonly request: readonly Placed<RequestStep>[] | undefined
  readonly response: readonly Placed<ResponseStep>[] | undefined
  /** Those of `response` that look at what Weir answers itself, too. */
  readonly ownResponse: readonly Placed<ResponseStep>[] | undefined
  /** There are steps or stages for responses of upstreams. */
  readonly seesResponses: boolean
  readonly requestBody: WrapBody<RequestView> | undefined
  readonly responseBody: WrapBody<ResponseView> | undefined
  readonly requestEdits: FieldEdits | undefined
  readonly responseEdits: FieldEdits | undefined
  readonly ownEdits: FieldEdits | undefined
}

/** The pipeline of filters that ask for nothing. */
export const emptyPipeline: Pipeline = {
  request: undefined,
  response: undefined,
  ownResponse: undefined,
  seesResponses: false,
  requestBody: undefined,
  responseBody: undefined,
  requestEdits: undefined,
  responseEdits: undefined,
  ownEdits: undefined,
}

/** Either the stages or the reason why the route must be closed, as the end of a sentence. */
export type CompileResult =
  | { readonly ok: true; readonly pipeline: Pipeline | undefined }
  | { readonly ok: false; readonly reason: string }

/** Compiles one filter; what watches over filters of one's own does it in the place of their kind. */
export type CompileFilter = (kind: FilterKind, filter: Filter, context: CompileContext) => Stages

const compilePlain: CompileFilter = (kind, filter, context) => kind.compile(filter, context)

/** Compiles filters; `pipeline` is undefined when they ask for nothing. */
export function compileFilters(
  filters: readonly Filter[],
  kinds: ReadonlyMap<string, FilterKind>,
  context: CompileContext,
  compile: CompileFilter = compilePlain,
): CompileResult {
  if (filters.length === 0) return { ok: true, pipeline: undefined }
  const all: Stages[] = []
  const names: string[] = []
  for (const filter of filters) {
    const kind = kinds.get(filter.kind)
    if (kind === undefined) return { ok: false, reason: `there is no filter ${filter.kind}` }
    try {
      const fault = kind.fault(filter)
      if (fault !== undefined) return { ok: false, reason: `${filter.kind}: ${fault}` }
      const stages = compile(kind, filter, context)
      for (const part of stages.parts ?? [stages]) {
        all.push(part)
        names.push(filter.kind)
      }
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error)
      return { ok: false, reason: `${filter.kind} cannot be compiled: ${cause}` }
    }
  }
  const pipeline = joinStages(all, names)
  const isEmpty = all.every((stages) => Object.keys(stages).length === 0)
  return { ok: true, pipeline: isEmpty ? undefined : pipeline }
}

function joinStages(all: readonly Stages[], names: readonly string[]): Pipeline {
  const place = <Step>(phase: 'request' | 'response', step: Step | undefined, index: number) =>
    step && { filter: names[index] ?? '', phase, step }
  const responses = all.map((stages, index) => place('response', stages.response, index))
  return {
    request: listOf(all.map((stages, index) => place('request', stages.request, index))),
    response: listOf(responses.filter((each) => each?.step.includesOwn !== 'only')),
    ownResponse: listOf(responses.map((each) => (each?.step.includesOwn ? each : undefined))),
    seesResponses: all.some(
      ({ response, responseBody }) =>
        (response !== undefined && response.includesOwn !== 'only') || responseBody !== undefined,
    ),
    requestBody: chain(all.map((stages) => stages.requestBody)),
    // The last filter is nearest to the upstream: its stage gets the response's bytes first.
    responseBody: chain(all.map((stages) => stages.responseBody).reverse()),
    requestEdits: joinEdits(all.map((stages) => stages.requestEdits)),
    responseEdits: joinEdits(all.map((stages) => stages.responseEdits)),
    ownEdits: joinEdits(all.map((stages) => stages.ownEdits)),
  }
}

function listOf<T>(items: readonly (T | undefined)[]): readonly T[] | undefined {
  const present = items.filter((item) => item !== undefined)
  return present.length === 0 ? undefined : present
}

/** Bytes pass the stages in the order given. */
function chain<View>(items: readonly (WrapBody<View> | undefined)[]): WrapBody<View> | undefined {
  const wraps = listOf(items)
  if (wraps === undefined || wraps.length === 1) return wraps?.[0]
  return (view, last, control) => {
    const stages: BodyStage[] = []
    // Filters look at the head in order, stages are made from the end: each needs the one behind it.
    let next: BodySink = last
    for (const wrap of wraps.toReversed()) {
      const stage = wrap(view, next, control)
      if (stage === undefined) continue
      stages.push(stage)
      next = stage
    }
    const [only] = stages
    if (stages.length <= 1) return only
    return joined(next, stages)
  }
}

function joined(first: BodySink, stages: readonly BodyStage[]): BodyStage {
  return {
    write: (bytes) => first.write(bytes),
    end: (trailers) => first.end(trailers),
    abort: () => {
      for (const stage of stages) stage.abort()
    },
  }
}

/** Later edits have the last word on what earlier ones append. */
export function joinEdits(items: readonly (FieldEdits | undefined)[]): FieldEdits | undefined {
  const list = listOf(items)
  if (list === undefined || list.length === 1) return list?.[0]
  // From the last to the first, so that each line is looked at once, however many edits there are.
  const dropped = new Set<string>()
  const lines: string[] = []
  for (const edits of list.toReversed()) {
    lines.push(withoutNames(edits.appended, dropped))
    for (const name of edits.dropped) dropped.add(name)
  }
  return { dropped, appended: lines.reverse().join('') }
}

/** Joins `before` with what has the last word on it. */
export function joinTwo(before: FieldEdits, after: FieldEdits): FieldEdits {
  return {
    dropped: unionOf(before.dropped, after.dropped),
    appended: withoutNames(before.appended, after.dropped) + after.appended,
  }
}

function unionOf(some: ReadonlySet<string>, others: ReadonlySet<string>): ReadonlySet<string> {
  if (others.size === 0) return some
  return some.size === 0 ? others : new Set([...some, ...others])
}

function withoutNames(lines: string, names: ReadonlySet<string>): string {
  if (names.size === 0) return lines
  let kept = ''
  for (let at = 0; at < lines.length; ) {
    const end = lines.indexOf('\n', at) + 1 || lines.length
    const line = lines.slice(at, end)
    if (!names.has(line.slice(0, line.indexOf(':')).toLowerCase())) kept += line
    at = end
  }
  return kept
}
