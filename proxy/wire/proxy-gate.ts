// Who is behind a connection that comes through a load balancer? Reads the PROXY header in front of everything else.
//
// Invariant: no byte is read as HTTP before the header is complete; a peer outside the trusted networks is never believed.
import type { Socket } from 'node:net'
import { looksLikeProxyHeader, type ProxyHeader, parseProxyHeader } from './proxy-protocol.ts'

/** What is expected of peers in the trusted networks. */
export type ProxyProtocolMode = 'required' | 'optional'

/** Waits for one header on `socket`; nothing else listens to the socket meanwhile. */
export class ProxyGate {
  readonly #socket: Socket
  readonly #mode: ProxyProtocolMode
  readonly #deadline: number
  readonly #onPassed: (header: ProxyHeader | undefined, rest: Buffer) => void
  readonly #onClosed: () => void
  #bytes: Buffer = Buffer.alloc(0)

  /** `onPassed` gets the header (undefined: none was sent, where that is allowed) and the bytes behind it. */
  constructor(
    socket: Socket,
    mode: ProxyProtocolMode,
    deadline: number,
    onPassed: (header: ProxyHeader | undefined, rest: Buffer) => void,
    onClosed: () => void,
  ) {
    this.#socket = socket
    this.#mode = mode
    this.#deadline = deadline
    this.#onPassed = onPassed
    this.#onClosed = onClosed
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onEnd)
    socket.on('close', this.#onClose)
  }

  /** Closes a connection whose header did not come in time. Called with each tick of the worker. */
  tick(now: number): void {
    if (now > this.#deadline) this.#socket.destroy()
  }

  readonly #onData = (bytes: Buffer): void => {
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
    this.#socket.off('data', this.#onData)
    this.#socket.off('end', this.#onEnd)
    this.#socket.off('error', this.#onEnd)
    this.#socket.off('close', this.#onClose)
    this.#onPassed(header, rest)
  }

  readonly #onEnd = (): void => {
    this.#socket.destroy()
  }

  readonly #onClose = (): void => this.#onClosed()
}
