// A stage for tests of filters: a request, a response and a context to compile in, all in memory, with a clock that the test moves.
//
// Invariant: the views keep the promises of kind.ts (lower-case names, joined lines, `whenFinished` once), so that a filter
// that passes here asks nothing of the exchange that it does not give.
import { fitsHash } from '../../password-hash.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import type {
  AssetData,
  AssetRef,
  CallRequest,
  CallResult,
  CompileContext,
  ConnectionTls,
  FieldEdits,
  Outcome,
  RequestStep,
  RequestView,
  ResponseView,
  SharedCounters,
  SharedStore,
  Verdict,
} from '../filters/kind.ts'
import type { SpanData } from '../span.ts'

type Lines = string | readonly string[]

/** A request in short: GET http://a.test/ of 192.0.2.1 without a body unless said otherwise. Names in any case. */
export interface RequestSketch {
  readonly method?: string
  readonly scheme?: 'http' | 'https'
  readonly tls?: ConnectionTls
  readonly host?: string
  readonly authority?: string
  readonly believedHost?: string
  readonly path?: string
  /** With its `?`. */
  readonly query?: string
  readonly clientAddress?: string
  /** The client's unless said otherwise. */
  readonly peerAddress?: string
  readonly requestId?: string
  readonly bodyLength?: number | undefined
  readonly draw?: number
  readonly fields?: Readonly<Record<string, Lines>>
}

/** A request that remembers what was done to it. */
export interface StagedRequest extends RequestView {
  /** The fields that go upstream now: all lines of each. */
  readonly upstreamFields: ReadonlyMap<string, readonly string[]>
  /** What `setResponseField` asked for. */
  readonly responseFields: ReadonlyMap<string, readonly string[]>
  /** Ends the exchange: 200 without a failure unless said otherwise. */
  finish(outcome?: Partial<Outcome>): void
}

/** Makes the view of a request. */
export function requestView(sketch: RequestSketch = {}): StagedRequest {
  const { path = '/', query = '', host = 'a.test', clientAddress = '192.0.2.1' } = sketch
  const fields = new FieldMap(sketch.fields)
  const responseFields = new FieldMap()
  const waiting: ((outcome: Outcome) => void)[] = []
  return {
    method: sketch.method ?? 'GET',
    scheme: sketch.scheme ?? 'http',
    tls: sketch.tls,
    host,
    authority: sketch.authority ?? host,
    believedHost: sketch.believedHost ?? '',
    path,
    query,
    clientAddress,
    peerAddress: sketch.peerAddress ?? clientAddress,
    requestId: sketch.requestId ?? 'request-1',
    bodyLength: 'bodyLength' in sketch ? sketch.bodyLength : 0,
    draw: sketch.draw ?? 0.5,
    target: path + query,
    upstreamHost: '',
    get fields() {
      return fields.text
    },
    field: (name) => fields.joined(name),
    values: (name) => fields.lines.get(name) ?? [],
    cookie: (name) => cookieOf(fields.joined('cookie') ?? '', name),
    setField: (name, value) => fields.set(name, value),
    dropField: (name) => fields.drop(name),
    setResponseField: (name, value, append) =>
      append === true ? responseFields.add(name, value) : responseFields.set(name, value),
    editRequest: (edits) => fields.edit(edits),
    editResponse: (edits) => responseFields.edit(edits),
    whenFinished: (callback) => void waiting.push(callback),
    upstreamFields: fields.lines,
    responseFields: responseFields.lines,
    finish(outcome = {}) {
      for (const callback of waiting.splice(0)) callback({ ...plainOutcome, ...outcome })
    },
  }
}

const plainOutcome: Outcome = {
  status: 200,
  failure: '',
  protocol: 'HTTP/1.1',
  service: '',
  endpoint: '',
  retries: 0,
}

/** A response in short: an upstream's 200 of unknown length unless said otherwise. */
export interface ResponseSketch {
  readonly request?: RequestView
  readonly isOwn?: boolean
  readonly code?: string
  readonly status?: number
  readonly fields?: Readonly<Record<string, Lines>>
  readonly bodyLength?: number | undefined
}

/** A response that remembers what was done to it. */
export interface StagedResponse extends ResponseView {
  /** The fields that go to the client now: all lines of each. */
  readonly fields: ReadonlyMap<string, readonly string[]>
}

/** Makes the view of a response. */
export function responseView(sketch: ResponseSketch = {}): StagedResponse {
  const fields = new FieldMap(sketch.fields)
  return {
    request: sketch.request ?? requestView(),
    isOwn: sketch.isOwn ?? false,
    code: sketch.code ?? '',
    status: sketch.status ?? 200,
    bodyLength: sketch.bodyLength,
    ownBody: undefined,
    field: (name) => fields.joined(name),
    values: (name) => fields.lines.get(name) ?? [],
    setField: (name, value) => fields.set(name, value),
    addField: (name, value) => fields.add(name, value),
    dropField: (name) => fields.drop(name),
    fields: fields.lines,
  }
}

/** A call that a filter made, to be answered by the test. */
export interface StagedCall {
  readonly upstream: string
  readonly request: CallRequest
  isCancelled: boolean
  /** Gives the result; not after the cancel. */
  answer(result: CallResult): void
}

/** A context to compile in, and what a test may do with it. */
export interface StagedContext extends CompileContext {
  readonly clock: ManualClock
  /** All calls so far, oldest first. */
  readonly calls: readonly StagedCall[]
  /** Spans so far, oldest first. */
  readonly finishedSpans: readonly SpanData[]
  /** Delivers an asset, or takes it away. */
  setAsset(ref: AssetRef, data: AssetData | undefined): void
}

