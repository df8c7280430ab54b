// How does a response reach the client: an upstream's as it comes, or one of Weir's own, whole?
//
//   attempt ─► (filters that look at responses) ─► client
//
// Invariant: once a head is on its way, only its body follows, or a cut.
import { dropStatus } from '../../shared/routing/filters/answers.ts'
import type { Answer, FieldLines } from '../../shared/routing/filters/kind.ts'
import { reasonOf } from '../http/reasons.ts'
import type { ClientStream, RequestHead } from '../http/stream.ts'
import { applyEdits } from './field-changes.ts'
import type { Filtering } from './filtering.ts'
import { grpcLines } from './grpc-answers.ts'
import type { RequestLedger } from './ledger.ts'
import type { HeadFacts } from './response-filter.ts'
import type { WorkerState } from './worker-state.ts'

/** The way of a response, for one request after another. Its filters are those of the current route, if it has some. */
export class Reply {
  readonly #worker: WorkerState
  readonly #client: ClientStream
  readonly #ledger: RequestLedger
  /** The final response's head is on its way to the client. */
  hasBegun = false

  constructor(worker: WorkerState, client: ClientStream, ledger: RequestLedger) {
    this.#worker = worker
    this.#client = client
    this.#ledger = ledger
  }

  /** Starts over for the next request. */
  begin(): void {
    this.hasBegun = false
  }

  /** Writes an upstream's head as the filters changed it. */
  relay(
    filters: Filtering | undefined,
    head: HeadFacts,
    status: number,
    lines: FieldLines,
    bodyLength: number | undefined,
  ): void {
    this.hasBegun = true
    this.#ledger.noteResponse(status)
    const edits = filters?.responseEdits(false, status)
    const { line, hides } = this.#worker.server
    const isNamed = head.hasServer && hides === undefined
    let fields = applyEdits(head.hasServer ? applyEdits(lines, hides) : lines, edits)
    // RFC 9110 §6.6.1: a recipient with a clock adds a Date that is missing.
    if (!head.hasDate && edits?.dropped.has('date') !== true) fields += this.#worker.dateLine
    if (!isNamed && edits?.dropped.has('server') !== true) fields += line
    this.#ledger.noteFields(fields.length)
    const reason = status === head.status ? head.reason : reasonOf(status)
    this.#client.begin(status, reason, fields, bodyLength, head.upgrade)
  }

  /** Writes bytes of an upstream's body. */
  write(filters: Filtering | undefined, bytes: Buffer): void {
    const response = filters?.response
    if (response === undefined) this.#client.write(bytes)
    else response.write(bytes)
  }

  /** Sends what waits; false: the upstream has to wait for the client, or for a filter. */
  flush(filters: Filtering | undefined): boolean {
    this.#client.flush()
    this.#ledger.noteRelayed()
    return !this.#client.isCongested && filters?.response?.isWaiting !== true
  }

  /** Ends an upstream's body; false: the filters have some of it left, and end it. */
  end(filters: Filtering | undefined, trailers: FieldLines): boolean {
    const response = filters?.response
    if (response === undefined) this.#client.end(trailers)
    else response.end(trailers)
    return response === undefined
  }

  /**
   * Writes a whole response of Weir's own, or closes the connection where a filter wants that instead. A client of gRPC gets
   * HTTP's status 200 whatever went wrong, and a head that is all (Trailers-Only); log and metrics keep `status`.
   */
  answer(
    head: RequestHead | undefined,
    filters: Filtering | undefined,
    status: number,
    lines: FieldLines,
    { code, body }: Answer,
  ): void {
    this.hasBegun = true
    this.#ledger.noteStatus(status)
    if (status === dropStatus) {
      this.#client.cut()
      return
    }
    const ofGrpc = grpcLines(head, status, code, lines)
    if (ofGrpc !== undefined) {
      this.#client.begin(200, reasonOf(200), this.#ownFields(filters, status, ofGrpc), 0, '')
      return
    }
    const fields = this.#ownFields(filters, status, lines)
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const length = this.#client.isHead ? 0 : bytes.length
    this.#client.begin(status, reasonOf(status), fields, length, '')
    if (length > 0) this.#client.write(bytes)
  }

  #ownFields(filters: Filtering | undefined, status: number, lines: FieldLines): FieldLines {
    const edits = filters?.responseEdits(true, status)
    const fields = applyEdits(lines, edits) + this.#worker.dateLine + this.#worker.server.line
    this.#ledger.noteFields(fields.length)
    return fields
  }
}
