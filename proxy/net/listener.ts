// Where do connections come in, and which of them may go on to be served?
//
// Invariant: a connection beyond the limit is told so and closed; it never waits unseen.
import { createServer, type Server, type Socket } from 'node:net'
import { normaliseAddress } from '../../shared/ip-address.ts'
import { type AcceptedSocket, takeConnections } from './accepted-socket.ts'
import type { CoarseTime } from './coarse-time.ts'
import { ProxyGate } from './proxy-gate.ts'
import type { ProxyHeader } from './proxy-protocol.ts'

/** Connections of all listeners of a worker. */
export interface ConnectionCount {
  open: number
  /** The process uses too much memory: connections are refused. */
  isRefusing: boolean
}

/** What a listener needs; times in ms. */
export interface ListenerOptions {
  readonly time: CoarseTime
  readonly count: ConnectionCount
  readonly maxConnections: number
  readonly proxyProtocol: 'off' | 'required' | 'optional'
  /** Peers that may send a PROXY header. */
  readonly proxyProtocolFrom: { has(address: string): boolean }
  readonly proxyProtocolTimeoutMs: number
  /** Whole response for a connection that cannot be served now; empty: it is closed without a word. */
  readonly refusal: () => string
  /** A connection to serve, and the PROXY header in front of it. */
  readonly onConnection: (accepted: AcceptedSocket, header: ProxyHeader | undefined) => void
}

const backlog = 4096
// Two reads' worth: a socket that takes each read whole never asks its sender to wait.
const highWaterMark = 131_072

/** Accepts connections on one address. */
export class Listener {
  readonly #options: ListenerOptions
  readonly #server: Server
  readonly #gates = new Map<Socket, ProxyGate>()

  constructor(options: ListenerOptions) {
    this.#options = options
    this.#server = createServer()
  }

  /** Listens; resolves with the port, rejects with the system's error. */
  listen(host: string, port: number, reusePort: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, reusePort, backlog }, () => {
        this.#server.off('error', reject)
        takeConnections(this.#server, highWaterMark, (accepted) => this.#accept(accepted))
        const address = this.#server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : port)
      })
    })
  }

  /** Accepts no more; connections that are open stay. */
  close(): void {
    this.#server.close()
    for (const socket of this.#gates.keys()) socket.destroy()
  }

  /** Called with each tick of the worker. */
  tick(now: number): void {
    for (const gate of this.#gates.values()) gate.tick(now)
  }

  #accept(accepted: AcceptedSocket): void {
    const { socket } = accepted
    const { count, maxConnections, proxyProtocol, proxyProtocolFrom } = this.#options
    if (count.isRefusing || count.open >= maxConnections) {
      this.#refuse(socket)
      return
    }
    count.open += 1
    socket.on('close', () => {
      count.open -= 1
    })
    const isTrusted =
      proxyProtocol !== 'off' &&
      proxyProtocolFrom.has(normaliseAddress(socket.remoteAddress ?? '') ?? '')
    if (isTrusted) this.#openGate(accepted, proxyProtocol)
    else if (proxyProtocol === 'required') socket.destroy()
    else this.#options.onConnection(accepted, undefined)
  }

  #openGate(accepted: AcceptedSocket, mode: 'required' | 'optional'): void {
    const { socket } = accepted
    const deadline = this.#options.time.now + this.#options.proxyProtocolTimeoutMs
    const gate = new ProxyGate(
      accepted,
      mode,
      deadline,
      (header) => {
        this.#gates.delete(socket)
        this.#options.onConnection(accepted, header)
      },
      () => this.#gates.delete(socket),
    )
    this.#gates.set(socket, gate)
  }

  #refuse(socket: Socket): void {
    socket.on('error', () => socket.destroy())
    socket.end(this.#options.refusal(), 'latin1', () => socket.destroySoon())
    socket.resume()
  }
}
