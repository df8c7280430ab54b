// The life of one request. READ THIS FIRST.
//
//   receive ─► route ─► request steps ─► attempt [endpoint ─► forward ─► head] ─► response steps ─► body ─► record
//
// | phase          | what happens                                             | what can end a request here              |
// |----------------|----------------------------------------------------------|------------------------------------------|
// | receive        | the head is read, the client's facts are settled         | malformed-request, head-too-large, …     |
// | route          | host, path and conditions choose a route                 | health answer, no-route, ambiguous-path  |
// | request steps  | the route's filters answer, fail, or change the request  | redirect, access-denied, policy-closed   |
// | attempt        | an endpoint is chosen, head and body go there (attempt.ts)| no-endpoints, connect-failed, …         |
// | response steps | filters change the response or take its place            | what they say                            |
// | body           | bytes go to the client as they come                      | response-timeout, upstream-malformed     |
// | record         | counters and one log line                                |                                          |
//
// An Exchange belongs to one client stream and serves its requests one after another. It knows no protocol: http/stream.ts.
// Invariant: each request ends in exactly one `record`.
// Invariant: a response that is not whole never looks whole to the client, and a failed attempt leaves no connection behind.

import { allHold } from '../../shared/routing/conditions/compile.ts'
import type { FailureCode } from '../../shared/routing/failure.ts'
import type { Answer, FieldLines, Verdict } from '../../shared/routing/filters/kind.ts'
import { connectionFacts, type PeerFacts, type RequestFacts } from '../http/forwarded.ts'
import { maxPasses } from '../http/loop.ts'
import { requestFacts } from '../http/request-facts.ts'
import type { ClientStream, RequestHead, RequestSink, ResponseHead } from '../http/stream.ts'
import { Attempt } from './attempt.ts'
import type { AttemptOwner } from './attempt-owner.ts'
import { chooseRoute } from './choose-route.ts'
import { Filtering } from './filtering.ts'
import { healthOf } from './health-answers.ts'
import { RequestLedger } from './ledger.ts'
import type { LiveRoute } from './live-route.ts'
import { openTunnel } from './open-tunnel.ts'
import { failureAnswer, ownLines, serverOptions } from './own-answers.ts'
import { prepareAttempt } from './prepare-attempt.ts'
import { Reply } from './reply.ts'
import { RequestBody } from './request-body.ts'
import type { HeadFacts, ResponseOwner } from './response-filter.ts'
import type { WorkerState } from './worker-state.ts'

/** Serves the requests of one client stream. */
export class Exchange implements RequestSink, AttemptOwner, ResponseOwner {
  readonly #worker: WorkerState
  readonly #client: ClientStream
  #peer: PeerFacts
  readonly #ledger: RequestLedger
  readonly #attempt: Attempt
  /** The request being served; undefined between requests. */
  #head: RequestHead | undefined
  #facts: RequestFacts | undefined
  #route: LiveRoute | undefined
  /** Made when a route first has filters. */
  #filtering: Filtering | undefined
  /** The same, while the current route has some. */
  #filters: Filtering | undefined
  readonly #requestBody: RequestBody
  readonly #reply: Reply
  /** Says whether the conditions of a route mean the request. */
  readonly #holds = ({ conditions }: LiveRoute): boolean => {
    if (conditions === undefined) return true
    if (this.#head === undefined || this.#facts === undefined) return false
    return allHold(conditions, this.#look(this.#head, this.#facts).view)
  }

  constructor(worker: WorkerState, client: ClientStream, peer: PeerFacts) {
    this.#worker = worker
    this.#client = client
    this.#peer = peer
    this.#ledger = new RequestLedger(worker, peer.address)
    this.#reply = new Reply(worker, client, this.#ledger)
    this.#attempt = new Attempt(worker, this, this.#ledger)
    this.#requestBody = new RequestBody(client, this.#attempt, (code) => this.fail(code))
  }

  // ── receive ───────────────────────────────────────────────────────────────────────────────────
  onRequestHead(head: RequestHead): void {
    this.#begin()
    this.#head = head
    const { clientRules } = this.#worker
    if (this.#peer.rules !== clientRules) {
      this.#peer = connectionFacts(this.#peer.connection, clientRules)
    }
    const facts = requestFacts(this.#peer, head, this.#worker.createRequestId)
    this.#facts = facts
    this.#ledger.noteHead(head, facts)
    const health = healthOf(head, this.#worker)
    if (health !== undefined) {
      // Not the client's traffic: neither counted nor logged.
      this.#ledger.leaveOut()
      this.#answer(health)
    } else if (head.path === '*') this.#answer(serverOptions)
    else if (!this.#worker.isSynced) this.fail('not-synced')
    else this.#findRoute(head, facts)
  }

  #begin(): void {
    this.#worker.inFlight += 1
    this.#ledger.begin()
    this.#route = undefined
    this.#filters = undefined
    this.#requestBody.begin()
    this.#reply.begin()
  }

  // ── route ─────────────────────────────────────────────────────────────────────────────────────
  #findRoute(head: RequestHead, facts: RequestFacts): void {
    const route = chooseRoute(this.#worker, this.#peer, head, this.#holds)
    if (typeof route === 'string') {
      this.fail(route)
      return
    }
    this.#route = route
    this.#ledger.noteRoute(route)
    if (head.passes >= maxPasses) this.fail('loop-detected')
    else if (route.pipeline === undefined) this.#dispatch(route, head)
    else {
      this.#filters = this.#look(head, facts)
      this.#filters.admit(route, (verdict) => {
        if (verdict !== undefined) this.replace(verdict)
        else this.#dispatch(route, head)
      })
    }
  }

  /** The request as conditions and filters see it. */
  #look(head: RequestHead, facts: RequestFacts): Filtering {
    this.#filtering ??= new Filtering(this.#worker, this.#client, this.#attempt, this.#peer)
    this.#filtering.begin(head, facts)
    return this.#filtering
  }

