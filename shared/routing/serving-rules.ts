// What do objects say about the serving of all requests alike? ingress-nginx's ConfigMap does; options of the proxy say the rest.
//
// Invariant: plain data that crosses threads. What is absent is as the options have it.
import type { LogRules } from './log-format.ts'

/** Whose name is in the field Server of responses: that of the application or else Weir's, Weir's always, or nobody's. */
export type ServerHeader = 'pass' | 'own' | 'none'

export interface SpanRules {
  /** Of the collector: a name or an address; absent: that of the options, if any. */
  readonly host?: string
  readonly port?: number
  readonly serviceName?: string
  /** As many spans wait at most. */
  readonly maxQueue?: number
  readonly delayMs?: number
  readonly maxBatch?: number
}

export interface ServingRules {
  /** How long a client's connection waits for its next request. */
  readonly keepAliveTimeoutMs?: number
  /** For a whole request head, from its first byte. */
  readonly headerTimeoutMs?: number
  /** Between two reads of a request's body. */
  readonly bodyIdleTimeoutMs?: number
  /** How long an unused connection to an endpoint is kept. */
  readonly upstreamIdleTimeoutMs?: number
  /** Request fields with an underscore in their name are left out. */
  readonly dropsUnderscores?: boolean
  /** X-Forwarded-For, -Proto, -Host and -Port of peers in `believedNetworks` are believed. */
  readonly believesForwarded?: boolean
  /** Of these peers the client's address is believed. */
  readonly believesAddress?: boolean
  readonly believedNetworks?: readonly string[]
  /** The field that holds the chain of addresses; lower case. */
  readonly forwardedForField?: string
  /** What came in it goes on in front of the peer's address, instead of the client's alone. */
  readonly keepsForwardedChain?: boolean
  /** False: a request without an id goes on without one. */
  readonly generatesRequestId?: boolean
  /** The path and query of the client are told as X-Original-URI. */
  readonly addsOriginalUri?: boolean
  readonly serverHeader?: ServerHeader
  /** Where spans of traced requests go, and in which portions. */
  readonly spans?: SpanRules
  readonly log?: LogRules
}

export const noServingRules: ServingRules = {}
