// One try after another at an upstream, until one of them is answered: endpoint ─► connection ─► head ─► response.
//
// Used by the exchange for its client's request and by `Call` for requests of Weir's own: the same pools, limits, counters
// and rules about trying again.
// Invariant: a failed try leaves no connection behind, and nobody hears of it when another one is made.
import { type FailureCode, failures } from '../../shared/routing/failure.ts'
import type { FieldLines, RequestView } from '../../shared/routing/filters/kind.ts'
import type {
  OutgoingRequest,
  ResponseHead,
  ResponseSink,
  UpstreamFailure,
  UpstreamStream,
} from '../http/stream.ts'
import { add } from '../observe/slots.ts'
import { chooseEndpoint } from '../upstream/choose.ts'
import { chooseAmong, type LiveChoice } from '../upstream/destination.ts'
import type { EndpointPool } from '../upstream/endpoint-pool.ts'
import { noteAnswer, noteNoAnswer } from '../upstream/outcome.ts'
import type { AttemptLog, AttemptOwner } from './attempt-owner.ts'
import { KeptBody } from './kept-body.ts'
import type { LiveForward } from './live-route.ts'
import { Replay, type ReplayOwner } from './replay.ts'
import { Retries } from './retries.ts'
import type { SpoolFile } from './spool-file.ts'
import type { WorkerState } from './worker-state.ts'

/** The tries of one request at a time. */
export class Attempt implements ResponseSink, OutgoingRequest, ReplayOwner {
  readonly #worker: WorkerState
  readonly #owner: AttemptOwner
  readonly #log: AttemptLog
  #backend: LiveForward | undefined
  #choice: LiveChoice | undefined
  #pool: EndpointPool | undefined
  #stream: UpstreamStream | undefined
  readonly #retries: Retries
  /** When the try's request was complete; 0 where nobody measures. */
  #sentAt = 0
  #isSent = false
  /** The try has its connection. */
  #isBegun = false
  #hasHead = false
  /** Nobody said which host is asked for: each endpoint is asked for its own address. */
  #namesEndpoint = false
  /** All of the body, when it is known before the first try: it can be sent again. */
  #body: readonly Buffer[] | undefined
  /** The rest of it. */
  #file: SpoolFile | undefined
  #replay: Replay | undefined
  /** What was sent of a body that comes as it does, where the endpoint may say that it did not process the request. */
  #kept: KeptBody | undefined
  method = ''
  target = ''
  authority = ''
  fields = ''
  /** Those that the client sent, before filters changed them; empty for requests of Weir's own. */
  clientFields: FieldLines = ''
  bodyLength: number | undefined = 0
  upgrade = ''
  expectsContinue = false
  acceptsTrailers = false
  isLast = false
  /** The request as filters see it, for balances that go by it; undefined when nobody asked for it. */
  view: RequestView | undefined
  /** Set-Cookie line that brings the client back to its endpoint, or empty. */
  affinityLine = ''

  constructor(worker: WorkerState, owner: AttemptOwner, log: AttemptLog) {
    this.#worker = worker
    this.#owner = owner
    this.#log = log
    this.#retries = new Retries(worker)
  }

  /**
   * Begins with a request, whose own properties are set, at a backend; `body`, and `file` behind it, are all of its body where
   * that is known.
   */
  start(backend: LiveForward, body?: readonly Buffer[], file?: SpoolFile): void {
    this.#backend = backend
    this.isLast = backend.closesConnections
    this.#namesEndpoint = this.authority === ''
    this.#body = body
    this.#file = file
    this.#replay = undefined
    this.#kept = undefined
    this.#retries.begin()
    this.#hasHead = false
    this.affinityLine = ''
    const pool = this.#pick(backend, undefined)
    const choice = this.#choice
    if (choice?.counters !== undefined) this.#log.noteService(choice.counters)
    if (choice === undefined || pool === undefined) {
      this.#owner.fail(choice?.upstream.isKnown === false ? 'service-missing' : 'no-endpoints')
      return
    }
    const refusal = choice.breaker?.admit(choice.upstream.pools) ?? backend.refusal?.(pool)
    if (refusal === undefined) this.#connect(backend, pool)
    else this.#owner.fail(refusal)
  }

  get isRunning(): boolean {
    return this.#stream !== undefined
  }

  get holdsBytes(): boolean {
    return this.#stream?.holdsBytes === true
  }

