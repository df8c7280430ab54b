// How does TLS end here? Connections come from a listener, behind any PROXY header, and go on as connections like others.
//
//   accepted ─► ClientHello ──► the host's context ─► handshake ─► onConnection
//                  ├─ a host that is passed through: its bytes go on unread
//                  └─ a letter: plain HTTP, one answer that says so
//
// Node's own server does the handshake: it never listens, sockets are given to it. Each context has a server of its own, chosen by the
// ClientHello: by SNICallback Node takes one certificate of a context only, whatever the client can verify.
// Invariant: handshakes that are not done are bounded in time and in number; where there are too many, the oldest gives way, so
// that a flood of silent clients cannot keep out those that speak.
// Invariant: contexts are made once per certificate; a connection costs no parsing of one.
import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls'
import type { AcceptedConnection, SocketReader } from './accepted-connection.ts'
import { ClientHelloReader, type HelloReading } from './client-hello.ts'
import type { CoarseTime } from './coarse-time.ts'
import { type HandshakeFailure, handshakeFailureOf } from './handshake-failure.ts'
import { Linger } from './linger.ts'
import type { ProxyHeader } from './proxy-protocol.ts'
import { TlsConnection } from './tls-connection.ts'

/** What a terminator needs. */
export interface TlsTerminatorOptions {
  readonly time: CoarseTime
  /**
   * Finds what a client gets that names this host, in lower case; undefined: it names none. The same object as long as the same
   * is to be shown: what is made of it is kept.
   */
  readonly contextOf: (host: string | undefined) => TlsOptions
  /** Who serves connections that name this host as they are, unread; undefined: TLS ends here. */
  readonly passTo: (host: string) => PassOn | undefined
  /** What is spoken, first what is liked best (RFC 7301). */
  readonly protocols: readonly string[]
  readonly handshakeTimeoutMs: number
  /** Handshakes under way at a time, at most. */
  readonly maxHandshakes: number
  /** Whole response for a client that speaks plain HTTP. */
  readonly plainHttpAnswer: () => string
  readonly onConnection: (
    connection: TlsConnection,
    header: ProxyHeader | undefined,
    context: TlsOptions,
  ) => void
  readonly onFailure: (failure: HandshakeFailure) => void
}

/** Serves a connection from its first byte on. */
export type PassOn = (accepted: AcceptedConnection, header: ProxyHeader | undefined) => void

interface Handshake {
  readonly header: ProxyHeader | undefined
  readonly deadline: number
}

// Node ends a handshake by a timer of its own after this; ours is there first.
const nodesOwnTimeoutMs = 3_600_000
/** How long a client may resume a session (RFC 8446 §4.6.1 allows 7 days), in seconds. */
const sessionTimeout = 3600
/** Sessions are resumed by any worker, whatever certificate it shows; a context that asks more of clients has one of its own. */
const sessionIdContext = 'weir'

/** OpenSSL reads from now on. */
const nobody: SocketReader = { onRead: () => {}, isReadInUse: () => false, isAtRest: true }

/** Ends TLS on the connections of one worker. */
export class TlsTerminator {
  readonly #options: TlsTerminatorOptions
  #servers = new WeakMap<TlsOptions, Server>()
  /** By the socket on the wire; the oldest is the first. */
  readonly #handshakes = new Map<Socket, Handshake>()
  readonly #lingers = new Set<Linger>()
  #ticketKeys: Buffer | undefined

  constructor(options: TlsTerminatorOptions) {
    this.#options = options
  }

  /**
   * Sets the 48 bytes that tickets are sealed with; tickets of other keys lead to a full handshake. Handshakes under way and open
   * connections stay as they are.
   */
  setTicketKeys(keys: Buffer): void {
    this.#ticketKeys = keys
    this.#servers = new WeakMap()
  }

