// The filters of a route at work on one exchange, request by request. Made when a route first has some.
import type { Pipeline } from '../../shared/routing/filters/compile.ts'
import type {
  Answer,
  FieldEdits,
  FieldLines,
  Outcome,
  Verdict,
} from '../../shared/routing/filters/kind.ts'
import type { PeerFacts, RequestFacts } from '../http/forwarded.ts'
import type { ClientStream, RequestHead, ResponseHead } from '../http/stream.ts'
import type { Attempt } from './attempt.ts'
import { bothEdits } from './field-changes.ts'
import type { LiveRoute } from './live-route.ts'
import type { RequestBody } from './request-body.ts'
import { ExchangeView } from './request-view.ts'
import { ResponseFilter, type ResponseOwner } from './response-filter.ts'
import { ExchangeResponse } from './response-view.ts'
import { StepRunner } from './step-runner.ts'
import type { WorkerState } from './worker-state.ts'

/** Runs the stages of one request's pipeline. */
export class Filtering {
  readonly #client: ClientStream
  readonly #attempt: Attempt
  readonly #runner: StepRunner
  readonly view: ExchangeView
  #route: LiveRoute | undefined
  #pipeline: Pipeline | undefined
  #response: ResponseFilter | undefined
  /** They had their say about the response: what takes its place is not shown to them again. */
  #hasAnswered = false

  constructor(worker: WorkerState, client: ClientStream, attempt: Attempt, peer: PeerFacts) {
    this.#client = client
    this.#attempt = attempt
    this.#runner = new StepRunner(worker.clock, (fault) =>
      worker.reportFault({ ...fault, route: this.#route?.route }),
    )
    this.view = new ExchangeView(worker.random, peer, worker.guard)
  }

  /** Begins with the next request; called again for the same one it changes nothing. */
  begin(head: RequestHead, facts: RequestFacts): void {
    if (!this.view.begin(head, facts)) return
    this.#route = undefined
    this.#pipeline = undefined
    this.#response = undefined
    this.#hasAnswered = false
  }

  /** Runs the request steps; `done` gets the first verdict, or undefined: at once when nothing waits. */
  admit(route: LiveRoute, done: (verdict: Verdict) => void): void {
    this.#route = route
    this.#pipeline = route.pipeline
    const steps = route.pipeline?.request
    if (steps === undefined) done(undefined)
    else this.#runner.run(steps, this.view, done)
  }

  /** Lets the filters' stage see the request's body. */
  wrapBody(body: RequestBody): void {
    const wrap = this.#pipeline?.requestBody
    if (wrap !== undefined) body.filter(wrap, this.view)
  }

  /** Changes of the fields that go upstream. */
  get requestEdits(): FieldEdits | undefined {
    return bothEdits(this.view.requestChanges, this.#pipeline?.requestEdits)
  }

  /** Changes of a response: of an upstream's, or of one of Weir's own. */
  responseEdits(isOwn: boolean, status: number): FieldEdits | undefined {
    const changes = this.view.responseChanges?.at(status)
    const pipeline = this.#pipeline
    return bothEdits(changes, isOwn ? pipeline?.ownEdits : pipeline?.responseEdits)
  }

  /** Takes an upstream's response through the filters; false when they do not look at any. */
  takeResponse(head: ResponseHead, owner: ResponseOwner): boolean {
    const pipeline = this.#pipeline
    if (pipeline?.seesResponses !== true) return false
    this.#hasAnswered = true
    this.#response = new ResponseFilter(this.#client, this.#attempt, owner)
    this.#response.run(head, this.view, pipeline, this.#runner)
    return true
  }

  /** The response that filters work on; undefined when they do not. */
  get response(): ResponseFilter | undefined {
    return this.#response
  }

  /** Shows a response of Weir's own to the filters that want it. */
  takeOwn(
    { status, code, body }: Answer,
    lines: FieldLines,
    send: (status: number, lines: FieldLines, body: Answer['body']) => void,
    replace: (verdict: Exclude<Verdict, undefined>) => void,
  ): void {
    const steps = this.#hasAnswered ? undefined : this.#pipeline?.ownResponse
    if (steps === undefined) {
      send(status, lines, body)
      return
    }
    this.#hasAnswered = true
    const response = new ExchangeResponse(this.view, status, lines, Buffer.byteLength(body), code)
    response.ownBody = body
    this.#runner.run(steps, response, (verdict) => {
      if (verdict !== undefined) replace(verdict)
      else send(response.status, response.lines, response.ownBody ?? body)
    })
  }

  /** Nothing that a filter says later counts for this request. */
  stop(): void {
    this.#runner.cancel()
    this.#response?.close()
    this.#response = undefined
  }

  /** The exchange is over. */
  finish(outcome: Outcome): void {
    this.stop()
    this.view.finish(outcome)
  }
}
