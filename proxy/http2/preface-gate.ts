// What does a connection speak, where both are allowed: HTTP/2 by prior knowledge, or HTTP/1.1? Its first bytes decide.
//
// Invariant: whoever serves it gets every byte.
import type { ClientShared } from '../http/client-shared.ts'
import type { OpenConnection } from '../http/stream.ts'
import type { AcceptedConnection, SocketReader } from '../net/accepted-connection.ts'
import { add } from '../observe/slots.ts'
import { looksLikePreface } from './preface.ts'

/** Waits for the first bytes of a connection; nothing else listens to it meanwhile. */
export class PrefaceGate implements SocketReader, OpenConnection {
  readonly #accepted: AcceptedConnection
  readonly #shared: ClientShared
  readonly #onHttp1: () => void
  readonly #onHttp2: (early: Buffer) => void
  #bytes: Buffer = Buffer.alloc(0)
  #deadline: number
  #isOpen = true
  readonly isAtRest = true

  constructor(
    accepted: AcceptedConnection,
    shared: ClientShared,
    onHttp1: () => void,
    onHttp2: (early: Buffer) => void,
  ) {
    this.#accepted = accepted
    this.#shared = shared
    this.#onHttp1 = onHttp1
    this.#onHttp2 = onHttp2
    this.#deadline = shared.time.now + shared.clientLimits.keepAliveTimeoutMs
    add(shared.connectionGauges.http1.idle, 1)
    shared.connections.add(this)
    const { socket } = accepted
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onEnd)
    socket.on('close', this.#leave)
    accepted.readBy(this)
  }

  /** What has come is kept for whoever serves the connection. */
  isReadInUse(): boolean {
    return true
  }

  onRead(bytes: Buffer): void {
    if (!this.#isOpen) return
    const { time, clientLimits } = this.#shared
    if (this.#bytes.length === 0) this.#deadline = time.now + clientLimits.headerTimeoutMs
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
    const verdict = looksLikePreface(this.#bytes)
    if (verdict === 'more') return
    this.#leave()
    if (verdict === 'yes') {
      this.#onHttp2(this.#bytes)
      return
    }
    this.#accepted.unshift(this.#bytes)
    this.#onHttp1()
  }

  readonly #leave = (): void => {
    if (!this.#isOpen) return
    this.#isOpen = false
    const { socket } = this.#accepted
    socket.off('end', this.#onEnd)
    socket.off('error', this.#onEnd)
    socket.off('close', this.#leave)
    add(this.#shared.connectionGauges.http1.idle, -1)
    this.#shared.connections.delete(this)
  }

  readonly #onEnd = (): void => void this.#accepted.socket.destroy()

  tick(now: number): void {
    if (now > this.#deadline) this.#accepted.socket.destroy()
  }

  closeIdle(): void {
    this.#accepted.socket.destroy()
  }

  abort(): void {
    this.#accepted.socket.destroy()
  }
}
