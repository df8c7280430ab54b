// Both ends of a tunnel on raw sockets: an upstream that switches protocols, and a client that asks for it.
import { once } from 'node:events'
import net from 'node:net'

/** The answer that opens a WebSocket. */
export const switching =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'

/** A request for a WebSocket. */
export const upgradeRequest =
  'GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'

/** One end of a tunnel, behind the handshake. Nothing is read until `read` or `collect` is called. */
export class TunnelPeer {
  readonly socket: net.Socket
  received = 0
  /** What came, while `collect` is on. */
  readonly #chunks: Buffer[] = []
  hasEnded = false
  isClosed = false
  /** The error that closed it; ECONNRESET when the other side sent a reset. */
  errorCode: string | undefined

  constructor(socket: net.Socket, early: Buffer) {
    this.socket = socket
    this.#take(early)
    socket.on('end', () => {
      this.hasEnded = true
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.errorCode = error.code
    })
    socket.on('close', () => {
      this.isClosed = true
    })
  }

  /** The other side ended or closed: nothing more will come. */
  get isOver(): boolean {
    return this.hasEnded || this.isClosed
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get text(): string {
    return this.bytes.toString('latin1')
  }

  /** Reads and keeps what comes. */
  collect(): this {
    this.socket.on('data', (bytes: Buffer) => this.#take(bytes))
    this.socket.resume()
    return this
  }

  /** Sends parts one after another, as fast as the other side takes them, each a write of its own. */
  async sendAll(parts: Iterable<Buffer>): Promise<void> {
    for (const part of parts) {
      if (this.socket.destroyed) return
      if (this.socket.write(part)) await new Promise((resolve) => setImmediate(resolve))
      else await once(this.socket, 'drain')
    }
  }

  #take(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.received += bytes.length
    this.#chunks.push(bytes)
  }
}

/** An upstream that answers each request with `answer` and hands the connection over. */
export interface SwitchingUpstream {
  readonly address: string
  readonly port: number
  /** The tunnels so far, in order. */
  readonly peers: readonly TunnelPeer[]
  close(): Promise<void>
}

/** Starts an upstream that switches protocols; its ends read at once when `onPeer` says so. */
export async function startSwitching(
  onPeer: (peer: TunnelPeer) => void = (peer) => void peer.collect(),
  answer = switching,
): Promise<SwitchingUpstream> {
  const peers: TunnelPeer[] = []
  const sockets = new Set<net.Socket>()
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    void readHead(socket).then(({ rest }) => {
      socket.write(answer, 'latin1')
      const peer = new TunnelPeer(socket, rest)
      peers.push(peer)
      onPeer(peer)
    })
  })
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  await once(server, 'listening')
  const at = server.address()
  if (at === null || typeof at === 'string') throw new Error('an upstream has no port')
  return {
    address: '127.0.0.1',
    port: at.port,
    peers,
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** Opens a tunnel through the proxy at `port`; rejects when it does not answer 101. */
export async function openTunnel(port: number, request = upgradeRequest): Promise<TunnelPeer> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(request, 'latin1')
  const { head, rest } = await readHead(socket)
  if (!head.startsWith('HTTP/1.1 101 ')) {
    socket.destroy()
    throw new Error(`no tunnel: ${head}`)
  }
  return new TunnelPeer(socket, rest)
}

/** Reads up to the empty line, then stops reading. Text is latin1; empty when the connection ends before. */
function readHead(socket: net.Socket): Promise<{ readonly head: string; readonly rest: Buffer }> {
  const { promise, resolve } = Promise.withResolvers<{ head: string; rest: Buffer }>()
  let bytes = Buffer.alloc(0)
  const onData = (more: Buffer) => {
    bytes = Buffer.concat([bytes, more])
    const end = bytes.indexOf('\r\n\r\n')
    if (end !== -1) finish(end + 4)
  }
  const onClose = () => finish(0)
  function finish(at: number): void {
    socket.pause()
    socket.off('data', onData)
    socket.off('close', onClose)
    resolve({ head: bytes.toString('latin1', 0, at), rest: bytes.subarray(at) })
  }
  socket.on('data', onData)
  socket.on('close', onClose)
  return promise
}
