// One client's HTTP/2 connection: gives each stream its place, and ends well. What a stream says is the stream's part.
//
//   open (idle ⇄ active) ──► closing: GOAWAY with the last stream that is served, those that are open go on ──► closed
//
// Node's own layer (nghttp2) takes the connection's handle over: `performServerHandshake` reads from it below the socket of
// JavaScript, so neither `onread` nor the socket's events see a byte any more, only its end. Bytes that were read before go back
// by `unshift`: the session takes them out of the socket in the next tick, before anything new can be read.
//
// Invariant: a request that arrives behind GOAWAY is not begun: its client may send it elsewhere (RFC 9113 §6.8).
// GOAWAY is sent once. RFC 9113 would have one with the largest id go ahead of it, but Node has no way to send that: after any
// GOAWAY nghttp2 leaves new streams unanswered.
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { ClientShared, ConnectionGauges } from '../http/client-shared.ts'
import type { ClientStream, OpenConnection, RequestSink } from '../http/stream.ts'
import { resetSocket } from '../net/reset-socket.ts'
import { add, type Slot } from '../observe/slots.ts'
import { Http2ClientStream, type StreamOwner } from './client-stream.ts'
import { endStreamFlag, errorCode, nodeHttp2 } from './node-http2.ts'
import { SessionGuard } from './session-guard.ts'

/** What an HTTP/2 session needs besides what all connections share. */
export interface SessionShared extends ClientShared {
  /** Streams that one session may have open at a time. */
  readonly http2MaxStreams: number
  /** Sessions that were cut, by what their clients did. */
  readonly sessionsCut: { readonly [reason in Reason]: Slot }
}

type Reason = 'resets' | 'flood' | 'settings'

/** Gives a place for streams its exchange. */
export type ServeStream = (stream: ClientStream) => RequestSink

const { enhanceYourCalm: calm, settingsTimeout } = errorCode
// Node gives what came back to the client at once, so this is how much may be under way on all streams together.
const connectionWindow = 1 << 20
// Places that are kept for the next streams: what a page asks for at once, not what a session ever had open.
const maxSpare = 8
// A client that does not close its side after our end.
const lingerMs = 5000

/** One HTTP/2 connection of a client. */
export class ClientSession implements OpenConnection, StreamOwner {
  readonly #socket: Socket
  readonly #session: ServerHttp2Session
  readonly #shared: SessionShared
  readonly #serve: ServeStream
  readonly #gauges: ConnectionGauges
  readonly #guard: SessionGuard
  readonly #open = new Set<Http2ClientStream>()
  /** Places whose stream is closed, for the next ones. */
  readonly #spare: Http2ClientStream[] = []
  #gauge: Slot
  #tunnels = 0
  #hasServed = false
  #isClosing = false
  /** The socket is closed; its streams may follow. */
  #isClosed = false
  #idleAt: number
  readonly #settledBy: number

