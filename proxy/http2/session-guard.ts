// Which clients abuse a session? Work is bounded by what it brings: whole requests and bytes of bodies (RFC 9113 §10.5).
//
// | abuse                                                         | what it costs the client                        |
// |---------------------------------------------------------------|-------------------------------------------------|
// | resets of streams (rapid reset, CVE-2023-44487), and streams  | `resets`, which whole responses earn back       |
// | that it makes us reset (CVE-2025-8671)                        |                                                 |
// | PING, SETTINGS, PRIORITY, WINDOW_UPDATE and empty DATA frames | `spareBytes` beyond 8 × the bytes of bodies     |
// | CONTINUATION frames without end                               | nghttp2 ends the session after eight in a row   |
// | SETTINGS that are never acknowledged                          | the session, after the header timeout           |
import type { CoarseTime } from '../net/coarse-time.ts'

// A browser that leaves two pages at once cancels no more; beyond that, as long as half of all streams are whole.
const maxResets = 200
const resetsPerSecond = 20
// More than a day of pings once a second; and what WINDOW_UPDATE frames cost beside bodies is far below a tenth of them.
const spareBytes = 1 << 20
const overhead = 8
// What a request without a body brings: its head.
const bytesPerStream = 512

/** Counts what one session brings and what it costs. */
export class SessionGuard {
  readonly #time: CoarseTime
  #resets = maxResets
  #countedAt: number
  #bodyBytes = 0
  #streams = 0

  constructor(time: CoarseTime) {
    this.#time = time
    this.#countedAt = time.now
  }

  /** Notes a stream that ended as it should. */
  noteWhole(): void {
    this.#streams += 1
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

  noteBody(bytes: number): void {
    this.#bodyBytes += bytes
  }

  /** Says whether a session that has sent `bytesRead` in all sent mostly frames that ask for nothing. */
  isFlooding(bytesRead: number): boolean {
    const useful = this.#bodyBytes + this.#streams * bytesPerStream
    return bytesRead > spareBytes + overhead * useful
  }
}
