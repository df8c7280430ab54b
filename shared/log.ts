// Where log lines go: the program's own structured log (stderr), and the sink that bulk lines such as the access log
// are written through. The only file that imports pino.
//
// Invariant: bulk lines never block and never throw; while their reader stalls, whole chunks are dropped and counted.
import { writeSync } from 'node:fs'
import { pino } from 'pino'

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
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: pino.stdSerializers.errWithCause },
  }
  // Written at once, unlike bulk lines: the line that says why the process ends must not be lost with it.
  return pino(options, stream ?? pino.destination({ fd: 2, sync: true }))
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

// One write per page of lines: a write per line costs a system call and a thread hop each. At most PIPE_BUF, so that
// what is left at the exit fits into a pipe at once.
const pageBytes = 4096
const flushEveryMs = 500

/** Makes a sink that gathers lines and writes them in the background, at least twice a second. */
export function createLineSink({ fd, maxBufferedBytes, onDrop }: LineSinkOptions): LineSink {
  const destination = pino.destination({ fd, sync: false })
  let page = ''
  let writingBytes = 0
  let isClosed = false

  destination.on('write', (bytes) => {
    writingBytes -= bytes
  })
  // Without a listener an error of the file (disk full) would end the process. What was being written is tried again
  // with the next page; after EPIPE there is no reader left.
  destination.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') isClosed = true
  })
  const timer = setInterval(flush, flushEveryMs)
  timer.unref()
  // Before pino's own listener, whose flushSync() waits for ever for a reader that stalled or left.
  process.prependOnceListener('exit', flushAtExit)

  function flush(): void {
    if (isClosed || (page === '' && writingBytes === 0)) return
    writingBytes += Buffer.byteLength(page)
    destination.write(page)
    page = ''
  }

  function flushAtExit(): void {
    const isReaderKeepingUp = !isClosed && writingBytes === 0
    isClosed = true
    destination.destroy()
    if (!isReaderKeepingUp) return
    try {
      writeSync(fd, page)
    } catch {
      // The reader is gone: the lines go with the process.
    }
  }

  return {
    write(chunk) {
      if (isClosed || writingBytes + page.length + chunk.length > maxBufferedBytes) {
        onDrop(countLines(chunk))
        return
      }
      page += chunk
      if (page.length >= pageBytes) flush()
    },
    async close(timeoutMs) {
      clearInterval(timer)
      if (isClosed) return
      flush()
      isClosed = true
      const { promise, resolve } = Promise.withResolvers<void>()
      const deadline = setTimeout(resolve, timeoutMs)
      destination.on('close', resolve)
      destination.on('error', resolve)
      destination.end()
      await promise
      clearTimeout(deadline)
      destination.destroy()
      process.off('exit', flushAtExit)
    },
  }
}

function countLines(chunk: string): number {
  let lines = 0
  for (let at = chunk.indexOf('\n'); at !== -1; at = chunk.indexOf('\n', at + 1)) lines++
  return lines
}
