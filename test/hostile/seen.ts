// What one run of a case left behind, on both sides of the proxy: the judge's only input.
import type { ConnectionEnd } from '../support/raw-client.ts'
import type { HostileCase, Segmentation } from './cases.ts'
import type { Message } from './grammar.ts'
import type { Service } from './recorder.ts'

/** One request at an upstream, with the fate of its connection. */
export interface SeenUpstream {
  readonly message: Message
  readonly service: Service
  readonly connectionId: number
  readonly scripted: boolean
  /** Why the strict reader refused the connection's bytes. */
  readonly error: string | undefined
  /** Closed within a second of the case's end. */
  readonly closed: boolean
  /** Requests that came after it on its connection, innocent ones too. */
  readonly followers: number
}

/** One run of one case. */
export interface Seen {
  readonly hostile: HostileCase
  readonly segmentation: Segmentation
  readonly reusedConnection: boolean
  /** Latin1, the bytes of the play. */
  readonly sent: string
  /** The requests that a strict reading finds in what the client sent. */
  readonly sentMessages: readonly Message[]
  /** All messages to the client, informational ones too, after any warm-up. */
  readonly responses: readonly Message[]
  readonly clientBytes: string
  /** Why the answers are no HTTP. */
  readonly responseError: string | undefined
  readonly ended: ConnectionEnd
  /** Bytes after a 101. */
  readonly tunnelled: string
  readonly requests: readonly SeenUpstream[]
  /** What went wrong for the second client on the same pool. */
  readonly innocentProblems: readonly string[]
  /** By the same monotonic clock, ms; 0 = did not happen. */
  readonly scriptEndedAt: number
  readonly firstBodyAt: number
  /** What a proxy may call the client: loopback, or (Envoy) this machine's own address. */
  readonly peerAddresses: readonly string[]
  /** Growth of the proxy's resident memory while a reader stalled; 0 when not measured. */
  readonly grownKib: number
}
