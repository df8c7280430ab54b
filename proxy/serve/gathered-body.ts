// When is a request's body whole, so that it can be sent, and sent again? It is gathered first: in memory, and what is more in a
// file, where the route says so.
//
// Invariant: memory holds `bufferBytes` and what waits for the disk, no more. A body that is larger fails, or goes into a file.
// Invariant: where no file can be made, the body goes on as it comes: a disk that is read-only costs retries, not requests.
import type { FailureCode } from '../../shared/routing/failure.ts'
import type { BodySink } from '../../shared/routing/filters/kind.ts'
import type { LiveForward } from './live-route.ts'
import { SpoolFile, type SpoolOwner } from './spool-file.ts'

/** What becomes of the body. */
export interface GatherOwner {
  /** It is whole: `pieces`, and then what is in the file. */
  onGathered(pieces: readonly Buffer[], file: SpoolFile | undefined): void
  /** It cannot be gathered: `pieces` are its begin, the rest goes on as it comes. */
  onUngatherable(pieces: readonly Buffer[]): void
  /** More of it may come, after a `write` that returned false. */
  onGatherDrained(): void
  fail(code: FailureCode): void
}

/** Gathers the body of one request. */
export class GatheredBody implements BodySink, SpoolOwner {
  readonly #backend: LiveForward
  readonly #owner: GatherOwner
  readonly #pieces: Buffer[] = []
  #inMemory = 0
  #file: SpoolFile | undefined
  #isEnded = false
  /** All bytes so far. */
  length = 0

  constructor(backend: LiveForward, owner: GatherOwner) {
    this.#backend = backend
    this.#owner = owner
  }

  write(bytes: Buffer): boolean {
    const { bufferBytes, spills } = this.#backend
    this.length += bytes.length
    if (this.#file === undefined && this.#inMemory + bytes.length <= bufferBytes) {
      this.#inMemory += bytes.length
      this.#pieces.push(Buffer.from(bytes))
      return true
    }
    if (!spills) {
      this.#owner.fail('body-too-large')
      return true
    }
    this.#file ??= new SpoolFile(this)
    return this.#file.write(bytes)
  }

  end(): void {
    this.#isEnded = true
    if (this.#file === undefined) this.#owner.onGathered(this.#pieces, undefined)
    else this.#file.end()
  }

  /** The request is over. */
  close(): void {
    this.#file?.close()
  }

  onSpoolDrained(): void {
    this.#owner.onGatherDrained()
  }

  onSpooled(): void {
    this.#owner.onGathered(this.#pieces, this.#file)
  }

  onUnspoolable(written: readonly Buffer[]): void {
    const pieces = [...this.#pieces, ...written]
    if (this.#isEnded) this.#owner.onGathered(pieces, undefined)
    else this.#owner.onUngatherable(pieces)
  }

  onSpoolFailure(): void {
    this.#owner.fail('internal-error')
  }
}
