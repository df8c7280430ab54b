// The life of one request. READ THIS FIRST.
//
//   receive ─► route ─► policy ─► endpoint ─► forward ─► respond ─► record
//
// | phase    | what happens                                        | what can end a request here                   |
// |----------|-----------------------------------------------------|-----------------------------------------------|
// | receive  | the head is read, the client's facts are settled    | malformed-request, head-too-large, …          |
// | route    | host and path choose a route                        | health answer, not-synced, no-route           |
// | policy   | the route's policy answers, or rewrites the path    | redirect, access-denied, policy-closed        |
// | endpoint | an endpoint is chosen, a connection taken or opened | no-endpoints, connect-failed (may try again)  |
// | forward  | head and body go upstream as they come              | body-too-large, upstream-reset (may try again)|
// | respond  | head and body go to the client as they come         | response-timeout, upstream-malformed          |
// | record   | counters and one log line                           |                                               |
//
// An Exchange belongs to one client connection and serves its requests one after another.
// Invariant: each request ends in exactly one `record`.
// Invariant: a response that is not whole never looks whole to the client, and a failed attempt leaves no connection behind.

import { type FailureCode, failures } from '../../shared/routing/failure.ts'
import { joinEdits, type Pipeline } from '../../shared/routing/filters/compile.ts'
import type { Answer, FieldEdits } from '../../shared/routing/filters/kind.ts'
import { findRoute } from '../../shared/routing/router/router.ts'
import { type PeerFacts, type RequestFacts, settleFacts } from '../http/forwarded.ts'
import { Tunnel } from '../http/tunnel.ts'
import type { ClientConnection, RequestSink } from '../http1/client-connection.ts'
import {
  answerHead,
  type ClientSide,
  interimHead,
  requestHead,
  responseHead,
  upgradeHead,
} from '../http1/head-writer.ts'
import type { RequestHead } from '../http1/request-head.ts'
import type { ResponseHead } from '../http1/response-head.ts'
import type { ResponseSink, UpstreamConnection } from '../http1/upstream-connection.ts'
import { add } from '../observe/slots.ts'
import type { EndpointPool } from '../upstream/endpoint-pool.ts'
import { mayRetry } from '../upstream/retry.ts'
import { chooseEndpoint, chooseSticky } from './choose-endpoint.ts'
import { errorPage } from './error-page.ts'
import { RequestLedger } from './ledger.ts'
import type { LiveForward, LiveRoute } from './live-route.ts'
import { failureFields, healthAnswer, serverOptions } from './own-answers.ts'
import { ExchangeView } from './request-view.ts'
import type { WorkerState } from './worker-state.ts'

// An upstream that does not know 100-continue must not keep a waiting client for ever.
const continueAfterMs = 1000

type BodyOut = 'none' | 'plain' | 'chunked'

/** Serves the requests of one client connection. */
export class Exchange implements RequestSink, ResponseSink {
  readonly #worker: WorkerState
  readonly #client: ClientConnection
  readonly #peer: PeerFacts
  readonly #ledger: RequestLedger
  /** The request being served; undefined between requests. */
  #head: RequestHead | undefined
  #facts: RequestFacts | undefined
  #route: LiveRoute | undefined
  #backend: LiveForward | undefined
  /** Made when a route first has filters. */
  #view: ExchangeView | undefined
  /** The view, while the current route uses it. */
  #filtered: ExchangeView | undefined
  #target = ''
  #pool: EndpointPool | undefined
  #connection: UpstreamConnection | undefined
  /** Endpoints that failed this request. */
  readonly #tried: EndpointPool[] = []
  #retries = 0
  #affinityLine = ''
  #isBodyConsumed = false
  #continueAt = 0
  #hasContinued = false
  /** The final response's head is on its way to the client: from here on only its body, or a cut. */
  #isResponding = false
  #mayKeepAlive = true
  #bodyOut: BodyOut = 'none'
  #tunnel: Tunnel | undefined

  constructor(worker: WorkerState, client: ClientConnection, peer: PeerFacts) {
    this.#worker = worker
    this.#client = client
    this.#peer = peer
    this.#ledger = new RequestLedger(worker, client, peer.address)
  }

  // ── receive ───────────────────────────────────────────────────────────────────────────────────

