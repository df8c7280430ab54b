// Where does a message's body end, in the bytes as they arrive? The same question on both sides (RFC 9112 §6.3).
//
// Invariant: not one byte behind the body is handed over as part of it.
import type { BodySink } from '../http/body-sink.ts'
import { ChunkedReader } from './chunked.ts'
import type { Framing } from './request-head.ts'

/** Reads one body after another; `start` begins the next. */
export class BodyReader {
  readonly #isSloppy: boolean
  #framing: Framing = 'none'
  #left = 0
  #chunked: ChunkedReader | undefined

  /** `isSloppy`: chunks of an upstream, not of a client (see ChunkedReader). */
  constructor(isSloppy = false) {
    this.#isSloppy = isSloppy
  }

  /** Begins a body of `contentLength` bytes, in chunks, without end of its own (`close`), or none at all. */
  start(framing: Framing, contentLength: number): void {
    this.#framing = framing
    this.#left = framing === 'length' ? contentLength : 0
    if (framing !== 'chunked') return
    this.#chunked ??= new ChunkedReader(this.#isSloppy)
    this.#chunked.start()
  }

  /** The body has been read to its end. */
  get isDone(): boolean {
    if (this.#framing === 'chunked') return this.#chunked?.isDone === true
    return this.#framing !== 'close' && this.#left === 0
  }

  /** The chunks are not as RFC 9112 §7.1 writes them; nothing after it may be used. */
  get isFailed(): boolean {
    return this.#framing === 'chunked' && this.#chunked?.isFailed === true
  }

  /** Accepted trailer lines, each with its CRLF, once the body is done. */
  get trailers(): string {
    return this.#framing === 'chunked' ? (this.#chunked?.trailers ?? '') : ''
  }

  /** Hands the data in `bytes` to `sink` and returns the offset behind the last byte that belongs to the body. */
  push(bytes: Buffer, sink: BodySink): number {
    switch (this.#framing) {
      case 'none':
        return 0
      case 'length': {
        const end = Math.min(bytes.length, this.#left)
        this.#left -= end
        if (end > 0) sink.onBodyData(end === bytes.length ? bytes : bytes.subarray(0, end))
        return end
      }
      case 'chunked':
        return this.#chunked?.push(bytes, 0, sink) ?? 0
      case 'close':
        sink.onBodyData(bytes)
        return bytes.length
    }
  }
}
