// How does what a file holds of a body get to an endpoint? Piece by piece, as fast as its connection takes it.
import type { UpstreamStream } from '../http/stream.ts'
import type { SpoolFile } from './spool-file.ts'

const pieceBytes = 64 << 10

/** What an attempt says about the try that is played to. */
export interface ReplayOwner {
  /** The try is still under way. */
  isCurrent(stream: UpstreamStream): boolean
  /** The connection takes no more for now: `resume` follows when it does. */
  onReplayBlocked(stream: UpstreamStream): void
  /** All of the file was sent. */
  onReplayed(): void
  onReplayFailure(): void
}

/** Plays a file to one try, from its beginning. */
export class Replay {
  readonly #file: SpoolFile
  readonly #stream: UpstreamStream
  readonly #owner: ReplayOwner
  #position = 0
  #isReading = false

  constructor(file: SpoolFile, stream: UpstreamStream, owner: ReplayOwner) {
    this.#file = file
    this.#stream = stream
    this.#owner = owner
  }

  /** Sends the next piece, and those after it, until the connection is full. */
  resume(): void {
    if (this.#isReading) return
    if (this.#position === this.#file.length) {
      this.#owner.onReplayed()
      return
    }
    this.#isReading = true
    // Memory of its own for each piece: the connection may hold on to it until it is sent.
    const memory = Buffer.allocUnsafe(pieceBytes)
    this.#file.read(this.#position, memory, (count) => {
      this.#isReading = false
      this.#take(memory, count)
    })
  }

  #take(memory: Buffer, count: number): void {
    const stream = this.#stream
    if (!this.#owner.isCurrent(stream)) return
    if (count <= 0) {
      this.#owner.onReplayFailure()
      return
    }
    this.#position += count
    stream.write(memory.subarray(0, count))
    stream.flush()
    // What was written may have ended the try.
    if (!this.#owner.isCurrent(stream)) return
    if (stream.isCongested) this.#owner.onReplayBlocked(stream)
    else this.resume()
  }
}