  /** Ends TLS on a connection; `header` came in front of it. */
  accept(accepted: AcceptedConnection, header: ProxyHeader | undefined): void {
    const { time, handshakeTimeoutMs, maxHandshakes } = this.#options
    if (this.#handshakes.size >= maxHandshakes) this.#crowdOut()
    const { socket } = accepted
    this.#handshakes.set(socket, { header, deadline: time.now + handshakeTimeoutMs })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#onClose(socket))
    const onEnd = () => socket.destroy()
    socket.on('end', onEnd)
    const reader = new ClientHelloReader()
    accepted.readBy({
      onRead: (bytes) => {
        const reading = reader.push(bytes)
        if (reading === 'more') return
        socket.off('end', onEnd)
        this.#onHello(accepted, reading, reader.bytes)
      },
      // The bytes are copied as they come.
      isReadInUse: () => false,
      isAtRest: true,
    })
  }

  /** Ends what took too long. Called with each tick of the worker. */
  tick(now: number): void {
    for (const [socket, { deadline }] of this.#handshakes) {
      if (now <= deadline) break
      this.#fail(socket, 'timeout')
      socket.destroy()
    }
    for (const linger of this.#lingers) linger.tick(now)
  }

  /** Cuts handshakes that are under way. */
  close(): void {
    for (const socket of this.#handshakes.keys()) socket.destroy()
  }

  /** What cannot be read is OpenSSL's to answer: by the alert that belongs to it. */
  #onHello(accepted: AcceptedConnection, reading: Exclude<HelloReading, 'more'>, bytes: Buffer) {
    const { socket } = accepted
    const isHello = reading.kind === 'hello'
    if (!isHello && reading.reason === 'not-tls' && isLetter(bytes[0] ?? 0)) {
      this.#answerPlain(accepted)
      return
    }
    const host = isHello ? reading.serverName : undefined
    const passOn = host === undefined ? undefined : this.#options.passTo(host)
    if (passOn !== undefined) {
      const header = this.#handshakes.get(socket)?.header
      this.#handshakes.delete(socket)
      accepted.unshift(bytes)
      passOn(accepted, header)
      return
    }
    const context = this.#options.contextOf(host)
    // What read the ClientHello is not to be kept as long as the connection.
    accepted.readBy(nobody)
    socket.unshift(bytes)
    // A client that closes its side before the handshake is done will never finish it.
    socket.allowHalfOpen = false
    this.#serverOf(context).emit('connection', socket)
  }

  #serverOf(context: TlsOptions): Server {
    const known = this.#servers.get(context)
    if (known !== undefined) return known
    const ticketKeys = this.#ticketKeys
    const server = createServer({
      sessionIdContext,
      ...context,
      sessionTimeout,
      handshakeTimeout: nodesOwnTimeoutMs,
      ALPNProtocols: [...this.#options.protocols],
      ...(ticketKeys && { ticketKeys }),
    })
    server.on('secureConnection', (socket) => this.#onSecure(socket, context))
    server.on('tlsClientError', (error, socket) => this.#onError(error, socket))
    this.#servers.set(context, server)
    return server
  }

  #onSecure(socket: TLSSocket, context: TlsOptions): void {
    const wire = wireOf(socket)
    const handshake = this.#handshakes.get(wire)
    if (handshake === undefined) {
      socket.destroy()
      return
    }
    this.#handshakes.delete(wire)
    socket.allowHalfOpen = true
    this.#options.onConnection(new TlsConnection(socket, wire), handshake.header, context)
  }

  #onError(error: Error, socket: TLSSocket): void {
    this.#fail(wireOf(socket), handshakeFailureOf(error))
    socket.destroy()
  }

  /** Closed before it was done, without a word. */
  #onClose(socket: Socket): void {
    this.#fail(socket, 'client-closed')
  }

  #crowdOut(): void {
    const [oldest] = this.#handshakes.keys()
    if (oldest === undefined) return
    this.#fail(oldest, 'crowded-out')
    oldest.destroy()
  }

  /** Counts a handshake that comes to nothing, once. */
  #fail(socket: Socket, failure: HandshakeFailure): void {
    if (this.#handshakes.delete(socket)) this.#options.onFailure(failure)
  }

  #answerPlain(accepted: AcceptedConnection): void {
    const { socket } = accepted
    this.#fail(socket, 'plain-http')
    socket.write(this.#options.plainHttpAnswer(), 'latin1')
    const linger = new Linger(socket, this.#options.time.now)
    this.#lingers.add(linger)
    socket.on('close', () => this.#lingers.delete(linger))
    socket.on('end', () => socket.destroySoon())
    accepted.readBy({
      onRead: (bytes) => linger.noteRead(bytes.length),
      isReadInUse: () => false,
      isAtRest: true,
    })
  }
}

/** A TLS record begins with its type, 20 to 24 (RFC 8446 §5.1), an HTTP request with a letter of its method. */
function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)
}

function wireOf(socket: TLSSocket): Socket {
  // The parse border: Node names the socket underneath, but not in its types; the test beside this file holds it to that.
  return (socket as unknown as { _parent: Socket })._parent
}
