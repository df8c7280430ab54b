// Whom does an attempt serve, and what does it write down? The exchange, with its ledger; a call of Weir's own, with nothing.
import type { FailureCode } from '../../shared/routing/failure.ts'
import type { FieldLines } from '../../shared/routing/filters/kind.ts'
import type { ResponseHead } from '../http/stream.ts'
import type { RouteCounters } from '../observe/route-series.ts'

/** Whom an attempt serves. */
export interface AttemptOwner {
  /** The head is on its way: the body may follow. Called for each try. */
  onAttemptReady(): void
  onAttemptHead(head: ResponseHead): void
  onAttemptData(bytes: Buffer): void
  onAttemptEnd(trailers: FieldLines): void
  onAttemptFlush(): void
  onAttemptDrained(): void
  /** There will be no (more) response. */
  fail(code: FailureCode): void
  /** A try failed and another begins: no more of the body until it is ready. */
  onRetry(): void
  isReadInUse(): boolean
}

/** What is written down about tries. */
export interface AttemptLog {
  /** One of several Services was chosen. */
  noteService(counters: RouteCounters): void
  noteEndpoint(name: string): void
  noteConnecting(): void
  noteConnected(): void
  noteForwarded(): void
  noteRetry(): void
}
