// How does a response leave on one HTTP/2 stream? (RFC 9113 §8.1)
//
// Invariant: only a whole response ends with END_STREAM.
import type { ServerHttp2Stream } from 'node:http2'
import type { FieldLines } from '../../shared/routing/filters/kind.ts'
import { WriteWatch } from '../net/write-watch.ts'
import { addFields, fieldObject } from './field-section.ts'

/** What of a request its response depends on. */
export interface AnsweredRequest {
  readonly isHead: boolean
  /** It asks for a WebSocket by an extended CONNECT (RFC 8441). */
  readonly isHandshake: boolean
  /** RFC 9113 §8.1.1: a reset ends its stream, which takes the place of END_STREAM. */
  readonly isMalformed: boolean
}

// Up to this size a copy costs less than memory that an upstream cannot read into again until it is sent.
const copiedBytes = 4096
// Date is settled before a response comes here. (Node's types do not know this option.)
const ourDate = { sendDate: false }
// What HTTP/1.1 says of a handshake, the status says here (RFC 8441 §5).
const handshakeFields: ReadonlySet<string> = new Set(['sec-websocket-accept', 'content-length'])
// RFC 9110 §15.3.6: it has no content, whatever an upstream sends with it; Node ends the stream with its head.
const resetContent = 205
const contentFields: ReadonlySet<string> = new Set(['content-length'])

/** The response of one stream. */
export class ResponseOut {
  readonly #stream: ServerHttp2Stream
  readonly #request: AnsweredRequest
  readonly #writes: WriteWatch
  #trailers: FieldLines = ''
  #refersToMemory = false
  /** Its end is the section of trailers, with or without any. */
  waitsForTrailers = false
  /** All of it is written, or none of it can be. */
  isWhole = false
  /** The client takes no more for now. */
  isCongested = false
  bodyBytes = 0

  constructor(stream: ServerHttp2Stream, request: AnsweredRequest, writeTimeoutMs: number) {
    this.#stream = stream
    this.#request = request
    this.#writes = new WriteWatch(stream, writeTimeoutMs)
  }

  /** The stream can be written to. */
  get isOpen(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed
  }

  /** Some of what was written still refers to the caller's memory. */
  get holdsBytes(): boolean {
    if (this.#refersToMemory) this.#refersToMemory = this.#stream.writableLength > 0
    return this.#refersToMemory
  }

  /** Sends an interim response, while there is no other. */
  inform(status: number, fields: FieldLines): void {
    if (!this.isOpen || this.#stream.headersSent) return
    this.#stream.additionalHeaders({ ':status': status, ...fieldObject(fields) })
  }

  /** Sends the final head; arguments as those of ClientStream. */
  begin(status: number, fields: FieldLines, bodyLength: number | undefined, upgrade: string): void {
    if (!this.isOpen) return
    const stream = this.#stream
    const { isHead, isHandshake, isMalformed } = this.#request
    let list: string[] = [':status', String(statusOf(status, isHandshake, upgrade))]
    addFields(list, fields)
    // A length without its bytes makes a response malformed (RFC 9113 §8.1.1).
    if (isHandshake) list = without(list, handshakeFields)
    else if (status === resetContent) list = without(list, contentFields)
    if (upgrade !== '') {
      stream.respond(list, { endStream: false, ...ourDate })
      return
    }
    this.isWhole = bodyLength === 0 || isHead || isHandshake || status === resetContent
    // Trailers can only follow a body whose length nobody told.
    const waitForTrailers = bodyLength === undefined && !this.isWhole
    this.waitsForTrailers = waitForTrailers
    if (waitForTrailers) stream.once('wantTrailers', () => this.#sendTrailers())
    const endStream = this.isWhole && !isMalformed
    stream.respond(list, { endStream, waitForTrailers, ...ourDate })
  }

  write(bytes: Buffer): boolean {
    if (!this.isOpen || this.isWhole) return true
    this.bodyBytes += bytes.length
    const isSmall = bytes.length <= copiedBytes
    if (!isSmall) this.#refersToMemory = true
    if (!this.#stream.write(isSmall ? Buffer.from(bytes) : bytes)) this.isCongested = true
    return !this.isCongested
  }

  /** Ends the body. A trailer section ends a stream by itself, so that no client of HTTP/2 can misread it. */
  end(trailers: FieldLines): void {
    if (!this.isOpen || this.isWhole) return
    this.#trailers = trailers
    this.isWhole = true
    if (!this.#request.isMalformed) this.#stream.end()
  }

  #sendTrailers(): void {
    if (this.isOpen) this.#stream.sendTrailers(fieldObject(this.#trailers))
  }

  /** Says at `now` (ms) that the client took nothing for too long: a window it does not open, or a connection that is full. */
  isStalled(now: number): boolean {
    return this.#writes.isStalled(now)
  }
}

/**
 * Statuses beyond 599 mean nothing: RFC 9110 §15 has a client read them as 500. A 2xx that accepts no WebSocket must not look like
 * one that does (RFC 8441 §5): HTTP/1.1 tells the two apart by 101.
 */
function statusOf(status: number, isHandshake: boolean, upgrade: string): number {
  if (upgrade !== '') return 200
  if (isHandshake && status < 300) return 502
  return status > 599 ? 500 : status
}

function without(list: readonly string[], names: ReadonlySet<string>): string[] {
  return list.filter((_, at) => !names.has(list[at - (at % 2)] ?? ''))
}
