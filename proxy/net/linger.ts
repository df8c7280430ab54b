// How does a connection end whose peer may still be sending? FIN goes first, then it is read on for a bounded while: a reset now
// could destroy the response on its way (RFC 9112 §9.6).
import type { Socket } from 'node:net'

const lingerMs = 5000
const lingerBytes = 16 << 20

/** The end of one connection; what is read is thrown away. */
export class Linger {
  readonly #socket: Socket
  #deadline: number
  #read = 0

  /** Sends FIN at `now` (ms). */
  constructor(socket: Socket, now: number) {
    this.#socket = socket
    this.#deadline = now + lingerMs
    socket.end()
  }

  /** Counts what was read, and closes when it is too much. */
  noteRead(bytes: number): void {
    this.#read += bytes
    if (this.#read > lingerBytes) this.#socket.destroy()
  }

  /** Closes at `now` (ms) when it took too long. What a slow peer has not taken yet is bounded by the write timeout alone. */
  tick(now: number): void {
    if (now <= this.#deadline) return
    if (this.#socket.writableLength > 0) this.#deadline = now + lingerMs
    else this.#socket.destroy()
  }
}
