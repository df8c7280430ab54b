// What happens to a request's body between the client and the attempt: passed on, looked at by filters, or gathered first?
//
//   client ─► stage of the filters ─► (gathered until it is whole) ─► attempt
//
// Invariant: a body that is larger than the route allows fails the request.
// Invariant: of a body that is gathered nothing is sent before it is whole (gathered-body.ts says what happens to large ones).
import type { FailureCode } from '../../shared/routing/failure.ts'
import type {
  BodySink,
  BodyStage,
  FieldLines,
  RequestView,
  WrapBody,
} from '../../shared/routing/filters/kind.ts'
import { dropFields } from '../http/fields.ts'
import type { ClientStream } from '../http/stream.ts'
import type { Attempt } from './attempt.ts'
import { GatheredBody, type GatherOwner } from './gathered-body.ts'
import type { LiveForward } from './live-route.ts'
import type { SpoolFile } from './spool-file.ts'

const continueHead = {
  status: 100,
  reason: 'Continue',
  fields: '',
  bodyLength: 0,
  upgrade: '',
  headBytes: 0,
  hasDate: false,
  hasServer: false,
} as const

const lengthField: ReadonlySet<string> = new Set(['content-length'])

/** The way of a request's body, for one request after another. */
export class RequestBody implements GatherOwner {
  readonly #client: ClientStream
  readonly #attempt: Attempt
  readonly #fail: (code: FailureCode) => void
  #stage: BodyStage | undefined
  /** What the last stage writes to. */
  #sink: BodySink
  #isEnded = false
  #backend: LiveForward | undefined
  #gathered: GatheredBody | undefined
  /** What was gathered of a body that goes on as it comes. */
  #prefix: readonly Buffer[] | undefined
  /** The request is over, though its client may not have seen the answer yet and goes on sending. */
  #isClosed = false

  constructor(client: ClientStream, attempt: Attempt, fail: (code: FailureCode) => void) {
    this.#client = client
    this.#attempt = attempt
    this.#fail = fail
    this.#sink = attempt
  }

  /** Begins with the next request: its body goes straight to the attempt. */
  begin(): void {
    this.#sink = this.#attempt
    this.#stage = undefined
    this.#gathered = undefined
    this.#prefix = undefined
    this.#isEnded = false
    this.#isClosed = false
  }

  /** Lets the filters' stage see the body. */
  filter(wrap: WrapBody<RequestView>, view: RequestView): void {
    const last: BodySink = {
      write: (bytes) => this.#sink.write(bytes),
      end: (trailers) => this.#sink.end(trailers),
    }
    let isOver = () => false
    const stage = wrap(view, last, {
      resume: () => {
        if (!isOver()) this.#client.readBody()
      },
      forgetLength: () => {
        this.#attempt.bodyLength = undefined
        this.#attempt.fields = dropFields(this.#attempt.fields, lengthField)
      },
      fail: (code) => {
        if (!isOver()) this.#fail(code)
      },
    })
    // What a stage says after its request is over must not reach the next one.
    isOver = () => this.#stage !== stage
    this.#stage = stage
  }

  /** Starts the attempt when the body is whole. A client that waits for 100 gets it from us (RFC 9110 §10.1.1). */
  gather(backend: LiveForward, isExpected: boolean): void {
    this.#backend = backend
    this.#gathered = new GatheredBody(backend, this)
    this.#sink = this.#gathered
    this.#attempt.expectsContinue = false
    if (isExpected) this.#client.interim(continueHead)
    this.#client.readBody()
  }

  onGathered(pieces: readonly Buffer[], file: SpoolFile | undefined): void {
    const backend = this.#backend
    const attempt = this.#attempt
    if (backend === undefined) return
    // nginx tells the length of a body that came in chunks, as it knows it then.
    if (backend.spills && attempt.bodyLength === undefined) {
      attempt.bodyLength = this.#gathered?.length ?? 0
      attempt.fields += `Content-Length: ${attempt.bodyLength}\r\n`
    }
    attempt.start(backend, pieces, file)
  }

  onUngatherable(pieces: readonly Buffer[]): void {
    this.#sink = this.#attempt
    this.#gathered = undefined
    this.#prefix = pieces
    if (this.#backend !== undefined) this.#attempt.start(this.#backend)
  }

  onGatherDrained(): void {
    this.#client.readBody()
  }

  fail(code: FailureCode): void {
    this.#fail(code)
  }

  /** Lets the body come for a try that is ready for it. One that was read has none, or its end is all that is left of it. */
  ask(): void {
    const prefix = this.#prefix
    this.#prefix = undefined
    for (const bytes of prefix ?? []) this.#attempt.write(bytes)
    if (!this.#client.isRequestRead) this.#client.readBody()
    else this.end('')
  }

  /** Takes bytes of a body that may have `maxBytes`; the client waits until the stage or the attempt takes more. */
  take(bytes: Buffer, maxBytes: number): void {
    if (this.#isClosed) return
    if (this.#client.bytesIn > maxBytes) this.#fail('body-too-large')
    else if (!(this.#stage ?? this.#sink).write(bytes)) this.#client.pauseBody()
  }

  /** The body is complete. A retry of a request without one comes here again: the stage has seen its end. */
  end(trailers: FieldLines): void {
    if (this.#isClosed) return
    if (this.#isEnded) {
      this.#attempt.end(trailers)
      return
    }
    this.#isEnded = true
    const end = this.#stage ?? this.#sink
    end.end(trailers)
  }

  /** The request is over: nothing that a stage says later counts, and what still comes of the body goes nowhere. */
  close(): void {
    this.#isClosed = true
    if (!this.#isEnded) this.#stage?.abort()
    this.#stage = undefined
    this.#gathered?.close()
    this.#gathered = undefined
  }
}