  /** Sends body bytes; false: wait until drained. */
  write(bytes: Buffer): boolean {
    const stream = this.#stream
    if (stream === undefined) return true
    if (!this.#isBegun) {
      this.#kept ??= new KeptBody()
      this.#kept.hold(bytes)
      return false
    }
    if (!this.#keeps(bytes)) this.#retries.isBodyConsumed = true
    const mayGoOn = stream.write(bytes)
    stream.flush()
    if (mayGoOn || !stream.isCongested) return true
    stream.expect(this.#backend?.sendMs ?? 0)
    return false
  }

  /** Keeps what is sent, if the endpoint may say that it did not process it. */
  #keeps(bytes: Buffer): boolean {
    if (this.#pool?.isShared !== true || this.#hasHead || this.#retries.isBodyConsumed) return false
    this.#kept ??= new KeptBody()
    return this.#kept.keep(bytes)
  }

  /** The request is complete. */
  end(trailers: FieldLines): void {
    const stream = this.#stream
    if (stream === undefined) return
    if (!this.#isBegun) this.#kept ??= new KeptBody()
    if (this.#kept !== undefined) this.#kept.trailers = trailers
    if (!this.#isBegun) return
    this.#isSent = true
    if (this.#pool?.latency !== undefined) this.#sentAt = this.#worker.clock.now()
    stream.end(trailers)
    stream.expect(this.#backend?.readMs ?? 0)
    this.#log.noteForwarded()
  }

  pause(): void {
    this.#stream?.pauseBody()
  }

  resume(): void {
    this.#stream?.resumeBody()
  }

  /** Ends the tries: nobody waits for a response any more. */
  abort(): void {
    const stream = this.#stream
    this.#stream = undefined
    stream?.abort()
  }

  /** RFC 9110 §7.8: only to the protocol that was asked for, and when the request is complete; any other 101 is broken. */
  mayUpgrade({ upgrade }: ResponseHead): boolean {
    return this.upgrade !== '' && upgrade.toLowerCase() === this.upgrade && this.#isSent
  }

  /** The stream that was answered. Throws where there is none: a response came from nowhere. */
  get connected(): UpstreamStream {
    if (this.#stream === undefined) throw new Error('the attempt is over')
    return this.#stream
  }

  /** Called with each tick of the worker. */
  tick(now: number): void {
    this.#stream?.tick(now)
  }

  #pick(backend: LiveForward, before: LiveChoice | undefined): EndpointPool | undefined {
    const { only, pick } = backend.destination
    const { tried } = this.#retries
    if (only !== undefined) {
      this.#choice = only
      return chooseEndpoint(only.upstream, pick, tried, this.view)
    }
    const chosen = chooseAmong(backend.destination, before, tried, this)
    this.#choice = chosen?.choice
    this.affinityLine = chosen?.cookieLine ?? ''
    return chosen?.pool
  }

  #connect(backend: LiveForward, pool: EndpointPool): void {
    this.#pool = pool
    this.#isSent = false
    this.#isBegun = false
    this.#sentAt = 0
    this.#log.noteEndpoint(pool.name)
    // A retry gets a new connection: an idle one may be as stale as the one that failed.
    const idle = this.#retries.count === 0 ? pool.takeIdle(this) : undefined
    if (idle !== undefined) {
      this.#stream = idle
      this.#begin(idle)
      return
    }
    const choice = this.#choice
    if (choice?.breaker?.mayOpen(choice.upstream.pools) === false) {
      this.#owner.fail('circuit-full')
      return
    }
    this.#log.noteConnecting()
    this.#stream = pool.open(backend.connectMs, this)
  }

  onReady(): void {
    this.#log.noteConnected()
    if (this.#stream !== undefined) this.#begin(this.#stream)
  }

  #begin(stream: UpstreamStream): void {
    // RFC 9112 §3.2: HTTP/1.1 needs a Host, and an HTTP/1.0 client may name none.
    if (this.#namesEndpoint) this.authority = this.#pool?.name ?? ''
    stream.begin(this)
    this.#isBegun = true
    if (this.#kept !== undefined) {
      this.#resend(stream, this.#kept)
      return
    }
    if (this.#body !== undefined) {
      for (const bytes of this.#body) stream.write(bytes)
      if (this.#file === undefined) this.end('')
      else {
        this.#replay = new Replay(this.#file, stream, this)
        this.#replay.resume()
      }
      return
    }
    this.#owner.onAttemptReady()
    // The body's first bytes may have ended the request, or the try.
    if (this.#stream === stream) stream.flush()
  }

  /** Sends what an earlier try has sent, and goes on from there. */
  #resend(stream: UpstreamStream, { pieces, trailers }: KeptBody): void {
    for (const bytes of pieces) stream.write(bytes)
    stream.flush()
    if (trailers === undefined) this.#owner.onAttemptDrained()
    else this.end(trailers)
  }

  isCurrent(stream: UpstreamStream): boolean {
    return this.#stream === stream
  }

  onReplayBlocked(stream: UpstreamStream): void {
    stream.expect(this.#backend?.sendMs ?? 0)
  }

  onReplayed(): void {
    this.end('')
  }

  onReplayFailure(): void {
    this.#owner.fail('internal-error')
  }

  onResponseHead(head: ResponseHead): void {
    const { status } = head
    if (status >= 200 || status === 101) {
      if (head.headBytes > (this.#backend?.responseHeadBytes ?? 0)) {
        this.#refuseHead()
        return
      }
      this.#noteResponse(status)
      if (this.#mayDrop(status) && this.#tryAgain()) return
      this.#hasHead = true
      this.#kept = undefined
    }
    this.#owner.onAttemptHead(head)
  }

  /** Counted, but not against the endpoint: another one would hardly answer with less. */
  #refuseHead(): void {
    this.abort()
    add(this.#worker.recorder.upstreamErrors('response-head-too-large'), 1)
    this.#owner.fail('response-head-too-large')
  }

  #noteResponse(status: number): void {
    const backend = this.#backend
    const choice = this.#choice
    const pool = this.#pool
    if (backend === undefined || choice === undefined || pool === undefined) return
    if (backend.isProbe) return
    noteAnswer(backend.destination, choice, pool, status)
    const { clock, time } = this.#worker
    if (this.#sentAt > 0) pool.latency?.observe(clock.now() - this.#sentAt, time.now)
  }

  /** The route would rather have another response than one with `status`. */
  #mayDrop(status: number): boolean {
    const rules = this.#backend?.retry
    const pool = this.#pool
    // Nearly all rules name no statuses.
    if (rules === undefined || rules.statuses.length === 0) return false
    if (pool === undefined || this.#hasHead) return false
    return this.#retries.mayFollowStatus(status, this.method, pool, rules)
  }

  /** Makes another try, where there is another endpoint (else `again`, if given) and the budget allows it. */
  #tryAgain(again?: EndpointPool): boolean {
    const backend = this.#backend
    if (backend === undefined) return false
    const { affinityLine } = this
    const choice = this.#choice
    let next = this.#pick(backend, choice)
    if (next === undefined && again !== undefined) {
      next = again
      this.#choice = choice
      this.affinityLine = affinityLine
    }
    if (next === undefined || !this.#retries.spend()) {
      // The endpoint that answered stays the client's.
      this.affinityLine = affinityLine
      return false
    }
    // Of a response that is thrown away there may be more to come.
    this.abort()
    this.#owner.onRetry()
    this.#log.noteRetry()
    this.#connect(backend, next)
    return true
  }

  onResponseData(bytes: Buffer): void {
    this.#owner.onAttemptData(bytes)
  }

  onResponseFlush(): void {
    this.#owner.onAttemptFlush()
  }

  onResponseEnd(trailers: FieldLines): void {
    const stream = this.#stream
    this.#stream = undefined
    // RFC 9112 §9.3: a connection whose request was not sent to its end can carry no other.
    if (this.#isSent) stream?.release()
    else stream?.abort()
    this.#owner.onAttemptEnd(trailers)
  }

  isReadInUse(): boolean {
    return this.#owner.isReadInUse()
  }

  onUpstreamDrained(): void {
    if (this.#isSent) return
    this.#stream?.expect(0)
    if (this.#replay === undefined) this.#owner.onAttemptDrained()
    else this.#replay.resume()
  }

  onUpstreamFailure(failure: UpstreamFailure): void {
    const pool = this.#pool
    const stream = this.#stream
    this.#stream = undefined
    stream?.abort()
    if (pool === undefined || stream === undefined) return
    if (isOfEndpoint(failure)) this.noteFailure(failure.code)
    const rules = this.#backend?.retry
    const mayRetry =
      !this.#hasHead && this.#retries.mayFollowFailure(failure, this.method, pool, rules)
    // Who refuses a request because it closes the connection takes it on another one.
    const again = failure.sent === 'refused' ? pool : undefined
    if (!mayRetry || !this.#tryAgain(again)) this.#owner.fail(failure.code)
  }

  /** Counts a failure of the endpoint, against its health, too. */
  noteFailure(code: FailureCode): void {
    add(this.#worker.recorder.upstreamErrors(code), 1)
    const choice = this.#choice
    const pool = this.#pool
    if (choice === undefined || pool === undefined || this.#backend?.isProbe === true) return
    const { clock, time } = this.#worker
    const ms = this.#sentAt > 0 ? clock.now() - this.#sentAt : 0
    noteNoAnswer(choice, pool, ms, time)
  }
}

/**
 * Says whether a failure speaks against its endpoint. A kept connection that closes before it answers was merely idle too long;
 * an endpoint that says what it did not process is well; and a client's deadline is its own affair.
 */
function isOfEndpoint({ code, sent }: UpstreamFailure): boolean {
  return sent !== 'to-stale-connection' && sent !== 'refused' && failures[code].side !== 'client'
}
