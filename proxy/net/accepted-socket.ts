// How is an accepted connection read into memory that is used again?
//
// A socket that Node's server makes takes fresh memory for each read; only one that is constructed can be told where to read
// to (net's `onread`). So accepted handles go into sockets of our own. `_handle`, its `onconnection` and the constructor's
// `handle` are what Node's own server uses; the test beside this file tells when a new Node changes them.
// 1 MiB uploads: from 2.0 to 1.67 times nginx's CPU per byte (bench/results/bench.md).
import { type Server, Socket, type SocketConstructorOpts } from 'node:net'
import type { AcceptedConnection, SocketReader } from './accepted-connection.ts'
import { ReadBuffer } from './read-buffer.ts'

const noBytes = Buffer.alloc(0)

/** An accepted connection as it is on the wire. */
export class AcceptedSocket implements AcceptedConnection {
  readonly isSecure = false
  readonly protocol = ''
  readonly socket: Socket
  readonly #buffer = new ReadBuffer()
  #reader: SocketReader | undefined
  #early: Buffer = noBytes

  /** Takes over the handle of a connection. */
  constructor(handle: object, highWaterMark: number) {
    const options = {
      handle,
      allowHalfOpen: true,
      writableHighWaterMark: highWaterMark,
      onread: {
        buffer: () => this.#buffer.current,
        callback: (count: number, memory: Uint8Array) => this.#onRead(count, memory),
      },
    }
    // The parse border: `handle` is not in Node's types.
    this.socket = new Socket(options as SocketConstructorOpts)
    this.socket.on('close', () => this.#buffer.release())
  }

  readBy(reader: SocketReader): void {
    this.#reader = reader
    const early = this.#early
    this.#early = noBytes
    if (early.length > 0) reader.onRead(early)
  }

  unshift(bytes: Buffer): void {
    this.#early = bytes
  }

  #onRead(count: number, memory: Uint8Array): boolean {
    const bytes = Buffer.from(memory.buffer, memory.byteOffset, count)
    this.#reader?.onRead(bytes)
    // The reader may have handed over to another one.
    const reader = this.#reader
    this.#buffer.advance(count, reader?.isReadInUse() ?? true, reader?.isAtRest ?? true)
    return true
  }
}

interface TcpHandle {
  setNoDelay(isOn: boolean): void
}

/** Hands each connection of a listening server over as it is accepted, in place of a socket of the server's own. */
export function takeConnections(
  server: Server,
  highWaterMark: number,
  onConnection: (accepted: AcceptedSocket) => void,
): void {
  // The parse border: `_handle` is not in Node's types.
  const { _handle: listening } = server as unknown as {
    _handle: { onconnection: (error: number, handle?: TcpHandle) => void }
  }
  listening.onconnection = (error, handle) => {
    // The client was gone before it was accepted, or there is no descriptor left: the next one may do.
    if (error !== 0 || handle === undefined) return
    handle.setNoDelay(true)
    onConnection(new AcceptedSocket(handle, highWaterMark))
  }
}
