// Where do bytes of a request's body wait that are too many for memory? In a temporary file without a name.
//
// Invariant: the file has no name once it is open: nobody else finds it, and it is gone when it is closed or the process ends.
// Invariant: it is closed only when nothing is read from or written to it: a descriptor that was given back may be another's.
// Invariant: what waits to be written is bounded by who writes: `write` says when to wait.
import { randomUUID } from 'node:crypto'
import { close, open, read, unlink, writev } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What whoever writes hears of the file. */
export interface SpoolOwner {
  /** It takes more, after a `write` that returned false. */
  onSpoolDrained(): void
  /** All of it is in the file, after `end`. */
  onSpooled(): void
  /** No file could be made: here is what was written so far. Nothing follows. */
  onUnspoolable(written: readonly Buffer[]): void
  /** The disk is full, or broken: what was written is lost. Nothing follows. */
  onSpoolFailure(): void
}

const maxWaitingBytes = 256 << 10

/** Bytes in a file of their own. */
export class SpoolFile {
  readonly #owner: SpoolOwner
  #fd: number | undefined
  /** Operations under way. */
  #busy = 1
  #isWriting = true
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #isFull = false
  #isEnded = false
  #isClosed = false
  /** Bytes in the file. */
  length = 0

  /** Opens a file in the system's folder for temporary ones. */
  constructor(owner: SpoolOwner) {
    this.#owner = owner
    const path = join(tmpdir(), `weir-body-${randomUUID()}`)
    open(path, 'wx+', 0o600, (error, fd) => {
      this.#busy -= 1
      this.#isWriting = false
      if (error === null) {
        this.#fd = fd
        // A name that stays is harmless, if untidy: it is nobody else's and cannot be opened by others.
        unlink(path, () => {})
      }
      if (this.#isClosed) this.#closeWhenIdle()
      else if (error === null) this.#flush()
      else this.#owner.onUnspoolable(this.#waiting)
    })
  }

  /** Takes a copy of bytes; false: wait until drained. */
  write(bytes: Buffer): boolean {
    this.#waiting.push(Buffer.from(bytes))
    this.#waitingBytes += bytes.length
    this.#flush()
    this.#isFull = this.#waitingBytes > maxWaitingBytes
    return !this.#isFull
  }

  /** Nothing more is written; `onSpooled` follows, perhaps at once. */
  end(): void {
    this.#isEnded = true
    if (!this.#isWriting) this.#owner.onSpooled()
  }

  /** Reads from `position` into `memory`; -1 bytes: it failed. */
  read(position: number, memory: Buffer, onRead: (count: number) => void): void {
    const fd = this.#fd
    if (fd === undefined || this.#isClosed) {
      onRead(-1)
      return
    }
    this.#busy += 1
    read(fd, memory, 0, memory.length, position, (error, count) => {
      this.#busy -= 1
      if (this.#isClosed) this.#closeWhenIdle()
      onRead(error === null ? count : -1)
    })
  }

  /** Gives the file up; no event follows. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#waiting = []
    this.#closeWhenIdle()
  }

  #closeWhenIdle(): void {
    const fd = this.#fd
    if (fd === undefined || this.#busy > 0) return
    this.#fd = undefined
    close(fd)
  }

  /** Writes what waits, one piece of work at a time. */
  #flush(): void {
    const fd = this.#fd
    if (fd === undefined || this.#isWriting || this.#waiting.length === 0) return
    const pieces = this.#waiting
    const bytes = this.#waitingBytes
    this.#waiting = []
    this.#waitingBytes = 0
    this.#isWriting = true
    this.#busy += 1
    writev(fd, pieces, this.length, (error, written) => {
      this.#busy -= 1
      this.#isWriting = false
      if (this.#isClosed) this.#closeWhenIdle()
      else if (error !== null || written !== bytes) this.#owner.onSpoolFailure()
      else {
        this.length += written
        this.#afterWrite()
      }
    })
  }

  #afterWrite(): void {
    this.#flush()
    if (this.#isWriting) return
    if (this.#isEnded) this.#owner.onSpooled()
    else if (this.#isFull) {
      this.#isFull = false
      this.#owner.onSpoolDrained()
    }
  }
}
