// After a 101: how do bytes flow both ways until both sides are done? (RFC 9110 §7.8)
//
// Invariant: bytes are copied as they are, in order; a slow reader stops its sender; each side's FIN is passed on.
import type { CoarseTime } from '../net/coarse-time.ts'

/** What a connection that became one end of a tunnel reports. */
export interface TunnelEnd {
  onData(bytes: Buffer): void
  onDrain(): void
  onEnd(): void
  onClose(): void
  /** Some of what came last is not sent yet, and its memory must not be used again. */
  isReadInUse(): boolean
}

/** One side of a tunnel as the other writes to it: a socket, or a stream of a connection. */
export interface TunnelSide {
  /** False: wait until drained, while `writableLength` is not 0. */
  write(bytes: Buffer): boolean
  readonly writableLength: number
  /** Memory that was written to it must stay as it is. */
  readonly holdsBytes: boolean
  pause(): void
  resume(): void
  /** Passes a clean end on. */
  end(): void
  /** Closes when all is written. */
  destroySoon(): void
  /** Closes so that the peer cannot take it for a clean end. */
  reset(): void
  destroy(): void
}

/** Two sides joined. `onFinished` is called once, when both are closed. */
export class Tunnel {
  readonly #client: TunnelSide
  readonly #upstream: TunnelSide
  readonly #time: CoarseTime
  readonly #idleTimeoutMs: number
  readonly #onFinished: () => void
  #idleDeadline: number
  #ended = 0
  #closed = 0
  bytesIn = 0
  bytesOut = 0
  readonly clientEnd: TunnelEnd
  readonly upstreamEnd: TunnelEnd

  constructor(
    client: TunnelSide,
    upstream: TunnelSide,
    time: CoarseTime,
    idleTimeoutMs: number,
    onFinished: () => void,
  ) {
    this.#client = client
    this.#upstream = upstream
    this.#time = time
    this.#idleTimeoutMs = idleTimeoutMs
    this.#onFinished = onFinished
    this.#idleDeadline = time.now + idleTimeoutMs
    this.clientEnd = this.#endFor(client, upstream, (count) => {
      this.bytesIn += count
    })
    this.upstreamEnd = this.#endFor(upstream, client, (count) => {
      this.bytesOut += count
    })
  }

  /** Cuts both sides. */
  cut(): void {
    this.#client.destroy()
    this.#upstream.destroy()
  }

  /** Cuts a tunnel through which nothing went for too long. Called with each tick of the worker. */
  tick(now: number): void {
    if (now > this.#idleDeadline) this.cut()
  }

  #endFor(from: TunnelSide, to: TunnelSide, count: (bytes: number) => void): TunnelEnd {
    let hasEnded = false
    return {
      onData: (bytes) => {
        this.#idleDeadline = this.#time.now + this.#idleTimeoutMs
        count(bytes.length)
        if (!to.write(bytes) && to.writableLength > 0) from.pause()
      },
      isReadInUse: () => to.holdsBytes,
      // `from` has taken what was written to it: whoever sends to it may go on.
      onDrain: () => to.resume(),
      onEnd: () => {
        hasEnded = true
        to.end()
        this.#ended += 1
        if (this.#ended === 2) {
          from.destroySoon()
          to.destroySoon()
        }
      },
      // A side that closes without FIN was reset: the other must not take it for a clean end.
      onClose: () => {
        if (hasEnded) to.destroySoon()
        else to.reset()
        this.#closed += 1
        if (this.#closed === 2) this.#onFinished()
      },
    }
  }
}
