// How does a response leave on an HTTP/1 connection? Framing, keep-alive, 100-continue and this hop's fields (RFC 9112).
//
// Invariant: a response whose end is not marked (by length or chunks) closes its connection; one that is cut is never
// completed by the last chunk.
import type { Socket } from 'node:net'
import type { FieldLines } from '../../shared/routing/filters/kind.ts'
import type { WorkerTime } from '../http/client-shared.ts'
import type { ClientStream, ResponseHead } from '../http/stream.ts'
import type { TunnelEnd, TunnelSide } from '../http/tunnel.ts'
import { holdsWritten } from '../net/holds-written.ts'
import { socketSide } from '../net/socket-side.ts'
import { closeLine, finalHead, interimHead } from './head-writer.ts'
import { Outbox } from './outbox.ts'
import type { Http1RequestHead } from './request-head.ts'
import type { RequestReader } from './request-reader.ts'

/** What the stream asks of the connection that it belongs to. */
export interface StreamOwner {
  endExchange(mayKeepAlive: boolean): void
  startTunnel(end: TunnelEnd): void
  abort(): void
}

// An upstream that does not know 100-continue must not keep a waiting client for ever.
const continueAfterMs = 1000

/** The current request of an HTTP/1 connection: one object, used for one after another. */
export class Http1ClientStream implements ClientStream {
  readonly outbox: Outbox
  readonly #owner: StreamOwner
  readonly #reader: RequestReader
  readonly #socket: Socket
  readonly #worker: WorkerTime
  #head: Http1RequestHead | undefined
  #bodyOut: 'none' | 'plain' | 'chunked' = 'none'
  #mayKeepAlive = false
  #mayContinue = false
  #continueAt = 0
  isHead = false

  constructor(owner: StreamOwner, reader: RequestReader, socket: Socket, worker: WorkerTime) {
    this.#owner = owner
    this.#reader = reader
    this.#socket = socket
    this.#worker = worker
    this.outbox = new Outbox(socket)
  }

  /** Starts over for the next request; without a head for one that is refused. */
  start(head: Http1RequestHead | undefined, isHead: boolean): void {
    this.#head = head
    this.isHead = isHead
    this.#bodyOut = 'none'
    this.#mayKeepAlive = head?.keepAlive === true
    this.#mayContinue = head?.expectsContinue === true
    this.#continueAt = 0
    this.outbox.bodyBytes = 0
  }

  get isRequestRead(): boolean {
    return this.#reader.isRequestRead
  }

  get bytesIn(): number {
    return this.#reader.bodyBytes
  }

  get bytesOut(): number {
    return this.outbox.bodyBytes
  }

  get isCongested(): boolean {
    return this.outbox.isCongested
  }

  get holdsBytes(): boolean {
    return holdsWritten(this.#socket)
  }

  get tunnelSide(): TunnelSide {
    return socketSide(this.#socket)
  }

  readBody(): void {
    if (this.#mayContinue) this.#continueAt = this.#worker.time.now + continueAfterMs
    this.#reader.startBody()
  }

  pauseBody(): void {
    this.#reader.pauseBody()
  }

  /** Body bytes have come: the client waits for no 100 any more. */
  noteBody(): void {
    this.#mayContinue = false
    this.#continueAt = 0
  }

  /** 100 goes only to a client that asked, once; an HTTP/1.0 client knows no interim response at all. */
  interim(head: ResponseHead): void {
    if (this.#head?.minorVersion !== 1) return
    if (head.status === 100) this.#continue()
    else this.outbox.addText(interimHead(head))
  }

  #continue(): void {
    this.#continueAt = 0
    if (!this.#mayContinue) return
    this.#mayContinue = false
    this.outbox.addText('HTTP/1.1 100 Continue\r\n\r\n')
    this.outbox.flush()
  }

  begin(
    status: number,
    reason: string,
    fields: FieldLines,
    bodyLength: number | undefined,
    upgrade: string,
  ): void {
    const isHttp11 = this.#head === undefined || this.#head.minorVersion === 1
    const isChunked = bodyLength === undefined && isHttp11
    this.#bodyOut = bodyLength === 0 ? 'none' : isChunked ? 'chunked' : 'plain'
    this.#continueAt = 0
    const isDelimited = bodyLength !== undefined || isChunked
    this.#mayKeepAlive &&= isDelimited && this.#reader.isRequestRead && !this.#worker.isDraining
    const connection =
      upgrade === ''
        ? connectionLine(isHttp11, this.#mayKeepAlive)
        : `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`
    this.outbox.addText(finalHead(status, reason, fields, isChunked, connection))
  }

  write(bytes: Buffer): boolean {
    if (this.#bodyOut === 'chunked') this.outbox.addChunk(bytes)
    else if (this.#bodyOut === 'plain') this.outbox.addBytes(bytes)
    return !this.outbox.isCongested
  }

  end(trailers: FieldLines): void {
    if (this.#bodyOut === 'chunked') {
      this.outbox.addLastChunk(this.#head?.acceptsTrailers === true ? trailers : '')
    }
    this.outbox.flush()
  }

  flush(): void {
    this.outbox.flush()
  }

  cut(): void {
    this.#mayKeepAlive = false
    // Without length and chunks only a reset tells a cut body from a complete one.
    if (this.#bodyOut === 'plain' && this.#head?.minorVersion === 0) this.#owner.abort()
  }

  abort(): void {
    this.#owner.abort()
  }

  finish(): void {
    this.#owner.endExchange(this.#mayKeepAlive)
  }

  startTunnel(end: TunnelEnd): void {
    this.#owner.startTunnel(end)
  }

  /** Called with each tick of the worker. */
  tick(now: number): void {
    if (this.#continueAt !== 0 && now > this.#continueAt) this.#continue()
  }
}

function connectionLine(isHttp11: boolean, mayKeepAlive: boolean): string {
  if (!mayKeepAlive) return closeLine
  return isHttp11 ? '' : 'Connection: keep-alive\r\n'
}
