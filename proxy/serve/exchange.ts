// The life of one request. READ THIS FIRST.
//
//   receive ─► route ─► request steps ─► attempt [endpoint ─► forward ─► head] ─► response steps ─► body ─► record
//
// | phase          | what happens                                             | what can end a request here              |
// |----------------|----------------------------------------------------------|------------------------------------------|
// | receive        | the head is read, the client's facts are settled         | malformed-request, head-too-large, …     |
// | route          | host, path and conditions choose a route                 | health answer, not-synced, no-route      |
// | request steps  | the route's filters answer, fail, or change the request  | redirect, access-denied, policy-closed   |
// | attempt        | an endpoint is chosen, head and body go there (attempt.ts)| no-endpoints, connect-failed, …         |
// | response steps | filters change the response or take its place            | what they say                            |
// | body           | bytes go to the client as they come                      | response-timeout, upstream-malformed     |
// | record         | counters and one log line                                |                                          |
//
// An Exchange belongs to one client stream and serves its requests one after another. It knows no protocol: http/stream.ts.
// Invariant: each request ends in exactly one `record`.
// Invariant: a response that is not whole never looks whole to the client, and a failed attempt leaves no connection behind.

import { type FailureCode, failures } from '../../shared/routing/failure.ts'
import type { Pipeline } from '../../shared/routing/filters/compile.ts'
import type { Answer, FieldLines } from '../../shared/routing/filters/kind.ts'
import { findRoute } from '../../shared/routing/router/router.ts'
import { type PeerFacts, type RequestFacts, settleFacts } from '../http/forwarded.ts'
import type { ClientStream, RequestHead, RequestSink, ResponseHead } from '../http/stream.ts'
import { Tunnel } from '../http/tunnel.ts'
import { Attempt, type AttemptOwner } from './attempt.ts'
import { errorPage } from './error-page.ts'
import { applyEdits, bothEdits } from './field-changes.ts'
import { RequestLedger } from './ledger.ts'
import type { LiveRoute } from './live-route.ts'
import {
  failureFields,
  healthAnswer,
  ownLines,
  reasonOf,
  serverLine,
  serverOptions,
} from './own-answers.ts'
import { RequestBody } from './request-body.ts'
import { ExchangeView } from './request-view.ts'
import { type HeadFacts, ResponseFilter } from './response-filter.ts'
import { ExchangeResponse } from './response-view.ts'
import { StepRunner } from './step-runner.ts'
import type { WorkerState } from './worker-state.ts'

/** Serves the requests of one client stream. */
export class Exchange implements RequestSink, AttemptOwner {
  readonly #worker: WorkerState
  readonly #client: ClientStream
  readonly #peer: PeerFacts
  readonly #ledger: RequestLedger
  readonly #attempt: Attempt
  /** The request being served; undefined between requests. */
  #head: RequestHead | undefined
  #facts: RequestFacts | undefined
  #route: LiveRoute | undefined
  /** Made when a route first has filters. */
  #view: ExchangeView | undefined
  #steps: StepRunner | undefined
  /** The view, while the current route uses it. */
  #filtered: ExchangeView | undefined
  /** Filters look at the request's body, or it is gathered before it is sent. */
  #requestBody: RequestBody | undefined
  /** Filters look at the response, or have done so and take its body. */
  #response: ResponseFilter | undefined
  /** The final response's head is on its way to the client: from here on only its body, or a cut. */
  #isResponding = false
  /** Filters had their say about the response: what takes its place is not shown to them again. */
  #isReplaced = false
  #tunnel: Tunnel | undefined

  constructor(worker: WorkerState, client: ClientStream, peer: PeerFacts) {
    this.#worker = worker
    this.#client = client
    this.#peer = peer
    this.#ledger = new RequestLedger(worker, peer.address)
    this.#attempt = new Attempt(worker, this, this.#ledger)
  }

  // ── receive ───────────────────────────────────────────────────────────────────────────────────

  onRequestHead(head: RequestHead): void {
    this.#begin()
    this.#head = head
    const facts = settleFacts(this.#peer, head, this.#worker.createRequestId)
    this.#facts = facts
    this.#ledger.noteHead(head, facts.clientAddress, facts.requestId)
    const { healthPath, isSynced, isDraining } = this.#worker
    if (head.path === healthPath) {
      // Not the client's traffic: neither counted nor logged.
      this.#ledger.leaveOut()
      this.#answer(healthAnswer(isSynced, isDraining))
    } else if (head.path === '*') this.#answer(serverOptions)
    else this.#findRoute(head)
  }

  #begin(): void {
    this.#worker.inFlight += 1
    this.#ledger.begin()
    this.#route = undefined
    this.#filtered = undefined
    this.#requestBody = undefined
    this.#response = undefined
    this.#isResponding = false
    this.#isReplaced = false
  }

