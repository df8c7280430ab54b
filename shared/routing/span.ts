// What is known of one request that is traced? Plain data that crosses threads: a worker makes it, the control thread exports it.

/** One finished span of Weir's own: a request from its head to its last byte. Ids are lower-case hex. */
export interface SpanData {
  /** 32 digits. */
  readonly traceId: string
  /** 16 digits. */
  readonly spanId: string
  /** 16 digits; empty for the first span of a trace. */
  readonly parentId: string
  /** `tracestate` as it came; empty when there was none. */
  readonly state: string
  readonly name: string
  /** ms since the epoch. */
  readonly startMs: number
  readonly durationMs: number
  /** Names of OpenTelemetry's semantic conventions for HTTP servers, and of Weir's own (`weir.`). */
  readonly attributes: Readonly<Record<string, string | number>>
  /** The server failed: a status of 500 and more. */
  readonly isError: boolean
}

/** Takes finished spans. */
export interface SpanSink {
  /** False: nobody exports spans, and none need be made. */
  readonly isOpen: boolean
  add(span: SpanData): void
}

/** A sink for those who trace nothing. */
export const closedSpanSink: SpanSink = { isOpen: false, add: () => {} }
