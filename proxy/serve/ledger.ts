// What is written down about one request while it is served: moments, outcome and sizes, for the record phase.
//
// Moments, in order; times between marked ones are Weir's own (overhead), the rest is waiting for others:
//   head read ═ forwarded ─ response head ═ relayed ─ … ─ record      (connecting ─ connected is waiting, too)
import { type FailureCode, failures, isFailureCode } from '../../shared/routing/failure.ts'
import type { Outcome } from '../../shared/routing/filters/kind.ts'
import type { RequestFacts } from '../http/forwarded.ts'
import type { RequestHead } from '../http/stream.ts'
import type { RequestRecord } from '../observe/record.ts'
import type { RouteCounters } from '../observe/route-series.ts'
import type { LiveRoute } from './live-route.ts'
import { readLoggedFields } from './logged-fields.ts'
import type { WorkerState } from './worker-state.ts'

/** Keeps the record of a client connection's current request. */
export class RequestLedger implements Outcome {
  readonly #worker: WorkerState
  readonly #record: RequestRecord = createRecord()
  #startedAt = 0
  #ownSince = 0
  #forwardedAt = 0
  #connectingAt = 0
  #isLeftOut = false
  /** No request is being served. */
  isOver = true

  readonly #peerAddress: string

  constructor(worker: WorkerState, peerAddress: string) {
    this.#worker = worker
    this.#peerAddress = peerAddress
  }

  /** Starts over for the next request. */
  begin(): void {
    const { clock } = this.#worker
    const record = this.#record
    const now = clock.now()
    this.#startedAt = now
    this.#ownSince = now
    this.#forwardedAt = 0
    this.#isLeftOut = false
    record.wallStartMs = clock.wallNow()
    record.requestId = ''
    record.clientAddress = this.#peerAddress
    record.method = ''
    record.host = ''
    record.path = ''
    record.query = ''
    record.protocol = 'HTTP/1.1'
    record.status = 0
    record.error = ''
    record.fieldBytesIn = 0
    record.fieldBytesOut = 0
    record.upstreamMs = 0
    record.responseMs = 0
    record.connectMs = 0
    record.overheadMs = 0
    record.counters = undefined
    record.endpoint = ''
    record.retries = 0
    record.userAgent = ''
    record.referer = ''
    record.scheme = ''
    record.loggedFields = undefined
    record.tunnel = false
    this.isOver = false
  }

  /** Leaves this request out of counters and log: a health check. */
  leaveOut(): void {
    this.#isLeftOut = true
  }

  noteHead(head: RequestHead, facts: RequestFacts): void {
    const record = this.#record
    record.clientAddress = facts.clientAddress
    record.requestId = facts.requestId
    record.scheme = facts.scheme
    const { loggedFields } = this.#worker.recorder
    if (loggedFields !== undefined)
      record.loggedFields = readLoggedFields(loggedFields, head, facts)
    record.method = head.method
    record.host = head.host
    record.path = head.path
    record.query = head.query
    record.protocol = head.protocol
    record.userAgent = head.userAgent
    record.referer = head.referer
    record.fieldBytesIn = head.fields.length
  }

  /** Notes a connection that is handed on unread: only the host is known of what it asks for. */
  notePassthrough(serverName: string): void {
    const record = this.#record
    record.host = serverName
    record.protocol = 'TLS'
    record.tunnel = true
  }

  noteRoute(route: LiveRoute): void {
    this.#record.counters = route.counters
    this.#worker.retryBudget.earn()
  }

  noteService(counters: RouteCounters): void {
    this.#record.counters = counters
  }

  noteEndpoint(name: string): void {
    this.#record.endpoint = name
  }

  noteRetry(): void {
    this.#record.retries += 1
    this.#record.connectMs = 0
    this.#ownSince = this.#worker.clock.now()
  }

  noteConnecting(): void {
    const now = this.#worker.clock.now()
    this.#connectingAt = now
    this.#endOwn(now)
  }

  noteConnected(): void {
    const now = this.#worker.clock.now()
    this.#record.connectMs = now - this.#connectingAt
    this.#ownSince = now
  }

  noteForwarded(): void {
    const now = this.#worker.clock.now()
    this.#forwardedAt = now
    this.#endOwn(now)
  }

  noteResponse(status: number): void {
    const now = this.#worker.clock.now()
    this.#record.status = status
    if (this.#forwardedAt !== 0) this.#record.upstreamMs = now - this.#forwardedAt
    this.#ownSince = now
  }

  noteRelayed(): void {
    if (this.#ownSince !== 0) this.#endOwn(this.#worker.clock.now())
  }

  noteAnswer(status: number, code: string): void {
    this.#record.status = status
    this.#record.error = code
  }

  /** Notes why the request failed; the status changes only while the client has not seen one. */
  noteFailure(code: FailureCode, isStatusOpen: boolean): void {
    this.#record.error = code
    if (isStatusOpen) this.#record.status = failures[code].status
  }

  noteTunnel(): void {
    this.#record.tunnel = true
  }

  /** The status that the client gets, once filters have had their say. */
  noteStatus(status: number): void {
    this.#record.status = status
  }

  /** The length of the field lines that the client gets. */
  noteFields(bytes: number): void {
    this.#record.fieldBytesOut = bytes
  }

  get status(): number {
    return this.#record.status
  }

  /** Why the request failed; empty when it did not. */
  get failure(): FailureCode | '' {
    const { error } = this.#record
    return isFailureCode(error) ? error : ''
  }

  get protocol(): string {
    return this.#record.protocol
  }

  get service(): string {
    return this.#record.counters?.service ?? ''
  }

  get endpoint(): string {
    return this.#record.endpoint
  }

  get retries(): number {
    return this.#record.retries
  }

  /** Hands the finished record over, once per request. */
  record(bytesIn: number, bytesOut: number): void {
    const { clock } = this.#worker
    const record = this.#record
    const now = clock.now()
    if (this.#ownSince !== 0) this.#endOwn(now)
    record.totalMs = now - this.#startedAt
    if (this.#forwardedAt !== 0) record.responseMs = now - this.#forwardedAt
    record.bytesIn = bytesIn
    record.bytesOut = bytesOut
    this.isOver = true
    if (!this.#isLeftOut) this.#worker.recorder.record(record)
  }

  #endOwn(now: number): void {
    if (this.#ownSince !== 0) this.#record.overheadMs += now - this.#ownSince
    this.#ownSince = 0
  }
}

function createRecord(): RequestRecord {
  return {
    wallStartMs: 0,
    requestId: '',
    clientAddress: '',
    method: '',
    host: '',
    path: '',
    query: '',
    protocol: 'HTTP/1.1',
    status: 0,
    error: '',
    bytesIn: 0,
    bytesOut: 0,
    fieldBytesIn: 0,
    fieldBytesOut: 0,
    totalMs: 0,
    upstreamMs: 0,
    responseMs: 0,
    connectMs: 0,
    overheadMs: 0,
    counters: undefined,
    endpoint: '',
    retries: 0,
    userAgent: '',
    referer: '',
    scheme: '',
    loggedFields: undefined,
    tunnel: false,
  }
}
