// Who is behind a connection that comes through a load balancer? Reads the PROXY header in front of everything else.
//
// Invariant: no byte is read as HTTP before the header is complete; a peer outside the trusted networks is never believed.
import type { Socket } from 'node:net'
import type { AcceptedConnection, SocketReader } from './accepted-connection.ts'
import { looksLikeProxyHeader, type ProxyHeader, parseProxyHeader } from './proxy-protocol.ts'

/** What is expected of peers in the trusted networks. */
export type ProxyProtocolMode = 'required' | 'optional'

/** Waits for one header on `socket`; nothing else listens to the socket meanwhile. */
export class ProxyGate implements SocketReader {
  readonly #accepted: AcceptedConnection
  readonly #socket: Socket
  readonly #mode: ProxyProtocolMode
  readonly #deadline: number
  readonly #onPassed: (header: ProxyHeader | undefined) => void
  readonly #onClosed: () => void
  #bytes: Buffer = Buffer.alloc(0)

  /** `onPassed` gets the header (undefined: none was sent, where that is allowed); what follows it is left to the next reader. */
  constructor(
    accepted: AcceptedConnection,
    mode: ProxyProtocolMode,
    deadline: number,
    onPassed: (header: ProxyHeader | undefined) => void,
    onClosed: () => void,
  ) {
    const { socket } = accepted
    this.#accepted = accepted
    this.#socket = socket
    this.#mode = mode
    this.#deadline = deadline
    this.#onPassed = onPassed
    this.#onClosed = onClosed
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onEnd)
    socket.on('close', this.#onClose)
    accepted.readBy(this)
  }

  /** Closes a connection whose header did not come in time. Called with each tick of the worker. */
  tick(now: number): void {
    if (now > this.#deadline) this.#socket.destroy()
  }

  /** Everything up to the header's end is kept, and the first bytes behind it until the next reader has them. */
  isReadInUse(): boolean {
    return true
  }

  readonly isAtRest = true

  onRead(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
    if (this.#mode === 'optional') {
      const verdict = looksLikeProxyHeader(this.#bytes)
      if (verdict === 'more') return
      if (verdict === 'no') {
        this.#pass(undefined, this.#bytes)
        return
      }
    }
    const header = parseProxyHeader(this.#bytes)
    if (header === 'more') return
    if (header.kind === 'error') this.#socket.destroy()
    else this.#pass(header, this.#bytes.subarray(header.length))
  }

  #pass(header: ProxyHeader | undefined, rest: Buffer): void {
    this.#socket.off('end', this.#onEnd)
    this.#socket.off('error', this.#onEnd)
    this.#socket.off('close', this.#onClose)
    this.#accepted.unshift(rest)
    this.#onPassed(header)
  }

  readonly #onEnd = (): void => {
    this.#socket.destroy()
  }

  readonly #onClose = (): void => this.#onClosed()
}