  // ── route ─────────────────────────────────────────────────────────────────────────────────────

  #findRoute(head: RequestHead): void {
    const worker = this.#worker
    if (!worker.isSynced) {
      this.#fail('not-synced')
      return
    }
    const route = findRoute(worker.router, head.host, head.path) ?? worker.fallback
    if (route === undefined) {
      this.#fail('no-route')
      return
    }
    this.#route = route
    this.#ledger.noteRoute(route)
    if (route.backend.kind === 'closed') this.#fail('policy-closed')
    else if (route.pipeline === undefined) this.#dispatch(route, head)
    else this.#admit(route, route.pipeline, head)
  }

  // ── request steps ─────────────────────────────────────────────────────────────────────────────

  #admit(route: LiveRoute, { request, requestBody }: Pipeline, head: RequestHead): void {
    const view = this.#look(head)
    if (view === undefined) return
    const goOn = () => {
      if (requestBody !== undefined) this.#takeBody().filter(requestBody, view)
      this.#dispatch(route, head)
    }
    if (request === undefined) goOn()
    else {
      this.#runner.run(request, view, (verdict) => {
        if (verdict === undefined) goOn()
        else this.#reject(verdict)
      })
    }
  }

  #look(head: RequestHead): ExchangeView | undefined {
    const facts = this.#facts
    if (facts === undefined) return undefined
    this.#view ??= new ExchangeView(this.#worker.random, this.#peer.address, head, facts)
    this.#view.begin(head, facts)
    this.#filtered = this.#view
    return this.#view
  }

  get #runner(): StepRunner {
    this.#steps ??= new StepRunner(this.#worker.clock, (error) =>
      this.#worker.reportThrow(this.#route, error),
    )
    return this.#steps
  }

  #takeBody(): RequestBody {
    this.#requestBody ??= new RequestBody(this.#client, this.#attempt, (code) =>
      this.onRequestFailure(code),
    )
    return this.#requestBody
  }

  #reject(verdict: Answer | FailureCode): void {
    if (typeof verdict === 'string') this.#fail(verdict)
    else this.#answer(verdict)
  }

  #dispatch({ backend, pipeline }: LiveRoute, head: RequestHead): void {
    if (backend.kind === 'answer') this.#answer(backend.answer)
    else if (backend.kind === 'closed') this.#fail('policy-closed')
    else if ((head.bodyLength ?? 0) > backend.maxBodyBytes) this.#fail('body-too-large')
    else {
      this.#prepare(head, pipeline)
      if (backend.bufferBytes === 0 || this.#client.isRequestRead) this.#attempt.start(backend)
      else this.#takeBody().gather(backend, head.expectsContinue)
    }
  }

  // ── attempt: the request goes upstream ────────────────────────────────────────────────────────

  /** Settles once what every try sends. */
  #prepare(head: RequestHead, pipeline: Pipeline | undefined): void {
    const attempt = this.#attempt
    const view = this.#filtered
    const lines = head.fields + (this.#facts?.lines ?? '')
    attempt.method = head.method
    attempt.target = view === undefined ? head.path + head.query : view.target
    attempt.authority = view?.upstreamHost || head.authority || head.host
    attempt.fields =
      pipeline === undefined
        ? lines
        : applyEdits(lines, bothEdits(view?.requestChanges, pipeline.requestEdits))
    attempt.bodyLength = head.bodyLength
    attempt.upgrade = head.upgrade === '' ? '' : this.#allowedUpgrade(head.upgrade)
    attempt.expectsContinue = head.expectsContinue
    attempt.acceptsTrailers = head.acceptsTrailers
  }

  /** Only a protocol that is allowed is asked for; `h2c` would be a way around every rule here (RFC 9110 §7.8). */
  #allowedUpgrade(offered: string): string {
    const protocols = offered.split(',').map((protocol) => protocol.trim())
    return protocols.find((protocol) => this.#worker.upgradeProtocols.has(protocol)) ?? ''
  }

  onAttemptReady(): void {
    if (!this.#client.isRequestRead) this.#client.readBody()
    else if (this.#requestBody === undefined) this.#attempt.end('')
    else this.#requestBody.end('')
  }

  onRequestData(bytes: Buffer): void {
    const backend = this.#route?.backend
    if (backend?.kind === 'forward' && this.#client.bytesIn > backend.maxBodyBytes) {
      this.onRequestFailure('body-too-large')
      return
    }
    const mayGoOn = this.#requestBody?.write(bytes) ?? this.#attempt.write(bytes)
    if (!mayGoOn) this.#client.pauseBody()
  }

  onRequestEnd(trailers: FieldLines): void {
    if (this.#requestBody === undefined) this.#attempt.end(trailers)
    else this.#requestBody.end(trailers)
  }

  onAttemptDrained(): void {
    if (!this.#client.isRequestRead) this.#client.readBody()
  }

  onRetry(): void {
    this.#client.pauseBody()
  }

  isRequestInUse(): boolean {
    return this.#attempt.holdsBytes
  }

  // ── response steps ────────────────────────────────────────────────────────────────────────────

  onAttemptHead(head: ResponseHead): void {
    if (head.status < 200 && head.status !== 101) {
      this.#client.interim(head)
      return
    }
    // RFC 9110 §7.8: only to the protocol that was asked for, and when the request is complete; any other 101 is broken.
    if (head.status === 101 && !this.#mayUpgrade(head)) {
      this.#attempt.noteFailure('upstream-malformed')
      this.#fail('upstream-malformed')
      return
    }
    const view = this.#filtered
    const pipeline = this.#route?.pipeline
    if (view === undefined || pipeline === undefined || !pipeline.seesResponses) {
      this.#relay(head, head.status, head.fields, head.bodyLength)
      return
    }
    this.#response = new ResponseFilter(this.#client, this.#attempt, {
      relay: (facts, status, lines, bodyLength) => this.#relay(facts, status, lines, bodyLength),
      replace: (verdict) => {
        this.#response = undefined
        this.#attempt.abort()
        this.#isReplaced = true
        this.#reject(verdict)
      },
      finish: () => this.#finish(),
      fail: (code) => this.onRequestFailure(code),
    })
    this.#response.run(head, view, pipeline, this.#runner)
  }

  #mayUpgrade({ upgrade }: ResponseHead): boolean {
    const asked = this.#attempt.upgrade
    return asked !== '' && upgrade.toLowerCase() === asked && this.#client.isRequestRead
  }

  // ── body: the response goes to the client ─────────────────────────────────────────────────────

  #relay(head: HeadFacts, status: number, lines: FieldLines, bodyLength: number | undefined): void {
    this.#isResponding = true
    this.#ledger.noteResponse(status)
    const edits = bothEdits(this.#filtered?.responseChanges, this.#route?.pipeline?.responseEdits)
    let fields = applyEdits(lines, edits) + this.#attempt.affinityLine
    // RFC 9110 §6.6.1: a recipient with a clock adds a Date that is missing.
    if (!head.hasDate && edits?.dropped.has('date') !== true) fields += this.#worker.dateLine
    if (!head.hasServer && edits?.dropped.has('server') !== true) fields += serverLine
    const reason = status === head.status ? head.reason : reasonOf(status)
    this.#client.begin(status, reason, fields, bodyLength, head.upgrade)
    if (status === 101) this.#startTunnel()
  }

  onAttemptData(bytes: Buffer): void {
    if (this.#response === undefined) this.#client.write(bytes)
    else this.#response.write(bytes)
  }

  onAttemptFlush(): void {
    this.#client.flush()
    this.#ledger.noteRelayed()
    if (this.#client.isCongested || this.#response?.isWaiting === true) this.#attempt.pause()
  }

  isReadInUse(): boolean {
    return this.#client.holdsBytes
  }

  onClientDrained(): void {
    if (this.#response?.isWaiting !== true) this.#attempt.resume()
  }

  onAttemptEnd(trailers: FieldLines): void {
    if (this.#response === undefined) {
      this.#client.end(trailers)
      this.#finish()
    } else this.#response.end(trailers)
  }

  #startTunnel(): void {
    const stream = this.#attempt.takeStream()
    if (stream === undefined) return
    this.#client.flush()
    const { time, limits } = this.#worker
    const tunnel = new Tunnel(
      this.#client.tunnelSide,
      stream.tunnelSide,
      time,
      limits.tunnelIdleTimeoutMs,
      () => this.#finishTunnel(tunnel),
    )
    this.#tunnel = tunnel
    this.#ledger.noteTunnel()
    stream.startTunnel(tunnel.upstreamEnd)
    this.#client.startTunnel(tunnel.clientEnd)
  }

  #finishTunnel(tunnel: Tunnel): void {
    this.#tunnel = undefined
    this.#attempt.abort()
    this.#record(tunnel.bytesIn, tunnel.bytesOut)
    this.#worker.exchanges.delete(this)
  }

  /** Cuts a tunnel that is still open when the worker has to end. */
  cutTunnel(): void {
    this.#tunnel?.cut()
  }

  // ── what can go wrong ─────────────────────────────────────────────────────────────────────────

  onAttemptFailure(code: FailureCode): void {
    if (this.#isResponding) this.#cut(code)
    else this.#fail(code)
  }

  /** The head or body of the request cannot be served, or that of the response cannot be passed on. */
  onRequestFailure(code: FailureCode): void {
    if (this.#ledger.isOver) this.#begin()
    if (this.#isResponding) this.#cut(code)
    else this.#fail(code)
  }

  onClientGone(): void {
    if (this.#head === undefined) return
    this.#drop()
    this.#ledger.noteFailure('client-closed', !this.#isResponding)
    this.#client.abort()
    this.#record(this.#client.bytesIn, this.#client.bytesOut)
  }

  onClientClosed(): void {
    // A tunnel whose upstream still takes its last bytes is watched until that is done, too.
    if (this.#tunnel === undefined) this.#worker.exchanges.delete(this)
  }

  /** Answers with a failure's page. The response has not begun. */
  #fail(code: FailureCode): void {
    this.#drop()
    this.#ledger.noteFailure(code, true)
    const page = errorPage(code, this.#facts?.requestId)
    this.#reply(failures[code].status, failureFields(code), page)
  }

  /** Answers with something of Weir's own that is no failure. */
  #answer(answer: Answer): void {
    this.#ledger.noteAnswer(answer.status, answer.code)
    this.#reply(answer.status, answer.headers, answer.body)
  }

  #reply(status: number, headers: Answer['headers'], body: Answer['body']): void {
    const lines = ownLines(status, headers, Buffer.byteLength(body))
    const view = this.#filtered
    const steps = this.#isReplaced ? undefined : this.#route?.pipeline?.ownResponse
    if (view === undefined || steps === undefined) {
      this.#send(status, lines, body)
      return
    }
    const response = new ExchangeResponse(view, status, lines, Buffer.byteLength(body), true)
    this.#isReplaced = true
    this.#runner.run(steps, response, (verdict) => {
      if (verdict === undefined) this.#send(response.status, response.lines, body)
      else this.#reject(verdict)
    })
  }

  #send(status: number, lines: FieldLines, body: Answer['body']): void {
    const changes = this.#filtered?.responseChanges
    const fields = changes === undefined ? lines : applyEdits(lines, changes.edits)
    this.#isResponding = true
    this.#ledger.noteStatus(status)
    const length = this.#client.isHead ? 0 : Buffer.byteLength(body)
    const head = fields + this.#worker.dateLine + serverLine
    this.#client.begin(status, reasonOf(status), head, length, '')
    if (length > 0) this.#client.write(typeof body === 'string' ? Buffer.from(body) : body)
    this.#finish()
  }

  /** Ends a response that cannot be completed, so that the client sees that it is not whole (RFC 9112 §8). */
  #cut(code: FailureCode): void {
    this.#drop()
    this.#ledger.noteFailure(code, false)
    this.#client.cut()
    this.#finish()
  }

  /** Ends whatever is under way for the request. */
  #drop(): void {
    this.#steps?.cancel()
    this.#closeBodies()
    this.#attempt.abort()
  }

  #closeBodies(): void {
    this.#requestBody?.close()
    this.#requestBody = undefined
    this.#response?.close()
    this.#response = undefined
  }

  // ── record ────────────────────────────────────────────────────────────────────────────────────

  #finish(): void {
    this.#client.flush()
    this.#record(this.#client.bytesIn, this.#client.bytesOut)
    this.#client.finish()
  }

  #record(bytesIn: number, bytesOut: number): void {
    this.#head = undefined
    this.#facts = undefined
    this.#closeBodies()
    this.#worker.inFlight -= 1
    this.#ledger.record(bytesIn, bytesOut)
    this.#filtered?.finish(this.#ledger.status, this.#ledger.failure)
  }

  /** Ends what took too long. Called with each tick of the worker. */
  tick(now: number): void {
    this.#attempt.tick(now)
    this.#tunnel?.tick(now)
  }
}
