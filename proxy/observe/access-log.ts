// How log lines leave a worker: gathered in one string, posted to the control thread in chunks, which writes them.
// Invariant: a request never waits for its log line. What cannot be written is dropped and counted, by whole chunks.
//
//   worker: write(record) … flush() ── chunk ──► control: accept(chunk) ──► line sink ──► stdout
//              ▲ at most `maxPendingChunks` on the way          │
//              └───────────── pending, shared memory ◄──────────┘
import type { LineSink } from '../../shared/log.ts'
import type { LogRules } from '../../shared/routing/log-format.ts'
import { families } from './families.ts'
import { type LogOptions, liveLogRules } from './log-rules.ts'
import type { RequestRecord } from './record.ts'
import { add, type Slots } from './slots.ts'

/** Some finished lines on their way to the control thread. */
export interface AccessLogMessage {
  readonly kind: 'access-log'
  /** Whole lines, ASCII, each with its line feed. */
  readonly lines: string
  readonly count: number
  /** One Int32: chunks on the way; whoever takes a chunk subtracts 1 (`createLogWriter` does). */
  readonly pending: SharedArrayBuffer
}

/** The worker's end of the access log. */
export interface AccessLog {
  /** Appends the line of one finished request, if it is to have one. */
  write(record: RequestRecord): void
  /** Fields of requests that lines show, in lower case; undefined: none. */
  readonly fields: readonly string[] | undefined
  /** Does what objects say from now on. */
  follow(rules: LogRules): void
  /** Posts what was gathered; called every 100 ms and before the worker ends. */
  flush(): void
}

/** What an access log needs; `slots` gives the counter of dropped lines. */
export interface AccessLogOptions extends LogOptions {
  readonly post: (message: AccessLogMessage) => void
  readonly slots: Slots
}

const maxBufferedChars = 32 * 1024
// 2 MiB per worker at most, should the control thread stand still.
const maxPendingChunks = 64

/** Makes the worker's end of the access log. */
export function createAccessLog({ post, slots, ...options }: AccessLogOptions): AccessLog {
  let live = liveLogRules(options, {})
  const dropped = slots.counter(families.accessLogDropped.name, {})
  const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  const pending = new Int32Array(shared)
  let lines = ''
  let count = 0

  function flush(): void {
    if (count === 0) return
    if (Atomics.load(pending, 0) >= maxPendingChunks) {
      add(dropped, count)
    } else {
      Atomics.add(pending, 0, 1)
      post({ kind: 'access-log', lines, count, pending: shared })
    }
    lines = ''
    count = 0
  }

  return {
    write(record) {
      if (live.isLeftOut(record)) return
      lines += live.toLine(record)
      count += 1
      if (lines.length > maxBufferedChars) flush()
    },
    get fields() {
      return live.fields
    },
    follow(rules) {
      live = liveLogRules(options, rules)
    },
    flush,
  }
}

/** The control thread's end of the access log. */
export interface LogWriter {
  /** Writes one chunk of a worker. */
  accept(message: AccessLogMessage): void
}

/** Makes the control thread's end: writes each chunk to `sink` and tells its worker that it arrived. */
export function createLogWriter(sink: Pick<LineSink, 'write'>): LogWriter {
  return {
    accept({ lines, pending }) {
      Atomics.sub(new Int32Array(pending), 0, 1)
      sink.write(lines)
    },
  }
}
