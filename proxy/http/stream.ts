// What do clients and upstreams say, whatever the protocol? The seam: the exchange stands on one side of it, http1/ and http2/ on the other.
//
// Invariant: framing, keep-alive, 100-continue and the fields of one hop are the protocol's own affair; nothing of them
// passes through here.

import type { FailureCode } from '../../shared/routing/failure.ts'
import type { BodySink, FieldLines } from '../../shared/routing/filters/kind.ts'
import type { Readings } from '../../shared/routing/path.ts'
import type { ForwardedFields } from './forwarded.ts'
import type { TunnelEnd, TunnelSide } from './tunnel.ts'

/** One request's head. The object may be reused: nothing may keep it beyond the request. */
export interface RequestHead extends ForwardedFields {
  readonly protocol: string
  readonly method: string
  /** Host as the client sent it; empty when there was none. */
  readonly authority: string
  /** Host for matching: lower case, without port and trailing dot; empty without one. */
  readonly host: string
  /** Canonical path: the same string is matched and sent upstream. */
  readonly path: string
  /** Of a path that applications read in several ways; undefined for nearly all. */
  readonly readings: Readings | undefined
  /** With its `?`, or empty. */
  readonly query: string
  /** End-to-end field lines without Host, and without those that Weir writes itself. */
  readonly fields: FieldLines
  /** 0: no body; undefined: length not known. */
  readonly bodyLength: number | undefined
  /** Lower-case protocols that the client wants to switch to, or empty. */
  readonly upgrade: string
  readonly expectsContinue: boolean
  readonly acceptsTrailers: boolean
  readonly userAgent: string
  readonly referer: string
  /** How often it came through a Weir before (loop.ts). */
  readonly passes: number
}

/** One response's head, interim or final. The object may be reused. */
export interface ResponseHead {
  readonly status: number
  /** Reason phrase as sent, may be empty. */
  readonly reason: string
  /** End-to-end field lines; Content-Length is among them. */
  readonly fields: FieldLines
  /** 0: no body; undefined: length not known. */
  readonly bodyLength: number | undefined
  /** The protocol of a 101, or empty. */
  readonly upgrade: string
  /** Of all of the head, as it was received. */
  readonly headBytes: number
  readonly hasDate: boolean
  readonly hasServer: boolean
}

/** One request of a client's connection, and where its response goes. */
export interface ClientStream extends BodySink {
  readonly isRequestRead: boolean
  /** The response must have no body: the method is HEAD, also of a head that was refused. */
  readonly isHead: boolean
  /** Body bytes of the request so far, and of the response. */
  readonly bytesIn: number
  readonly bytesOut: number
  /** The client takes no more for now; `onClientDrained` follows. */
  readonly isCongested: boolean
  /** Some of what was written still refers to the caller's memory. */
  readonly holdsBytes: boolean
  /** Lets the request's body come. */
  readBody(): void
  pauseBody(): void
  /** Passes an interim response on, to clients that know them (RFC 9110 §15.2). */
  interim(head: ResponseHead): void
  /** Writes the final response's head. `bodyLength` as in ResponseHead; `upgrade` is the protocol of a 101. */
  begin(
    status: number,
    reason: string,
    fields: FieldLines,
    bodyLength: number | undefined,
    upgrade: string,
  ): void
  flush(): void
  /** Makes visible that the response is not whole (RFC 9112 §8). */
  cut(): void
  /** Closes the connection at once. */
  abort(): void
  /** The exchange is over: the connection goes on, lingers or closes as it must. */
  finish(): void
  readonly tunnelSide: TunnelSide
  /** From now on the stream is one end of a tunnel. */
  startTunnel(end: TunnelEnd): void
}

/** What an exchange hears of its client. */
export interface RequestSink {
  onRequestHead(head: RequestHead): void
  onRequestData(bytes: Buffer): void
  /** The request's body is complete. `trailers` are accepted field lines. */
  onRequestEnd(trailers: FieldLines): void
  /** The head or body can not be served: answer and close. */
  onRequestFailure(code: FailureCode): void
  /** The client has taken what was written. */
  onClientDrained(): void
  /** The client went away while its request was being served. */
  onClientGone(): void
  /** The connection is closed; nothing follows. */
  onClientClosed(): void
  /** Some of the request's body is not sent on yet. */
  isRequestInUse(): boolean
}

/** What a worker does with each client connection besides serving it. */
export interface OpenConnection {
  /** Ends what took too long. Called with each tick of the worker. */
  tick(now: number): void
  closeIdle(): void
  abort(): void
}

/** A request for an upstream. */
export interface OutgoingRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** Host. */
  readonly authority: string
  /** All end-to-end field lines but Host; Content-Length is among them where the length is known. */
  readonly fields: FieldLines
  /** 0: no body; undefined: length not known. */
  readonly bodyLength: number | undefined
  /** The protocol to switch to, or empty. */
  readonly upgrade: string
  readonly expectsContinue: boolean
  readonly acceptsTrailers: boolean
  /** No other request is to come on its connection. */
  readonly isLast: boolean
}

/** One request to one endpoint, over whatever connection its pool gives. */
export interface UpstreamStream extends BodySink {
  readonly isCongested: boolean
  readonly holdsBytes: boolean
  begin(request: OutgoingRequest): void
  flush(): void
  /**
   * From now on the upstream has to act (take more of the request, send its head, or more of its body), each time within
   * `timeoutMs`; 0: nobody waits for it.
   */
  expect(timeoutMs: number): void
  pauseBody(): void
  resumeBody(): void
  /** The response is complete, and so is the request: the connection is kept if it can be. */
  release(): void
  /** Ends the request, whatever its state; no event follows. */
  abort(): void
  tick(now: number): void
  readonly tunnelSide: TunnelSide
  startTunnel(end: TunnelEnd): void
}

/** What an attempt hears of its upstream. */
export interface ResponseSink {
  onReady(): void
  /** Called for each 1xx too, and then once for the final response. */
  onResponseHead(head: ResponseHead): void
  onResponseData(bytes: Buffer): void
  /** The response is complete. `trailers` are accepted field lines. */
  onResponseEnd(trailers: FieldLines): void
  /** One read has been handed over: a good moment to write. */
  onResponseFlush(): void
  /** Some of what the last read brought is not sent yet, and its memory must not be used again. */
  isReadInUse(): boolean
  onUpstreamDrained(): void
  /** There will be no (more) response. */
  onUpstreamFailure(failure: UpstreamFailure): void
}

/** What the connection knows about its failure; upstream/retry.ts decides by it. */
export interface UpstreamFailure {
  readonly code: FailureCode
  /** What may have reached the endpoint; `refused`: it said itself that it did not process the request (RFC 9113 §8.7). */
  readonly sent: 'nothing' | 'refused' | 'to-stale-connection' | 'maybe'
  /** A byte of the response has come. */
  readonly hasAnswered: boolean
}