  onRequestHead(head: RequestHead): void {
    this.#begin()
    this.#head = head
    const facts = settleFacts(this.#peer, head, this.#worker.createRequestId)
    this.#facts = facts
    this.#ledger.noteHead(head, facts.clientAddress, facts.requestId)
    this.#mayKeepAlive = head.keepAlive
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
    this.#backend = undefined
    this.#filtered = undefined
    this.#tried.length = 0
    this.#retries = 0
    this.#affinityLine = ''
    this.#isBodyConsumed = false
    this.#continueAt = 0
    this.#hasContinued = false
    this.#isResponding = false
    this.#mayKeepAlive = false
    this.#bodyOut = 'none'
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
    this.#target = head.path + head.query
    if (route.backend.kind === 'closed') this.#fail('policy-closed')
    else if (route.pipeline === undefined) this.#dispatch(route, head)
    else this.#runFilters(route, route.pipeline, head)
  }

  // ── filters ───────────────────────────────────────────────────────────────────────────────────

  #runFilters(route: LiveRoute, pipeline: Pipeline, head: RequestHead): void {
    const facts = this.#facts
    if (facts === undefined) return
    this.#view ??= new ExchangeView(this.#worker.random, this.#peer.address, head, facts)
    this.#view.begin(head, facts)
    this.#filtered = this.#view
    for (const step of pipeline.request ?? []) {
      if (step.kind === 'async') continue
      const verdict = step.decide(this.#view)
      if (verdict === undefined) continue
      if (typeof verdict === 'string') this.#fail(verdict)
      else this.#answer(verdict)
      return
    }
    this.#target = this.#view.target
    this.#dispatch(route, head)
  }

  #dispatch({ backend }: LiveRoute, head: RequestHead): void {
    if (backend.kind === 'answer') this.#answer(backend.answer)
    else if (backend.kind === 'closed') this.#fail('policy-closed')
    else if (head.contentLength > backend.maxBodyBytes) this.#fail('body-too-large')
    else {
      this.#backend = backend
      this.#chooseEndpoint(backend)
    }
  }

  // ── endpoint ──────────────────────────────────────────────────────────────────────────────────