  // ── request steps ─────────────────────────────────────────────────────────────────────────────
  #dispatch({ backend }: LiveRoute, head: RequestHead): void {
    if ((head.bodyLength ?? 0) > backend.maxBodyBytes) this.fail('body-too-large')
    else {
      prepareAttempt(this.#attempt, backend, head, this.#facts, this.#filters, this.#worker)
      if (backend.destination.needsView && this.#facts !== undefined) {
        this.#attempt.view = this.#look(head, this.#facts).view
      }
      this.#filters?.wrapBody(this.#requestBody)
      if (backend.bufferBytes === 0 || this.#client.isRequestRead) this.#attempt.start(backend)
      else this.#requestBody.gather(backend, head.expectsContinue)
    }
  }

  // ── attempt: the request goes upstream ────────────────────────────────────────────────────────
  onAttemptReady(): void {
    this.#requestBody.ask()
  }

  onRequestData(bytes: Buffer): void {
    this.#requestBody.take(bytes, this.#route?.backend.maxBodyBytes ?? 0)
  }

  onRequestEnd(trailers: FieldLines): void {
    this.#requestBody.end(trailers)
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
    } else if (head.status === 101 && !this.#attempt.mayUpgrade(head)) {
      this.#attempt.noteFailure('upstream-malformed')
      this.fail('upstream-malformed')
    } else if (this.#filters === undefined || !this.#filters.takeResponse(head, this)) {
      this.relay(head, head.status, head.fields, head.bodyLength)
    }
  }

  /** A filter's verdict takes the place of what was under way. */
  replace(verdict: Exclude<Verdict, undefined>): void {
    this.#drop()
    if (typeof verdict === 'string') this.fail(verdict)
    else this.#answer(verdict)
  }

  // ── body: the response goes to the client ─────────────────────────────────────────────────────
  /** Writes the head of an upstream's response. */
  relay(head: HeadFacts, status: number, lines: FieldLines, bodyLength: number | undefined): void {
    const fields = lines + this.#attempt.affinityLine
    this.#reply.relay(this.#filters, head, status, fields, bodyLength)
    if (status === 101) this.#startTunnel()
  }

  onAttemptData(bytes: Buffer): void {
    this.#reply.write(this.#filters, bytes)
  }

  onAttemptFlush(): void {
    if (!this.#reply.flush(this.#filters)) this.#attempt.pause()
  }

  isReadInUse(): boolean {
    return this.#client.holdsBytes
  }

  onClientDrained(): void {
    if (this.#filters?.response?.isWaiting !== true) this.#attempt.resume()
  }

  onAttemptEnd(trailers: FieldLines): void {
    if (this.#reply.end(this.#filters, trailers)) this.finish()
  }

  #startTunnel(): void {
    this.#ledger.noteTunnel()
    openTunnel(this.#client, this.#attempt, this.#worker, ({ bytesIn, bytesOut }) => {
      this.#attempt.abort()
      this.#record(bytesIn, bytesOut)
    })
  }

  // ── what can go wrong ─────────────────────────────────────────────────────────────────────────
  onRequestFailure(code: FailureCode): void {
    // A head that was refused is a request, too.
    if (this.#ledger.isOver) this.#begin()
    this.fail(code)
  }

  /** Ends the exchange with a failure's page, or cuts a response that has begun: it must not look whole (RFC 9112 §8). */
  fail(code: FailureCode): void {
    this.#drop()
    this.#ledger.noteFailure(code, !this.#reply.hasBegun)
    if (!this.#reply.hasBegun) this.#send(failureAnswer(code, this.#facts?.requestId))
    else {
      this.#client.cut()
      this.finish()
    }
  }

  onClientGone(): void {
    if (this.#head === undefined) return
    this.#drop()
    this.#ledger.noteFailure('client-closed', !this.#reply.hasBegun)
    this.#client.abort()
    this.#record(this.#client.bytesIn, this.#client.bytesOut)
  }

  onClientClosed(): void {
    this.#worker.exchanges.delete(this)
  }

  /** Answers with something of Weir's own that is no failure. */
  #answer(answer: Answer): void {
    this.#ledger.noteAnswer(answer.status, answer.code)
    this.#send(answer)
  }

  #send(answer: Answer): void {
    const send = (status: number, lines: FieldLines, body: Answer['body']) => {
      this.#reply.answer(this.#head, this.#filters, status, lines, { ...answer, body })
      this.finish()
    }
    const lines = ownLines(answer)
    if (this.#filters === undefined) send(answer.status, lines, answer.body)
    else this.#filters.takeOwn(answer, lines, send, (verdict) => this.replace(verdict))
  }

  /** Ends whatever is under way for the request. */
  #drop(): void {
    this.#filters?.stop()
    this.#requestBody.close()
    this.#attempt.abort()
  }

  // ── record ────────────────────────────────────────────────────────────────────────────────────
  /** The response is complete, or as complete as it gets. */
  finish(): void {
    this.#client.flush()
    this.#record(this.#client.bytesIn, this.#client.bytesOut)
    this.#client.finish()
  }

  #record(bytesIn: number, bytesOut: number): void {
    this.#head = undefined
    this.#facts = undefined
    this.#requestBody.close()
    this.#worker.inFlight -= 1
    this.#ledger.record(bytesIn, bytesOut)
    this.#filters?.finish(this.#ledger)
  }

  /** Ends what took too long. Called with each tick of the worker. */
  tick(now: number): void {
    this.#attempt.tick(now)
  }
}