  /** Takes a connection over; `early` was read from it already. */
  constructor(socket: Socket, early: Buffer, shared: SessionShared, serve: ServeStream) {
    this.#socket = socket
    this.#shared = shared
    this.#serve = serve
    this.#gauges = shared.connectionGauges.http2
    this.#gauge = this.#gauges.idle
    add(this.#gauge, 1)
    shared.connections.add(this)
    const { clientLimits, time } = shared
    this.#guard = new SessionGuard(time)
    this.#idleAt = time.now
    this.#settledBy = time.now + clientLimits.headerTimeoutMs
    if (early.length > 0) socket.unshift(early)
    this.#session = nodeHttp2().performServerHandshake(socket, {
      maxHeaderListPairs: clientLimits.maxFields + 8,
      strictSingleValueFields: false,
      settings: {
        maxConcurrentStreams: shared.http2MaxStreams,
        // What is beyond the limit, up to as much again, gets an answer that says so (431); the rest a reset.
        maxHeaderListSize: 2 * clientLimits.maxHeadBytes,
        enableConnectProtocol: true,
      },
    })
    this.#session.setLocalWindowSize(connectionWindow)
    this.#listen()
  }

  #listen(): void {
    this.#session.on('error', ignore)
    this.#session.on(
      'stream',
      (stream: ServerHttp2Stream, _headers: object, flags: number, list: string[]) =>
        this.#onStream(stream, list, (flags & endStreamFlag) !== 0),
    )
    // Nobody can answer for flow control on a connection that is half closed.
    this.#socket.on('end', () => this.#socket.destroy())
    this.#socket.on('close', () => this.#onClose())
  }

  #onStream(stream: ServerHttp2Stream, list: readonly string[], hasEnded: boolean): void {
    stream.on('error', ignore)
    if (stream.destroyed) {
      // Reset in the same read.
      this.#noteReset()
      return
    }
    const place = this.#spare.pop() ?? this.#makePlace()
    this.#open.add(place)
    this.#hasServed = true
    this.#count()
    place.start(stream, list, hasEnded)
  }

  #makePlace(): Http2ClientStream {
    const { clientLimits, time } = this.#shared
    const place = new Http2ClientStream(this, clientLimits, time)
    place.serveBy(this.#serve(place))
    return place
  }

  onTunnel(): void {
    this.#tunnels += 1
    this.#count()
  }

  noteUseful(bytes: number): void {
    this.#guard.noteUseful(bytes)
  }

  onStreamClosed(place: Http2ClientStream, isCut: boolean): void {
    this.#open.delete(place)
    if (place.isTunnel) this.#tunnels -= 1
    else if (this.#spare.length < maxSpare) this.#spare.push(place)
    else place.close()
    if (this.#open.size === 0) this.#idleAt = this.#shared.time.now
    this.#count()
    if (isCut) this.#noteReset()
    else this.#guard.noteWhole()
  }

  #noteReset(): void {
    if (!this.#guard.noteReset()) this.#cut('resets', calm)
  }

  #count(): void {
    if (this.#isClosed) return
    const { active, idle, tunnel } = this.#gauges
    const size = this.#open.size
    const gauge = size === 0 ? idle : size === this.#tunnels ? tunnel : active
    if (gauge === this.#gauge) return
    add(this.#gauge, -1)
    add(gauge, 1)
    this.#gauge = gauge
  }

  /** Ends what took too long. Called with each tick of the worker. */
  tick(now: number): void {
    for (const place of this.#open) place.tick(now)
    const { clientLimits, isDraining } = this.#shared
    if (this.#guard.isFlooding(this.#socket.bytesRead)) this.#cut('flood', calm)
    else if (this.#isClosing) {
      if (this.#open.size === 0 && now > this.#idleAt + lingerMs) this.#socket.destroy()
    } else if (now > this.#settledBy && this.#session.pendingSettingsAck) {
      this.#cut('settings', settingsTimeout)
    } else if (isDraining && this.#hasServed) this.#end()
    else if (this.#open.size === 0 && now > this.#idleAt + clientLimits.keepAliveTimeoutMs) {
      this.#end()
    }
  }

  /** Lets no more streams in; the session closes when those that are open are done. */
  #end(): void {
    this.#isClosing = true
    this.#idleAt = this.#shared.time.now
    this.#session.close()
  }

  /** Ends the session and all that is under way on it; GOAWAY says why. */
  #cut(reason: Reason, code: number): void {
    if (this.#session.destroyed) return
    add(this.#shared.sessionsCut[reason], 1)
    this.#session.destroy(new Error(`cut by ${code}`), code)
  }

  closeIdle(): void {
    if (this.#open.size > 0) return
    if (this.#isClosing) this.#socket.destroySoon()
    else this.#end()
  }

  abort(): void {
    resetSocket(this.#socket)
  }

  #onClose(): void {
    this.#isClosed = true
    add(this.#gauge, -1)
    this.#shared.connections.delete(this)
    for (const place of this.#open) if (!place.isTunnel) place.close()
    for (const place of this.#spare) place.close()
    this.#spare.length = 0
  }
}

function ignore(): void {
  // `close` follows, and tells all there is to know.
}
