// What the control thread and a worker say to each other.

import type { AssetData, AssetRef, KeyAnswer, KeyRef } from '../shared/routing/filters/kind.ts'
import type { TableDelta } from '../shared/routing/table.ts'
import type { AccessLogMessage } from './observe/access-log.ts'
import type { FilterBlockedMessage, FilterFaultMessage } from './observe/filter-faults.ts'
import type { ForgetSeriesMessage, SeriesForgottenMessage, SlotsMessage } from './observe/slots.ts'
import type { SpansMessage } from './observe/span-buffer.ts'
import type { ProxySettings } from './settings.ts'

/** What a worker is started with. */
export interface WorkerStart {
  readonly settings: ProxySettings
  /** Its place among the workers, from 0 up: the one that replaces it gets the same. */
  readonly place: number
  /** The port to listen on; 0 for the first worker when the user left the choice open. */
  readonly port: number
  /** The port for TLS, likewise; absent without `--listen-tls`. */
  readonly tlsPort: number | undefined
  /** Several workers share the port (SO_REUSEPORT). */
  readonly isPortShared: boolean
  /** Of the budgets that all workers share (shared-counters.ts). */
  readonly counters: SharedArrayBuffer
  /** Says that it is alive, and what it is busy with (observe/pulse.ts). */
  readonly pulse: SharedArrayBuffer
}

/** Where a worker listens. */
export interface WorkerPorts {
  readonly port: number
  /** Absent without `--listen-tls`. */
  readonly tlsPort?: number
}

/** What is known about a key, and for how long it counts. */
export interface TimedKeyAnswer {
  readonly answer: KeyAnswer
  readonly forMs: number
}

/** From the control thread to a worker that ends TLS. */
export type TlsMessage =
  /** From now on tickets are sealed with these keys (48 bytes). */
  | { readonly kind: 'ticket-keys'; readonly keys: Uint8Array }
  /** The certificate of a Secret (`namespace/name`) is another one; absent: there is none that could be served. */
  | { readonly kind: 'certificate'; readonly name: string; readonly data?: AssetData }

/** From the control thread to a worker. */
export type ToWorker =
  | { readonly kind: 'delta'; readonly delta: TableDelta }
  /** What a filter needs has another content; absent: it is gone. */
  | { readonly kind: 'asset'; readonly ref: AssetRef; readonly data?: AssetData }
  | TlsMessage
  /** The answer to `key-wanted`. */
  | ({ readonly kind: 'key'; readonly ref: KeyRef } & TimedKeyAnswer)
  /** Health answers 503, each response closes its connection. */
  | { readonly kind: 'drain' }
  /** Stop accepting, close what is idle, cut tunnels, finish requests for at most `boundMs`, then end. */
  | { readonly kind: 'finish'; readonly boundMs: number }
  /** The process is above or below its memory watermark. */
  | { readonly kind: 'memory'; readonly isTooHigh: boolean }
  | { readonly kind: 'count-in-flight' }
  /** Filters of one's own that are closed now; `uncompiled` must not be compiled again either. */
  | {
      readonly kind: 'closed-filters'
      readonly filters: readonly string[]
      readonly uncompiled: readonly string[]
    }
  | ForgetSeriesMessage

/** From a worker to the control thread. */
export type FromWorker =
  | ({ readonly kind: 'listening' } & WorkerPorts)
  | {
      readonly kind: 'listen-failed'
      readonly port: number
      readonly code: string
      readonly message: string
    }
  | { readonly kind: 'applied'; readonly version: number }
  | { readonly kind: 'in-flight'; readonly count: number }
  | { readonly kind: 'finished' }
  /** A token names this key; it is answered always. */
  | { readonly kind: 'key-wanted'; readonly ref: KeyRef }
  /** The store that all nodes share answers, or no longer does. */
  | { readonly kind: 'store-changed'; readonly isUp: boolean; readonly why: string }
  | SlotsMessage
  | SeriesForgottenMessage
  | FilterFaultMessage
  | FilterBlockedMessage
  | AccessLogMessage
  | SpansMessage
