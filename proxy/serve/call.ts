// How does Weir send a request of its own (to ask for leave, to mirror, to fetch a page) through the same pools as its clients'?
//
// Invariant: `onResult` is called once, or never after a cancel; all of a call ends within its `timeoutMs`, right to a tick.
import type { FailureCode } from '../../shared/routing/failure.ts'
import type { CallRequest, CallResult, Cancel } from '../../shared/routing/filters/kind.ts'
import { dropFields } from '../http/fields.ts'
import type { ResponseHead } from '../http/stream.ts'
import { tickMs } from '../net/coarse-time.ts'
import { Attempt } from './attempt.ts'
import type { AttemptLog, AttemptOwner } from './attempt-owner.ts'
import type { LiveForward } from './live-route.ts'
import type { WorkerState } from './worker-state.ts'

const unwritten: AttemptLog = {
  noteService: () => {},
  noteEndpoint: () => {},
  noteConnecting: () => {},
  noteConnected: () => {},
  noteForwarded: () => {},
  noteRetry: () => {},
}

const noBytes = Buffer.alloc(0)
const contentLength: ReadonlySet<string> = new Set(['content-length'])

/** Sends a request to a backend; the result comes later, never before this returns. */
export function startCall(
  worker: WorkerState,
  backend: LiveForward,
  request: CallRequest,
  onResult: (result: CallResult) => void,
): Cancel {
  const call = new Call(worker, request, onResult)
  // A failure that is known at once must not reach a caller that does not have the cancel yet.
  queueMicrotask(() => call.start(backend))
  return () => call.cancel()
}

class Call implements AttemptOwner {
  readonly #worker: WorkerState
  readonly #request: CallRequest
  readonly #onResult: (result: CallResult) => void
  readonly #attempt: Attempt
  readonly #endsAt: number
  readonly #pieces: Buffer[] = []
  #length = 0
  #status = 0
  #fields = ''
  #isOver = false

  constructor(worker: WorkerState, request: CallRequest, onResult: (result: CallResult) => void) {
    this.#worker = worker
    this.#request = request
    this.#onResult = onResult
    this.#attempt = new Attempt(worker, this, unwritten)
    this.#endsAt = worker.time.now + tickMs + request.timeoutMs
    worker.calls.add(this)
  }

  start(backend: LiveForward): void {
    if (this.#isOver) return
    const { method, target, authority, fields, body = noBytes } = this.#request
    const attempt = this.#attempt
    const hasLength = body.length > 0 || method === 'POST' || method === 'PUT'
    attempt.method = method
    attempt.target = target
    attempt.authority = authority
    // RFC 9110 §8.6: a length where a body is expected, even an empty one.
    const lines = dropFields(fields, contentLength)
    attempt.fields = hasLength ? `${lines}Content-Length: ${body.length}\r\n` : lines
    attempt.bodyLength = body.length
    attempt.start(backend, body.length === 0 ? [] : [body])
  }

  cancel(): void {
    if (this.#isOver) return
    this.#close()
    this.#attempt.abort()
  }

  /** Called with each tick of the worker. */
  tick(now: number): void {
    if (now < this.#endsAt) this.#attempt.tick(now)
    else this.fail('response-timeout')
  }

  onAttemptReady(): void {}

  onAttemptHead(head: ResponseHead): void {
    if (head.status < 200) {
      // Nobody asked for another protocol (RFC 9110 §7.8).
      if (head.status === 101) this.fail('upstream-malformed')
      return
    }
    this.#status = head.status
    this.#fields = head.fields
  }

  onAttemptData(bytes: Buffer): void {
    this.#length += bytes.length
    if (this.#length > this.#request.maxBodyBytes) this.fail('upstream-malformed')
    else if (this.#request.dropsBody !== true) this.#pieces.push(Buffer.from(bytes))
  }

  onAttemptEnd(): void {
    if (this.#isOver) return
    this.#close()
    const body = this.#pieces.length === 0 ? noBytes : Buffer.concat(this.#pieces)
    this.#onResult({ status: this.#status, fields: this.#fields, body })
  }

  onAttemptFlush(): void {}

  onAttemptDrained(): void {}

  onRetry(): void {}

  isReadInUse(): boolean {
    return false
  }

  fail(failure: FailureCode): void {
    if (this.#isOver) return
    this.#close()
    this.#attempt.abort()
    this.#onResult({ failure })
  }

  #close(): void {
    this.#isOver = true
    this.#worker.calls.delete(this)
  }
}

/** A call that is under way, for the worker's ticks. */
export type OpenCall = Pick<Call, 'tick' | 'cancel'>
