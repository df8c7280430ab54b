// Which memory is the next read of a socket put in?
//
// Fresh memory for each read is cold memory: reusing it halved the CPU per byte of 1 MiB downloads (bench/results/bench.md).
// Invariant: memory that a pending write still refers to is never read into again. Large memory of that kind is lent: whoever reads
// takes it back when one receiver, to whom all of it went, holds nothing any more; else it is left to the collector, for which a
// download to a client that takes its time is much work (a third of the CPU of 1 MiB over HTTP/2).

const smallBytes = 4096
const largeBytes = 65536
// Buffers that nobody reads into right now; shared by the connections of a worker.
const spareSmall: Buffer[] = []
const spareLarge: Buffer[] = []
const maxSpareSmall = 256
const maxSpareLarge = 64
// Of one connection; its receiver is congested long before it holds as many.
const maxLent = 8

function takeSmall(): Buffer {
  return spareSmall.pop() ?? Buffer.allocUnsafeSlow(smallBytes)
}

/** The read memory of one connection: small at rest, large while much arrives. */
export class ReadBuffer {
  #small: Buffer = takeSmall()
  #current: Buffer = this.#small
  readonly #lent: Buffer[] = []

  /** The memory for the next read. */
  get current(): Buffer {
    return this.#current
  }

  /** Pending writes referred to memory that was read into before. */
  get hasLent(): boolean {
    return this.#lent.length > 0
  }

  /** Their receiver holds nothing any more: the memory may be read into again. */
  takeBack(): void {
    for (const memory of this.#lent) if (spareLarge.length < maxSpareLarge) spareLarge.push(memory)
    this.#lent.length = 0
  }

  /** Another receiver follows, who cannot tell what the one before holds. */
  forgetLent(): void {
    this.#lent.length = 0
  }

  /** Chooses the next memory after `count` bytes were read; `isInUse`: something still refers to the current one. */
  advance(count: number, isInUse: boolean, isAtRest: boolean): void {
    const isFull = count === this.#current.length
    const isLarge = this.#current !== this.#small
    if (isInUse) {
      if (isLarge) this.#lend(this.#current)
      else this.#small = takeSmall()
    } else if (isLarge) {
      if (!isAtRest && count > smallBytes) return
      if (spareLarge.length < maxSpareLarge) spareLarge.push(this.#current)
    }
    const needsLarge = !isAtRest && (isFull || (isLarge && count > smallBytes))
    this.#current = needsLarge
      ? (spareLarge.pop() ?? Buffer.allocUnsafeSlow(largeBytes))
      : this.#small
  }

  #lend(memory: Buffer): void {
    if (this.#lent.length < maxLent) this.#lent.push(memory)
  }

  /** Gives the small memory back, once: the connection is closed. Memory in use has been replaced by then. */
  release(): void {
    if (spareSmall.length < maxSpareSmall) spareSmall.push(this.#small)
  }
}
