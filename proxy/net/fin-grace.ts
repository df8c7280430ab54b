// Is a peer that sent FIN still there? A FIN does not say whether it still reads. It is given a while for what it asked for, and
// as long again when it took some of it meanwhile; a reset ends the wait at once.
import type { Socket } from 'node:net'

const graceMs = 1500

/** The time that one peer has after its FIN. */
export class FinGrace {
  readonly #socket: Socket
  #deadline: number
  #written: number

  /** Begins at `now` (ms). */
  constructor(socket: Socket, now: number) {
    this.#socket = socket
    this.#deadline = now + graceMs
    this.#written = socket.bytesWritten
  }

  /** Looks again at `now` (ms); true, once, when the peer is taken to be gone. */
  isOver(now: number): boolean {
    if (this.#deadline === 0 || now <= this.#deadline) return false
    const written = this.#socket.bytesWritten
    const hasTaken = written > this.#written
    this.#deadline = hasTaken ? now + graceMs : 0
    this.#written = written
    return !hasTaken
  }
}
