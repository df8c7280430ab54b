// Where log lines go: the program's own structured log (stderr), and the sink that bulk lines such as the access log
// are written through. The only file that imports pino.
//
// Invariant: a log call never blocks and never throws; while a reader stalls, whole chunks are dropped and counted.
import { type DestinationStream, pino } from 'pino'

/** Facts of one log line; an Error under `error` is written with its stack and causes. */
export type LogFields = Readonly<Record<string, unknown>>

/** How the parts of a program say what happened, for people and for machines. */
export interface Log {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** Makes a log whose lines all carry `fields`. */
  child(fields: LogFields): Log
}

/** The levels of a log, from the most talkative. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** What a log needs; without `stream` it writes to stderr. */
export interface LogOptions {
  readonly level: LogLevel
  /** Gets whole lines. */
  readonly stream?: { write(line: string): void }
}

/** Makes a log of JSON lines: `level`, `time` (ISO), the fields, `msg`. */
export function createLog({ level, stream }: LogOptions): Log {
  const destination = stream ?? createSink({ ...stderrSink, minLength: 0 })
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: pino.stdSerializers.errWithCause },
  }
  return pino(options, destination)
}

/** A place for lines that does not block. */
export interface LineSink {
  /** Takes one or more whole lines, or drops all of them. */
  write(chunk: string): void
  /** Writes out what is buffered, for at most `timeoutMs`; what is written later is dropped. */
  close(timeoutMs: number): Promise<void>
}

/** What a line sink needs. */
export interface LineSinkOptions {
  /** 1 for stdout, 2 for stderr. */
  readonly fd: number
  /** Lines beyond this much that wait for a slow reader are dropped. */
  readonly maxBufferedBytes: number
  /** Hears how many lines were dropped. */
  readonly onDrop: (lines: number) => void
}

/** Makes a sink that gathers lines and writes them in the background, at least once a second. */
export function createLineSink(options: LineSinkOptions): LineSink {
  // One write per page of lines: a write per line costs a system call and a thread hop each.
  return createSink({ ...options, minLength: 4096 })
}

// A program that cannot tell its own story keeps serving: nobody is left to hear of the dropped lines.
const stderrSink: LineSinkOptions = { fd: 2, maxBufferedBytes: 1_048_576, onDrop: () => {} }

// A reader that took nothing for this long is not waited for when the process ends.
const stalledAfterMs = 2000

function createSink({
  fd,
  maxBufferedBytes,
  onDrop,
  minLength,
}: LineSinkOptions & { readonly minLength: number }): LineSink & DestinationStream {
  const maxLength = maxBufferedBytes
  const destination = pino.destination({
    fd,
    sync: false,
    minLength,
    maxLength,
    periodicFlush: 500,
  })
  let isClosed = false
  // Monotonic ms of the first write that the reader has not answered; 0 while nothing waits.
  let waitingSinceMs = 0

  destination.on('write', () => {
    waitingSinceMs = 0
  })
  destination.on('drop', (chunk) => onDrop(countLines(chunk)))
  // Without a listener an error of the file (disk full) would end the process. What was being written stays
  // buffered for the next attempt; after EPIPE there is no reader left.
  destination.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') isClosed = true
  })
  // pino flushes at the end as well, but waits for ever for a reader that stalled, and not in worker threads.
  process.prependOnceListener('exit', flushAtExit)

  function flushAtExit(): void {
    if (isClosed) return
    isClosed = true
    const isStalled = waitingSinceMs > 0 && performance.now() - waitingSinceMs > stalledAfterMs
    try {
      if (!isStalled) destination.flushSync()
    } catch {
      // The file cannot be written: what was buffered goes with the process.
    }
    destination.destroy()
  }

  return {
    write(chunk) {
      if (isClosed) {
        onDrop(countLines(chunk))
        return
      }
      if (waitingSinceMs === 0) waitingSinceMs = performance.now()
      destination.write(chunk)
    },
    async close(timeoutMs) {
      process.off('exit', flushAtExit)
      if (isClosed) return
      isClosed = true
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, timeoutMs)
      destination.on('close', resolve)
      destination.on('error', resolve)
      destination.end()
      await promise
      clearTimeout(timer)
      destination.destroy()
    },
  }
}

function countLines(chunk: string): number {
  let lines = 0
  for (let at = chunk.indexOf('\n'); at !== -1; at = chunk.indexOf('\n', at + 1)) lines++
  return lines
}
