// Which clients abuse a session? Work is bounded by what it brings: whole requests and bytes of bodies (RFC 9113 §10.5).
//
// | abuse                                                         | what it costs the client                        |
// |---------------------------------------------------------------|-------------------------------------------------|
// | resets of streams (rapid reset, CVE-2023-44487), and streams  | `resets`, which whole responses earn back       |
// | that it makes us reset (CVE-2025-8671)                        |                                                 |
// | PING, SETTINGS, PRIORITY, WINDOW_UPDATE and empty DATA frames | `spareBytes` beyond 8 × those of heads, bodies |
// | CONTINUATION frames without end                               | nghttp2 ends the session after eight in a row   |
// | SETTINGS that are never acknowledged                          | the session, after the header timeout           |
import type { CoarseTime } from '../net/coarse-time.ts'

// A browser that leaves two pages at once cancels no more; beyond that, as long as half of all streams are whole.
const maxResets = 200
const resetsPerSecond = 20
// What WINDOW_UPDATE and PING frames cost beside bodies is below this, also where a stream of gRPC sends a few bytes at a time.
const overhead = 8
const spareBytes = 1 << 20
// Keeps a connection that lives for weeks, and says now and then that it does.
const sparePerSecond = 256

/** Counts what one session brings and what it costs. */
export class SessionGuard {
  readonly #time: CoarseTime
  #resets = maxResets
  #countedAt: number
  readonly #startedAt: number
  #usefulBytes = 0

  constructor(time: CoarseTime) {
    this.#time = time
    this.#countedAt = time.now
    this.#startedAt = time.now
  }

  /** Notes a stream that ended as it should. */
  noteWhole(): void {
    if (this.#resets < maxResets) this.#resets += 1
  }

  /** Notes a stream that the client ended early, or made us end; false: that was one too many. */
  noteReset(): boolean {
    const { now } = this.#time
    const earned = ((now - this.#countedAt) / 1000) * resetsPerSecond
    this.#countedAt = now
    this.#resets = Math.min(maxResets, this.#resets + earned) - 1
    return this.#resets >= 0
  }

  /** Notes bytes of heads and bodies, which are what a session is for. */
  noteUseful(bytes: number): void {
    this.#usefulBytes += bytes
  }

  /** Says whether a session that has sent `bytesRead` in all sent mostly frames that ask for nothing. */
  isFlooding(bytesRead: number): boolean {
    const spare = spareBytes + ((this.#time.now - this.#startedAt) / 1000) * sparePerSecond
    return bytesRead > spare + overhead * this.#usefulBytes
  }
}
