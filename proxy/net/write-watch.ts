// Does the other side still take what was written? A socket that passes nothing on for too long is stalled, however full it is.

/** Watches the unsent bytes of a socket, or of one stream of it. */
export class WriteWatch {
  readonly #socket: { readonly writableLength: number }
  readonly #timeoutMs: number
  #deadline = 0
  /** Bytes that the socket could not pass on at the last look. */
  #unsent = 0

  constructor(socket: { readonly writableLength: number }, timeoutMs: number) {
    this.#socket = socket
    this.#timeoutMs = timeoutMs
  }

  /** Looks again at `now` (ms); true when nothing was passed on for the whole timeout. Any progress starts it anew. */
  isStalled(now: number): boolean {
    const unsent = this.#socket.writableLength
    if (unsent === 0) {
      this.#deadline = 0
    } else if (this.#deadline === 0 || unsent !== this.#unsent) {
      this.#deadline = now + this.#timeoutMs
      this.#unsent = unsent
    }
    return this.#deadline !== 0 && now > this.#deadline
  }
}
