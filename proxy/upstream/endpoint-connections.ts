// How does a pool reach its endpoint, whatever is spoken there? One implementation per protocol.
import type { HeadLimits } from '../http/head-limits.ts'
import type { ResponseSink, UpstreamStream } from '../http/stream.ts'
import type { Slot } from '../observe/slots.ts'

/** The connections of one worker to one endpoint. */
export interface EndpointConnections {
  /** A connection that is open and takes a request now; undefined: there is none. */
  take(sink: ResponseSink): UpstreamStream | undefined
  /** A connection for one more request; `onReady` is called when it is there, within `connectTimeoutMs`. */
  open(connectTimeoutMs: number, sink: ResponseSink): UpstreamStream
  /** Requests that wait for a connection to be opened. */
  readonly connecting: number
  /** Ends what is too old, or not needed any more. Called with each tick of the worker. */
  tick(): void
  /** Closes what carries no request, and has the rest close once it carries none. */
  closeIdle(): void
}

/** What connections ask of their pool, and tell it. */
export interface ConnectionsOwner {
  /** Some upstream names the endpoint. */
  readonly isNeeded: boolean
  /** So many requests more, or fewer, are in flight. */
  countActive(change: number): void
}

/** Limits of a pool; times in ms. */
export interface PoolLimits extends HeadLimits {
  /** An idle HTTP/1.1 connection is closed after this; shorter than what common servers keep (Node: 5 s). */
  readonly upstreamIdleTimeoutMs: number
  readonly upstreamMaxIdle: number
}

/** Gauges that all pools of a worker share: connections with a request in flight, and without. */
export interface PoolGauges {
  readonly busy: Slot
  readonly idle: Slot
}
