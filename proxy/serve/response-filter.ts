// What do a route's filters make of an upstream's response: its head, then its body?
//
//   attempt ─► (held while a step waits) ─► stage of the filters ─► client
//
// Invariant: while a step waits the upstream is paused, and what had been read of the body is kept, in order.
import type { FailureCode } from '../../shared/routing/failure.ts'
import type { Pipeline, Placed } from '../../shared/routing/filters/compile.ts'
import type {
  Answer,
  BodySink,
  BodyStage,
  FieldLines,
  ResponseStep,
} from '../../shared/routing/filters/kind.ts'
import type { ClientStream, ResponseHead } from '../http/stream.ts'
import type { Attempt } from './attempt.ts'
import type { ExchangeView } from './request-view.ts'
import { ExchangeResponse } from './response-view.ts'
import type { StepRunner } from './step-runner.ts'

/** What of a head outlives the connection's next response. */
export type HeadFacts = Pick<
  ResponseHead,
  'status' | 'reason' | 'upgrade' | 'hasDate' | 'hasServer'
>

/** What the exchange does with the outcome. */
export interface ResponseOwner {
  relay(head: HeadFacts, status: number, lines: FieldLines, bodyLength: number | undefined): void
  replace(verdict: Answer | FailureCode): void
  /** The response is complete. */
  finish(): void
  fail(code: FailureCode): void
}

const noSteps: readonly Placed<ResponseStep>[] = []

/** Takes one response through the filters. */
export class ResponseFilter {
  readonly #client: ClientStream
  readonly #attempt: Attempt
  readonly #owner: ResponseOwner
  #held: Buffer[] | undefined = []
  #heldEnd: FieldLines | undefined
  #stage: BodyStage | undefined
  #isStageFull = false
  #isDone = false
  #isClosed = false
  /** The head is still being read: its body follows in the same turn, and one write takes both. */
  #isAtHead = false

  constructor(client: ClientStream, attempt: Attempt, owner: ResponseOwner) {
    this.#client = client
    this.#attempt = attempt
    this.#owner = owner
  }

  /** Runs the response steps, then relays the head and what follows. */
  run(head: ResponseHead, view: ExchangeView, pipeline: Pipeline, runner: StepRunner): void {
    const { status, reason, upgrade, hasDate, hasServer } = head
    const facts: HeadFacts = { status, reason, upgrade, hasDate, hasServer }
    const response = new ExchangeResponse(view, status, head.fields, head.bodyLength, undefined)
    this.#isAtHead = true
    runner.run(pipeline.response ?? noSteps, response, (verdict) => {
      if (verdict !== undefined) {
        this.#held = undefined
        this.#owner.replace(verdict)
        return
      }
      if (status !== 101) this.#stage = this.#wrap(pipeline, response)
      this.#owner.relay(facts, response.status, response.lines, response.bodyLength)
      this.#release()
    })
    this.#isAtHead = false
  }

  /** The upstream has to wait: for a step, or for a stage that is full. */
  get isWaiting(): boolean {
    return this.#held !== undefined || this.#isStageFull
  }

  write(bytes: Buffer): void {
    // The memory is the connection's again when this returns.
    if (this.#held !== undefined) this.#held.push(Buffer.from(bytes))
    else if (this.#stage === undefined) this.#client.write(bytes)
    else if (!this.#stage.write(bytes)) this.#isStageFull = true
  }

  end(trailers: FieldLines): void {
    if (this.#held !== undefined) this.#heldEnd = trailers
    else if (this.#stage !== undefined) this.#stage.end(trailers)
    else {
      this.#client.end(trailers)
      this.#owner.finish()
    }
  }

  /** The response is over, complete or not: nothing that a stage says later counts. */
  close(): void {
    this.#isClosed = true
    this.#held = undefined
    if (!this.#isDone) this.#stage?.abort()
  }

  #wrap(pipeline: Pipeline, response: ExchangeResponse): BodyStage | undefined {
    const last: BodySink = {
      write: (bytes) => {
        if (this.#isClosed) return true
        const mayGoOn = this.#client.write(bytes)
        this.#client.flush()
        return mayGoOn
      },
      end: (trailers) => {
        if (this.#isClosed) return
        this.#isDone = true
        this.#client.end(trailers)
        this.#owner.finish()
      },
    }
    return pipeline.responseBody?.(response, last, {
      forgetLength: () => {
        response.bodyLength = undefined
      },
      resume: () => {
        this.#isStageFull = false
        if (!this.#isClosed && !this.#client.isCongested) this.#attempt.resume()
      },
      fail: (code) => {
        if (!this.#isClosed) this.#owner.fail(code)
      },
    })
  }

  /** Passes on what was held, and lets the rest come. */
  #release(): void {
    const held = this.#held
    const end = this.#heldEnd
    this.#held = undefined
    for (const bytes of held ?? []) this.write(bytes)
    if (end !== undefined) this.end(end)
    else if (!this.#isAtHead) {
      this.#client.flush()
      if (!this.isWaiting && !this.#client.isCongested) this.#attempt.resume()
    }
  }
}
