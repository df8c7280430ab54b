// The proxy's side of shared/control-socket.ts: answers the controller beside it over a Unix socket of mode 0600.
//
// Invariant: whatever a client sends or leaves undone costs that client its connection at most.
// Invariant: replies come in the order of the requests; per connection one request is worked on at a time.
import { once } from 'node:events'
import { lstat, unlink } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import {
  type ControlDone,
  ControlLineSplitter,
  type ControlReply,
  type ControlRequest,
  type ControlStatus,
  encodeControlLine,
  maxControlLineBytes,
  parseControlRequest,
} from '../../shared/control-socket.ts'
import type { Log } from '../../shared/log.ts'

/** What a control socket needs. A handler that throws answers its client with the error's message. */
export interface ControlSocketOptions {
  readonly path: string
  readonly log: Log
  readonly status: () => ControlStatus | Promise<ControlStatus>
  readonly onHold: (request: Extract<ControlRequest, { op: 'hold' }>) => void
  readonly onDrain: (request: Extract<ControlRequest, { op: 'drain' }>) => void
  readonly onReleased: () => void
  /** Connections without traffic for this long are closed; 60 s when absent. */
  readonly idleTimeoutMs?: number
}

/** An open control socket. */
export interface ControlSocket {
  /** Ends all connections and removes the socket's file. */
  close(): Promise<void>
}

// The controller opens one connection per question; whoever takes all places loses them by the idle timeout.
const maxClients = 32

/**
 * Opens the control socket. A file that a dead process left is replaced; rejects when another process listens there or
 * when the path cannot be used.
 */
export async function startControlSocket(options: ControlSocketOptions): Promise<ControlSocket> {
  const { path, log } = options
  const clients = new Set<Socket>()
  // Half open, since a client may send its line and shut down its side before it reads.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    clients.add(socket)
    socket.on('close', () => clients.delete(socket))
    void serve(socket, options)
  })
  server.maxConnections = maxClients
  try {
    await removeStale(path)
    await listenPrivately(server, path)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`cannot open the control socket ${path}: ${reason}`, { cause })
  }
  server.on('error', (error) => log.warn({ error, path }, 'control socket failed'))
  return {
    async close() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      for (const socket of clients) socket.destroy()
      await closed
    },
  }
}

async function serve(socket: Socket, options: ControlSocketOptions): Promise<void> {
  const splitter = new ControlLineSplitter()
  socket.setEncoding('utf8')
  socket.setTimeout(options.idleTimeoutMs ?? 60_000, () => socket.destroy())
  // Without a listener a reset would end the process; the loop below sees it too.
  socket.on('error', () => socket.destroy())
  try {
    for await (const text of socket) {
      const lines = splitLines(splitter, String(text))
      for (const line of lines ?? []) await send(socket, await answer(line, options))
      if (lines === undefined) {
        await send(socket, refusal('control line too long'))
        break
      }
    }
  } catch {
    // The connection broke: there is nobody to answer.
  }
  socket.destroySoon()
}

/** The lines that are complete now; undefined once one is too long. */
function splitLines(splitter: ControlLineSplitter, text: string): string[] | undefined {
  try {
    const lines = splitter.push(text)
    return lines.some((line) => line.length > maxControlLineBytes) ? undefined : lines
  } catch {
    return undefined
  }
}

/** Resolves when the bytes are with the kernel or the socket is gone: a client that does not read is not read from. */
function send(socket: Socket, reply: ControlReply): Promise<void> {
  return new Promise((resolve) => socket.write(encodeControlLine(reply), () => resolve()))
}

async function answer(line: string, options: ControlSocketOptions): Promise<ControlReply> {
  const request = parseControlRequest(line)
  if (request === undefined) return refusal('not a control request')
  try {
    switch (request.op) {
      case 'status':
        return await options.status()
      case 'hold':
        options.onHold(request)
        return { ok: true }
      case 'drain':
        options.onDrain(request)
        return { ok: true }
      case 'released':
        options.onReleased()
        return { ok: true }
    }
  } catch (error) {
    options.log.warn({ error, op: request.op }, 'control request failed')
    return refusal(error instanceof Error ? error.message : String(error))
  }
}

function refusal(error: string): ControlDone {
  return { ok: false, error }
}

/** Removes the socket of a process that is gone; rejects when it is alive or the file is no socket. */
async function removeStale(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined)
  if (stats === undefined) return
  if (!stats.isSocket()) throw new Error('the path exists and is not a socket')
  if (await hasListener(path)) throw new Error('another process listens on it')
  await unlink(path)
}

function hasListener(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.on('connect', () => {
      probe.destroy()
      resolve(true)
    })
    // Only ECONNREFUSED proves that nobody listens; EACCES or a full backlog do not.
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
  })
}

/** Listens with mode 0600 from the first moment: bind() happens inside listen(), under the narrow umask. */
async function listenPrivately(server: Server, path: string): Promise<void> {
  const listening = once(server, 'listening')
  const umask = process.umask(0o177)
  try {
    server.listen(path)
  } finally {
    process.umask(umask)
  }
  await listening
}
