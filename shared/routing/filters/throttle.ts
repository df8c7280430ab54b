// How slowly does a body go on? For tests of what applications do when others are slow; pace.ts bounds responses by nginx's words.
//
// Invariant: what waits is one piece; whoever sends more is told to wait.
import type { Clock } from '../../clock.ts'
import type {
  BodyControl,
  BodySink,
  BodyStage,
  Cancel,
  Filter,
  FilterKind,
  Stages,
} from './kind.ts'

/** Sends a body in pieces, one after the other. */
export interface ThrottleFilter extends Filter {
  readonly kind: 'throttle'
  readonly on: 'request' | 'response'
  readonly pieceBytes: number
  /** From one piece to the next. */
  readonly everyMs: number
}

export const throttleKind: FilterKind<ThrottleFilter> = {
  kind: 'throttle',
  fault({ pieceBytes, everyMs }) {
    if (!(pieceBytes >= 1 && pieceBytes <= 16 << 20)) return 'a piece must have 1 byte to 16 MiB'
    return everyMs >= 0 && everyMs <= 60_000 ? undefined : 'the time must be 0 to 1 minute'
  },
  compile(filter, { clock }): Stages {
    const slow = (next: BodySink, control: BodyControl) =>
      new Throttle(filter, clock, next, control)
    return filter.on === 'request'
      ? {
          requestBody: ({ bodyLength }, next, control) =>
            bodyLength === 0 ? undefined : slow(next, control),
        }
      : {
          responseBody: ({ bodyLength }, next, control) =>
            bodyLength === 0 ? undefined : slow(next, control),
        }
  },
}

class Throttle implements BodyStage {
  readonly #filter: ThrottleFilter
  readonly #clock: Clock
  readonly #next: BodySink
  readonly #control: BodyControl
  #held: Buffer | undefined
  #trailers: string | undefined
  #cancel: Cancel | undefined

  constructor(filter: ThrottleFilter, clock: Clock, next: BodySink, control: BodyControl) {
    this.#filter = filter
    this.#clock = clock
    this.#next = next
    this.#control = control
  }

  write(bytes: Buffer): boolean {
    this.#held = Buffer.concat(this.#held === undefined ? [bytes] : [this.#held, bytes])
    this.#cancel ??= this.#clock.after(this.#filter.everyMs, () => this.#pass())
    return false
  }

  end(trailers: string): void {
    if (this.#held === undefined) this.#next.end(trailers)
    else this.#trailers = trailers
  }

  abort(): void {
    this.#cancel?.()
    this.#held = undefined
  }

  /** Passes one piece on. */
  #pass(): void {
    this.#cancel = undefined
    const held = this.#held
    if (held === undefined) return
    const rest = held.subarray(this.#filter.pieceBytes)
    this.#held = rest.length === 0 ? undefined : rest
    this.#next.write(held.subarray(0, this.#filter.pieceBytes))
    if (this.#held !== undefined) {
      this.#cancel = this.#clock.after(this.#filter.everyMs, () => this.#pass())
    } else if (this.#trailers === undefined) this.#control.resume()
    else this.#next.end(this.#trailers)
  }
}
