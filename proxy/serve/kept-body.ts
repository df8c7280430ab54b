// What was sent of a request's body, in case its endpoint says that it did not process the request (RFC 9113 §8.7)?
//
// Invariant: a body is kept from its first byte on or not at all; it is never sent again with a part missing.
import type { FieldLines } from '../../shared/routing/filters/kind.ts'

/** Most calls of gRPC are smaller; a larger one is told that it failed, and its client tries again. */
const maxBytes = 65_536

/** The beginning of a body, or all of it. */
export class KeptBody {
  #pieces: Buffer[] = []
  #length = 0
  #isGone = false
  /** Set once the request is complete. */
  trailers: FieldLines | undefined

  get pieces(): readonly Buffer[] {
    return this.#pieces
  }

  /** Keeps a copy of what is sent now; false: the body is too large to be kept, and what was kept is dropped. */
  keep(bytes: Buffer): boolean {
    if (this.#isGone) return false
    if (this.#length + bytes.length > maxBytes) {
      this.#isGone = true
      this.#pieces = []
      return false
    }
    this.hold(bytes)
    return true
  }

  /** Takes a copy of what can be sent only once the connection is there. */
  hold(bytes: Buffer): void {
    this.#length += bytes.length
    this.#pieces.push(Buffer.from(bytes))
  }
}