/** What a context may be made with. */
export interface ContextSketch {
  readonly routeKey?: string
  readonly seed?: number
  /** 1 unless said otherwise. */
  readonly workers?: number
  readonly store?: SharedStore
  /** False: nobody exports spans. */
  readonly traces?: boolean
}

/** Makes a context: time stands still, random numbers are those of the seed, calls wait, there are no assets and no store. */
export function compileContext(sketch: ContextSketch = {}): StagedContext {
  const clock = new ManualClock()
  const calls: StagedCall[] = []
  const data = new Map<string, AssetData>()
  const finishedSpans: SpanData[] = []
  const nameOf = ({ kind, name }: AssetRef) => `${kind} ${name}`
  return {
    clock,
    random: seededRandom(sketch.seed ?? 1),
    routeKey: sketch.routeKey ?? 'default/rules a.test/',
    place: { namespace: 'default', name: 'rules', path: '/' },
    spans: { isOpen: sketch.traces ?? true, add: (span) => void finishedSpans.push(span) },
    finishedSpans,
    workers: sketch.workers ?? 1,
    shared: plainCounters(clock),
    store: sketch.store,
    calls,
    call(upstream, request, onResult) {
      const call: StagedCall = {
        upstream,
        request,
        isCancelled: false,
        answer(result) {
          if (!call.isCancelled) onResult(result)
        },
      }
      calls.push(call)
      return () => {
        call.isCancelled = true
      }
    },
    callHost(host, request, onResult) {
      return this.call(`host ${host}`, request, onResult)
    },
    verifyPassword: (hash, password, onResult) => {
      onResult(fitsHash(hash, password))
      return () => {}
    },
    publicKey: (_ref, onResult) => {
      onResult({ kind: 'unavailable' })
      return () => {}
    },
    setAsset(ref, given) {
      if (given === undefined) data.delete(nameOf(ref))
      else data.set(nameOf(ref), given)
    },
    asset<T>(ref: AssetRef, parse: (data: AssetData) => T) {
      let version: AssetData | undefined
      let value: T | undefined
      return {
        get value() {
          const now = data.get(nameOf(ref))
          if (now !== version) {
            version = now
            value = now === undefined ? undefined : parseOrNot(now, parse)
          }
          return value
        },
      }
    },
  }
}

/** What a request step has decided so far. */
export interface StepRun {
  /** Settled verdicts, in order: one, unless the step breaks its promise. */
  readonly verdicts: readonly Verdict[]
  readonly cancel: () => void
}

/** Runs a request step as the exchange does; a sync one has settled at once. Its deadline is the exchange's affair. */
export function runStep(step: RequestStep | undefined, request: RequestView): StepRun {
  if (step === undefined) throw new Error('the filter has no request step')
  const verdicts: Verdict[] = []
  if (step.kind === 'sync') {
    verdicts.push(step.decide(request))
    return { verdicts, cancel: () => {} }
  }
  return { verdicts, cancel: step.start(request, (verdict) => void verdicts.push(verdict)) }
}

/** GCRA over a plain map: what SharedCounters promises, in the fewest words. */
export function plainCounters(clock: { now(): number }): SharedCounters {
  const arrivals = new Map<string, number>()
  return {
    take(key, intervalMs, burst) {
      const now = clock.now()
      const arrival = Math.max(arrivals.get(key) ?? now, now)
      const waitMs = arrival - now - (burst - 1) * intervalMs
      if (waitMs > 0) return waitMs
      arrivals.set(key, arrival + intervalMs)
      return 0
    },
  }
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Field lines by lower-case name. */
class FieldMap {
  readonly lines = new Map<string, readonly string[]>()

  constructor(fields: Readonly<Record<string, Lines>> = {}) {
    for (const [name, value] of Object.entries(fields)) {
      this.lines.set(name.toLowerCase(), typeof value === 'string' ? [value] : value)
    }
  }

  get text(): string {
    return [...this.lines]
      .flatMap(([name, values]) => values.map((value) => `${name}: ${value}\r\n`))
      .join('')
  }

  joined(name: string): string | undefined {
    return this.lines.get(name)?.join(', ')
  }

  set(name: string, value: string): void {
    refuseUnsafe(name, value)
    this.lines.set(name, [value])
  }

  add(name: string, value: string): void {
    refuseUnsafe(name, value)
    this.lines.set(name, [...(this.lines.get(name) ?? []), value])
  }

  drop(name: string): void {
    this.lines.delete(name)
  }

  edit({ dropped, appended }: FieldEdits): void {
    for (const name of dropped) this.drop(name)
    for (const [name, value] of linesOf(appended)) this.add(name, value)
  }
}

/** Reads ready lines; what could not be one throws. */
function linesOf(text: string): [name: string, value: string][] {
  return text
    .split('\r\n')
    .slice(0, -1)
    .map((line) => {
      const at = line.indexOf(': ')
      if (at === -1) throw new Error(`no field line: ${line}`)
      return [line.slice(0, at), line.slice(at + 2)]
    })
}

function refuseUnsafe(name: string, value: string): void {
  if (name !== name.toLowerCase()) throw new Error(`not in lower case: ${name}`)
  if (/[\r\n\0]/.test(value)) throw new Error(`the value of ${name} would split the head`)
}

function cookieOf(header: string, name: string): string | undefined {
  const pair = header
    .split(';')
    .map((text) => text.trim())
    .find((text) => text.startsWith(`${name}=`))
  return pair?.slice(name.length + 1)
}

function parseOrNot<T>(data: AssetData, parse: (data: AssetData) => T): T | undefined {
  try {
    return parse(data)
  } catch {
    return undefined
  }
}
