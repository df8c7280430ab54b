// Which memory is the next read of a socket put in?
//
// Fresh memory for each read is cold memory: reusing it halved the CPU per byte of 1 MiB downloads (bench/results/bench.md).
// Invariant: memory that a pending write still refers to is never read into again.

const smallBytes = 4096
const largeBytes = 65536
// Buffers that nobody reads into right now; shared by the connections of a worker.
const spareSmall: Buffer[] = []
const spareLarge: Buffer[] = []
const maxSpareSmall = 256
const maxSpareLarge = 64

function takeSmall(): Buffer {
  return spareSmall.pop() ?? Buffer.allocUnsafeSlow(smallBytes)
}

/** The read memory of one connection: small at rest, large while much arrives. */
export class ReadBuffer {
  #small: Buffer = takeSmall()
  #current: Buffer = this.#small

  /** The memory for the next read. */
  get current(): Buffer {
    return this.#current
  }

  /** Chooses the next memory after `count` bytes were read; `isInUse`: something still refers to the current one. */
  advance(count: number, isInUse: boolean, isAtRest: boolean): void {
    const isFull = count === this.#current.length
    const isLarge = this.#current !== this.#small
    if (isInUse) {
      if (!isLarge) this.#small = takeSmall()
    } else if (isLarge) {
      if (!isAtRest && count > smallBytes) return
      if (spareLarge.length < maxSpareLarge) spareLarge.push(this.#current)
    }
    const needsLarge = !isAtRest && (isFull || (isLarge && count > smallBytes))
    this.#current = needsLarge
      ? (spareLarge.pop() ?? Buffer.allocUnsafeSlow(largeBytes))
      : this.#small
  }

  /** Gives the small memory back, once: the connection is closed. Memory in use has been replaced by then. */
  release(): void {
    if (spareSmall.length < maxSpareSmall) spareSmall.push(this.#small)
  }
}
