// How do heads, chunk sizes and small bodies leave in one write, and how does a slow reader slow its sender down?
//
// Invariant: at most `mergeBytes` wait here; everything else is with the socket, whose own mark says when to stop.
import type { Socket } from 'node:net'

// Up to this size one more copy costs less than a second buffer in writev.
const mergeBytes = 8192

/** Gathers what is to be sent on one socket; `flush` sends what waits. */
export class Outbox {
  readonly #socket: Socket
  #text = ''
  /** The socket asked to wait: its owner stops the sender until `drain`. */
  isCongested = false
  /** Body bytes handed over, without heads and chunk framing. */
  bodyBytes = 0

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Adds a head or framing, as latin1 text. */
  addText(text: string): void {
    this.#text += text
  }

  /** Adds body bytes as they are. */
  addBytes(bytes: Buffer): void {
    this.bodyBytes += bytes.length
    if (this.#text === '') {
      this.#note(this.#socket.write(bytes))
    } else if (this.#text.length + bytes.length <= mergeBytes) {
      this.#text += bytes.toString('latin1', 0, bytes.length)
    } else {
      this.#socket.cork()
      this.#socket.write(this.#text, 'latin1')
      this.#text = ''
      this.#note(this.#socket.write(bytes))
      this.#socket.uncork()
    }
  }

  /** Adds body bytes as one chunk (RFC 9112 §7.1). */
  addChunk(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#text += `${bytes.length.toString(16)}\r\n`
    this.addBytes(bytes)
    this.#text += '\r\n'
  }

  /** Adds the last chunk and accepted trailer lines. */
  addLastChunk(trailers: string): void {
    this.#text += `0\r\n${trailers}\r\n`
  }

  /** Sends what waits. */
  flush(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.#note(this.#socket.write(text, 'latin1'))
  }

  /** Forgets what waits: nothing of it was sent. */
  clear(): void {
    this.#text = ''
  }

  /** A write that the system took whole is no reason to wait, however long it was. */
  #note(mayGoOn: boolean): void {
    if (!mayGoOn && this.#socket.writableLength > 0) this.isCongested = true
  }
}
