// What do all client connections of a worker share, whatever they speak: limits, time, counters?
import type { CoarseTime } from '../net/coarse-time.ts'
import type { Slot } from '../observe/slots.ts'
import type { HeadLimits } from './head-limits.ts'
import type { OpenConnection } from './stream.ts'

/** How much and how long a client may take, in ms. */
export interface ReadLimits extends HeadLimits {
  /** From a request's first byte to the end of its head, whatever the drip rate. */
  readonly headerTimeoutMs: number
  /** Between two reads of a request's body. */
  readonly bodyIdleTimeoutMs: number
  /** Between two requests. */
  readonly keepAliveTimeoutMs: number
}

/** Limits of a client connection. */
export interface ClientLimits extends ReadLimits {
  /** For the client to take what was written. */
  readonly writeTimeoutMs: number
}

/** The time of a worker, and whether it is about to leave. */
export interface WorkerTime {
  readonly time: CoarseTime
  /** Each response closes its connection. */
  readonly isDraining: boolean
}

/** How many connections are in which state. */
export interface ConnectionGauges {
  readonly active: Slot
  readonly idle: Slot
  readonly tunnel: Slot
}

/** What all client connections of a worker share. */
export interface ClientShared extends WorkerTime {
  readonly clientLimits: ClientLimits
  readonly connectionGauges: { readonly [protocol in 'http1' | 'http2' | 'tls']: ConnectionGauges }
  /** All that are open. */
  readonly connections: Set<OpenConnection>
}
