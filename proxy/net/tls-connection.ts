// A connection whose TLS ends here: what was encrypted is read by one reader at a time, as on a plain one.
//
// Node decrypts into fresh memory, so that nothing is read into again; `onread` has no effect on a socket that wraps another.
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { AcceptedConnection, SocketReader } from './accepted-connection.ts'

const noBytes = Buffer.alloc(0)

/** An accepted connection after its TLS handshake. */
export class TlsConnection implements AcceptedConnection {
  readonly isSecure = true
  readonly protocol: string
  readonly socket: TLSSocket
  #reader: SocketReader | undefined
  #early: Buffer = noBytes

  /** `wire` is the socket underneath. */
  constructor(socket: TLSSocket, wire: Socket) {
    this.socket = socket
    // False: the client named nothing.
    this.protocol = socket.alpnProtocol || ''
    // Only the socket underneath has a handle that can be reset; it takes the other one with it.
    socket.resetAndDestroy = () => {
      wire.resetAndDestroy()
      return socket
    }
  }

  readBy(reader: SocketReader): void {
    const isFirst = this.#reader === undefined
    this.#reader = reader
    const early = this.#early
    this.#early = noBytes
    if (early.length > 0) reader.onRead(early)
    if (isFirst) this.socket.on('data', (bytes: Buffer) => this.#reader?.onRead(bytes))
  }

  unshift(bytes: Buffer): void {
    this.#early = bytes
  }
}