  #chooseEndpoint({ upstream }: LiveForward): void {
    const pool = this.#pickPool()
    if (pool !== undefined) this.#connect(pool)
    else this.#fail(upstream.isKnown ? 'no-endpoints' : 'service-missing')
  }

  #connect(pool: EndpointPool): void {
    this.#pool = pool
    this.#ledger.noteEndpoint(pool.name)
    // A retry gets a new connection: an idle one may be as stale as the one that failed.
    const idle = this.#retries === 0 ? pool.takeIdle(this) : undefined
    if (idle !== undefined) {
      this.#connection = idle
      this.#forward(idle)
      return
    }
    this.#ledger.noteConnecting()
    this.#connection = pool.open(this.#backend?.connectMs ?? 0, this)
  }

  #pickPool(): EndpointPool | undefined {
    const backend = this.#backend
    if (backend === undefined) return undefined
    const { affinity } = backend
    if (affinity === undefined) return chooseEndpoint(backend, this.#tried)
    const choice = chooseSticky(backend, affinity, this.#head?.kept ?? '', this.#tried)
    this.#affinityLine = choice?.cookieLine ?? ''
    return choice?.pool
  }

  // ── forward ───────────────────────────────────────────────────────────────────────────────────

  onUpstreamConnected(): void {
    this.#ledger.noteConnected()
    if (this.#connection !== undefined) this.#forward(this.#connection)
  }

  #forward(connection: UpstreamConnection): void {
    const head = this.#head
    const facts = this.#facts
    if (head === undefined || facts === undefined) return
    this.#keepAllowedUpgrade(head)
    const edits = bothEdits(this.#filtered?.requestEdits, this.#route?.pipeline?.requestEdits)
    connection.begin(head.method)
    connection.outbox.addText(
      requestHead(head, this.#target, facts.lines, edits, this.#pool?.name ?? ''),
    )
    if (this.#client.isRequestRead) {
      this.#finishRequest(connection, '')
      return
    }
    if (head.expectsContinue) this.#continueAt = this.#worker.time.now + continueAfterMs
    this.#client.startBody()
    // The body's first bytes may have ended the request, or the attempt.
    if (this.#connection === connection) connection.outbox.flush()
  }

  /** Only a protocol that is allowed is asked for; `h2c` would be a way around every rule here (RFC 9110 §7.8). */
  #keepAllowedUpgrade(head: RequestHead): void {
    if (head.upgrade === '') return
    const offered = head.upgrade.split(',').map((protocol) => protocol.trim())
    head.upgrade = offered.find((protocol) => this.#worker.upgradeProtocols.has(protocol)) ?? ''
  }

  onRequestData(bytes: Buffer): void {
    const connection = this.#connection
    const maxBodyBytes = this.#backend?.maxBodyBytes ?? Number.POSITIVE_INFINITY
    if (this.#client.bodyBytes > maxBodyBytes) {
      this.#fail('body-too-large')
      return
    }
    if (connection === undefined) return
    this.#isBodyConsumed = true
    this.#continueAt = 0
    if (this.#head?.framing === 'chunked') connection.outbox.addChunk(bytes)
    else connection.outbox.addBytes(bytes)
    connection.outbox.flush()
    if (connection.outbox.isCongested) {
      this.#client.pauseBody()
      connection.awaitUpstream(this.#backend?.sendMs ?? 0)
    }
  }

  onUpstreamDrained(): void {
    if (this.#connection === undefined || this.#client.isRequestRead) return
    this.#connection.clearDeadline()
    this.#client.startBody()
  }

  onRequestEnd(trailers: string): void {
    if (this.#connection !== undefined) this.#finishRequest(this.#connection, trailers)
  }

  #finishRequest(connection: UpstreamConnection, trailers: string): void {
    if (this.#head?.framing === 'chunked') connection.outbox.addLastChunk(trailers)
    connection.outbox.flush()
    this.#continueAt = 0
    connection.awaitUpstream(this.#backend?.readMs ?? 0)
    this.#ledger.noteForwarded()
  }

  // ── respond ───────────────────────────────────────────────────────────────────────────────────

  onResponseHead(head: ResponseHead): void {
    if (head.status === 101) this.#switchProtocols(head)
    else if (head.status < 200) this.#relayInterim(head)
    else this.#relayHead(head)
  }

  /** Interim responses go to clients that know them; 100 only to one that asked, once (RFC 9110 §15.2). */
  #relayInterim(head: ResponseHead): void {
    if (this.#head?.minorVersion !== 1) return
    if (head.status === 100) this.#continue()
    else this.#client.outbox.addText(interimHead(head))
  }

  #continue(): void {
    this.#continueAt = 0
    if (this.#hasContinued || this.#isBodyConsumed || this.#head?.expectsContinue !== true) return
    this.#hasContinued = true
    this.#client.outbox.addText('HTTP/1.1 100 Continue\r\n\r\n')
    this.#client.outbox.flush()
  }

  #relayHead(head: ResponseHead): void {
    const isHttp11 = this.#head?.minorVersion === 1
    const isRechunked = isHttp11 && (head.framing === 'chunked' || head.framing === 'close')
    const isDelimited = head.framing === 'none' || head.framing === 'length' || isRechunked
    this.#bodyOut = head.framing === 'none' ? 'none' : isRechunked ? 'chunked' : 'plain'
    this.#mayKeepAlive &&= isDelimited && this.#client.isRequestRead && !this.#worker.isDraining
    this.#isResponding = true
    this.#continueAt = 0
    this.#ledger.noteResponse(head.status)
    this.#pool?.noteSuccess()
    const edits = bothEdits(this.#filtered?.responseEdits, this.#route?.pipeline?.responseEdits)
    this.#client.outbox.addText(
      responseHead(head, isRechunked, this.#clientSide(), edits, this.#affinityLine),
    )
  }

  onResponseData(bytes: Buffer): void {
    const outbox = this.#client.outbox
    if (this.#bodyOut === 'chunked') outbox.addChunk(bytes)
    else if (this.#bodyOut === 'plain') outbox.addBytes(bytes)
  }

  onResponseFlush(): void {
    const outbox = this.#client.outbox
    outbox.flush()
    this.#ledger.noteRelayed()
    if (outbox.isCongested) this.#connection?.pause()
  }

  isReadInUse(): boolean {
    return this.#client.socket.writableLength > 0
  }

  isRequestInUse(): boolean {
    return this.#connection !== undefined && this.#connection.socket.writableLength > 0
  }

  onClientDrained(): void {
    this.#connection?.resume()
  }

  onResponseEnd(trailers: string): void {
    if (this.#bodyOut === 'chunked') {
      this.#client.outbox.addLastChunk(this.#head?.acceptsTrailers === true ? trailers : '')
    }
    this.#client.outbox.flush()
    this.#giveBackConnection()
    this.#finish(this.#mayKeepAlive)
  }

  /** RFC 9112 §9.3: a connection whose request was not sent to its end can carry no other. */
  #giveBackConnection(): void {
    const connection = this.#connection
    const pool = this.#pool
    this.#connection = undefined
    if (connection === undefined || pool === undefined) return
    if (this.#client.isRequestRead) pool.giveBack(connection)
    else pool.discard(connection)
  }

  // ── respond: tunnels ──────────────────────────────────────────────────────────────────────────

  /** Opens a tunnel only to the protocol that was asked for (RFC 9110 §7.8); any other 101 is a broken response. */
  #switchProtocols(response: ResponseHead): void {
    const connection = this.#connection
    const head = this.#head
    if (connection === undefined || head === undefined) return
    if (head.upgrade === '' || response.upgrade !== head.upgrade || !response.isUpgrade) {
      this.#dropConnection()
      this.#noteUpstreamFailure('upstream-malformed')
      this.#fail('upstream-malformed')
      return
    }
    this.#isResponding = true
    this.#ledger.noteResponse(101)
    this.#pool?.noteSuccess()
    this.#client.outbox.addText(upgradeHead(response, this.#route?.pipeline?.responseEdits))
    this.#client.outbox.flush()
    this.#startTunnel(connection)
  }

  #startTunnel(connection: UpstreamConnection): void {
    const tunnel = new Tunnel(
      this.#client.socket,
      connection.socket,
      this.#worker.time,
      this.#worker.limits.tunnelIdleTimeoutMs,
      () => this.#finishTunnel(tunnel),
    )
    this.#tunnel = tunnel
    this.#ledger.noteTunnel()
    connection.startTunnel(tunnel.upstreamEnd)
    this.#client.startTunnel(tunnel.clientEnd)
  }

  #finishTunnel(tunnel: Tunnel): void {
    this.#tunnel = undefined
    this.#dropConnection()
    this.#ledger.noteTunnelBytes(tunnel.bytesIn, tunnel.bytesOut)
    this.#record()
    this.#worker.exchanges.delete(this)
  }

  /** Cuts a tunnel that is still open when the worker has to end. */
  cutTunnel(): void {
    this.#tunnel?.cut()
  }

  // ── what can go wrong ─────────────────────────────────────────────────────────────────────────

  onUpstreamFailure(code: FailureCode): void {
    const connection = this.#connection
    const pool = this.#pool
    if (connection === undefined || pool === undefined) return
    const isConnectionReused = connection.isReused
    const hasAnswered = connection.hasAnswered
    this.#dropConnection()
    // A kept connection that closes before it answers says nothing against its endpoint: it was merely idle too long.
    const isStale = isConnectionReused && !hasAnswered && code === 'upstream-reset'
    if (!isStale) this.#noteUpstreamFailure(code)
    if (this.#isResponding) {
      this.#cut(code)
      return
    }
    const attempt = {
      code,
      method: this.#head?.method ?? '',
      isBodyConsumed: this.#isBodyConsumed,
      isConnectionReused,
      hasAnswered,
      retries: this.#retries,
    }
    if (!isStale) this.#tried.push(pool)
    const next = mayRetry(attempt, this.#worker.limits.maxRetries) ? this.#pickPool() : undefined
    if (next === undefined) this.#fail(code)
    else if (this.#worker.retryBudget.spend()) this.#retry(next)
    else {
      add(this.#worker.recorder.retriesRefused, 1)
      this.#fail(code)
    }
  }

  #retry(pool: EndpointPool): void {
    this.#retries += 1
    this.#client.pauseBody()
    add(this.#worker.recorder.retries, 1)
    this.#ledger.noteRetry()
    this.#connect(pool)
  }

  #noteUpstreamFailure(code: FailureCode): void {
    add(this.#worker.recorder.upstreamErrors(code), 1)
    this.#pool?.noteFailure((this.#backend?.upstream.pools.length ?? 1) - 1)
  }

  /** The head or body of the request cannot be served. */
  onRequestFailure(code: FailureCode): void {
    if (this.#head === undefined) this.#begin()
    this.#dropConnection()
    if (this.#isResponding) this.#cut(code)
    else this.#fail(code)
  }

  onClientGone(): void {
    if (this.#head === undefined) return
    this.#dropConnection()
    this.#ledger.noteFailure('client-closed', !this.#isResponding)
    this.#client.abort()
    this.#record()
  }

  onClientClosed(): void {
    this.#ledger.close()
    // A tunnel whose upstream still takes its last bytes is watched until that is done, too.
    if (this.#tunnel === undefined) this.#worker.exchanges.delete(this)
  }

  /** Answers with a failure's page. The response has not begun. */
  #fail(code: FailureCode): void {
    this.#dropConnection()
    this.#ledger.noteFailure(code, true)
    const { status } = failures[code]
    this.#reply(status, failureFields(code), errorPage(code, this.#facts?.requestId))
  }

  /** Answers with something of Weir's own that is no failure. */
  #answer(answer: Answer): void {
    this.#ledger.noteAnswer(answer.status, answer.code)
    this.#reply(answer.status, answer.headers, answer.body)
  }

  #reply(status: number, fields: Answer['headers'], body: Answer['body']): void {
    this.#mayKeepAlive &&= this.#client.isRequestRead && !this.#worker.isDraining
    const outbox = this.#client.outbox
    const length = Buffer.byteLength(body)
    outbox.addText(answerHead(status, fields, length, this.#clientSide()))
    const isHead =
      this.#head === undefined ? this.#client.isHeadRefused : this.#head.method === 'HEAD'
    if (!isHead && length > 0) outbox.addBytes(typeof body === 'string' ? Buffer.from(body) : body)
    this.#finish(this.#mayKeepAlive)
  }

  /** Ends a response that cannot be completed, so that the client sees that it is not whole (RFC 9112 §8). */
  #cut(code: FailureCode): void {
    this.#ledger.noteFailure(code, false)
    // Without length and chunks only a reset tells a cut body from a complete one.
    if (this.#bodyOut === 'plain' && this.#head?.minorVersion === 0) this.#client.abort()
    this.#finish(false)
  }

  #dropConnection(): void {
    const connection = this.#connection
    this.#connection = undefined
    if (connection !== undefined) this.#pool?.discard(connection)
  }

  // ── record ────────────────────────────────────────────────────────────────────────────────────

  #finish(mayKeepAlive: boolean): void {
    this.#client.outbox.flush()
    this.#record()
    this.#client.endExchange(mayKeepAlive)
  }

  #record(): void {
    this.#head = undefined
    this.#facts = undefined
    this.#pool = undefined
    this.#worker.inFlight -= 1
    this.#ledger.record()
  }

  // ── time ──────────────────────────────────────────────────────────────────────────────────────

  /** Ends what took too long. Called with each tick of the worker. */
  tick(now: number): void {
    this.#client.tick(now)
    this.#connection?.tick(now)
    this.#tunnel?.tick(now)
    if (this.#continueAt !== 0 && now > this.#continueAt) this.#continue()
  }

  /** Cuts whatever is still open: the worker ends. */
  abort(): void {
    this.#client.abort()
  }

  /** Closes the connection if nothing is being served on it. */
  closeIdle(): void {
    if (this.#client.isIdle) this.#client.closeIdle()
  }

  #clientSide(): ClientSide {
    return {
      isHttp11: this.#head === undefined || this.#head.minorVersion === 1,
      mayKeepAlive: this.#mayKeepAlive,
      dateLine: this.#worker.dateLine,
    }
  }
}

/** What filters changed while the request was decided, then what was known when the route was built. */
function bothEdits(
  first: FieldEdits | undefined,
  last: FieldEdits | undefined,
): FieldEdits | undefined {
  if (first === undefined) return last
  return last === undefined ? first : joinEdits([first, last])
}
