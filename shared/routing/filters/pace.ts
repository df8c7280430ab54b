// How fast may a response's body go to one client? As nginx counts `limit_rate`: at each moment no more than `afterBytes` and
// the rate times the seconds so far, the one that has just begun included.
//
// Invariant: what is held is what came of one read: the upstream waits until all of it is on its way.
// Invariant: there is a timer only while something is held.

import type { Clock } from '../../clock.ts'
import type { BodyControl, BodySink, BodyStage, Filter, FilterKind } from './kind.ts'

/** Sends response bodies no faster than a rate. */
export interface PaceFilter extends Filter {
  readonly kind: 'pace'
  /** ≥ 1. */
  readonly bytesPerSecond: number
  /** So much is sent before the rate counts. */
  readonly afterBytes: number
}

// A timer per byte would be a rate that costs more than it saves.
const leastWaitMs = 50

export const paceKind: FilterKind<PaceFilter> = {
  kind: 'pace',
  defaults: { afterBytes: 0 },
  fault({ bytesPerSecond, afterBytes }) {
    if (bytesPerSecond === undefined) return 'there is no rate'
    if (!(bytesPerSecond >= 1)) return 'the rate must be 1 byte per second or more'
    return afterBytes >= 0 ? undefined : 'what is sent before must be 0 bytes or more'
  },
  compile(filter, { clock }) {
    return {
      responseBody: (response, next, control) =>
        response.bodyLength === 0 ? undefined : new PacedBody(filter, clock, next, control),
    }
  },
}

/** One body on its way to a client. */
class PacedBody implements BodyStage {
  readonly #filter: PaceFilter
  readonly #clock: Clock
  readonly #next: BodySink
  readonly #control: BodyControl
  readonly #beganAt: number
  #sent = 0
  /** Copies of what may not go yet, in order. */
  readonly #held: Buffer[] = []
  #trailers: string | undefined
  #stopTimer: (() => void) | undefined

  constructor(filter: PaceFilter, clock: Clock, next: BodySink, control: BodyControl) {
    this.#filter = filter
    this.#clock = clock
    this.#next = next
    this.#control = control
    this.#beganAt = clock.now()
  }

  write(bytes: Buffer): boolean {
    if (this.#held.length > 0) {
      this.#held.push(Buffer.from(bytes))
      return false
    }
    const allowed = this.#allowed()
    if (bytes.length <= allowed) {
      this.#sent += bytes.length
      return this.#next.write(bytes)
    }
    if (allowed > 0) this.#send(bytes.subarray(0, allowed))
    this.#held.push(Buffer.from(bytes.subarray(allowed)))
    this.#wait()
    return false
  }

  end(trailers: string): void {
    if (this.#held.length === 0) this.#next.end(trailers)
    else this.#trailers = trailers
  }

  abort(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
    this.#held.length = 0
  }

  /** Bytes that may go now. */
  #allowed(): number {
    const { bytesPerSecond, afterBytes } = this.#filter
    const seconds = (this.#clock.now() - this.#beganAt) / 1000 + 1
    return Math.max(0, Math.floor(afterBytes + seconds * bytesPerSecond - this.#sent))
  }

  #send(bytes: Buffer): void {
    this.#sent += bytes.length
    this.#next.write(bytes)
  }

  #wait(): void {
    const missing = (this.#held[0]?.length ?? 0) - this.#allowed()
    const ms = Math.ceil((missing * 1000) / this.#filter.bytesPerSecond)
    this.#stopTimer = this.#clock.after(Math.min(1000, Math.max(leastWaitMs, ms)), () =>
      this.#goOn(),
    )
  }

  #goOn(): void {
    this.#stopTimer = undefined
    for (;;) {
      const first = this.#held[0]
      if (first === undefined) break
      const allowed = this.#allowed()
      if (first.length > allowed) {
        if (allowed > 0) this.#send(first.subarray(0, allowed))
        this.#held[0] = first.subarray(allowed)
        this.#wait()
        return
      }
      this.#held.shift()
      this.#send(first)
    }
    if (this.#trailers === undefined) this.#control.resume()
    else this.#next.end(this.#trailers)
  }
}
