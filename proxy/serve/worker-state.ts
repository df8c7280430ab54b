// What all exchanges of one worker share: routes, limits, time, counters, and whether the worker is on its way out.
import type { Clock } from '../../shared/clock.ts'
import type { SharedCounters, SharedStore } from '../../shared/routing/filters/kind.ts'
import type { Router } from '../../shared/routing/router/router.ts'
import type { SpanSink } from '../../shared/routing/span.ts'
import type { ClientRules } from '../http/client-rules.ts'
import type { Tunnel } from '../http/tunnel.ts'
import type { SessionShared } from '../http2/client-session.ts'
import type { FilterFault } from '../observe/filter-faults.ts'
import type { Recorder } from '../observe/recorder.ts'
import type { RetryBudget } from '../upstream/retry.ts'
import type { AssetStore } from './asset-store.ts'
import type { FilterGuard } from './filter-guard.ts'
import type { KeyStore } from './key-store.ts'
import type { LiveRoute } from './live-route.ts'
import type { ServerRule } from './own-answers.ts'
import type { PasswordThread } from './password-thread.ts'

/** Time limits of an exchange, in ms; a route may set its own. */
export interface ExchangeLimits {
  readonly connectTimeoutMs: number
  /** To the response head, and between two reads of its body. */
  readonly responseTimeoutMs: number
  /** For the upstream to take more of the request body. */
  readonly sendTimeoutMs: number
  readonly tunnelIdleTimeoutMs: number
  /** Attempts after the first. */
  readonly maxRetries: number
}

/** What beats with the worker. */
export interface Ticking {
  tick(now: number): void
}

/** The state of one worker that its exchanges read. */
export interface WorkerState extends SessionShared {
  /** The plain port speaks HTTP/2, too, to clients that begin with it. */
  readonly allowsH2c: boolean
  readonly clock: Clock
  /** Workers of this proxy. */
  readonly workers: number
  /** Budgets that all workers of this proxy share. */
  readonly shared: SharedCounters
  /** Counters that all nodes share; undefined without `--valkey`. */
  readonly store: SharedStore | undefined
  /** In [0, 1). */
  readonly random: () => number
  readonly limits: ExchangeLimits
  /** Replaced as a whole. */
  clientRules: ClientRules
  /** Replaced as a whole. */
  server: ServerRule
  readonly recorder: Recorder
  readonly spans: SpanSink & { isOpen: boolean }
  readonly retryBudget: RetryBudget
  readonly healthPath: string
  /** Lower-case protocols that a client may switch to. */
  readonly upgradeProtocols: ReadonlySet<string>
  /** Makes an id for a request that brings none. */
  readonly createRequestId: () => string
  /** Replaced as a whole with each change of the table. */
  router: Router<LiveRoute>
  fallback: LiveRoute | undefined
  /** False until the first table is there. */
  isSynced: boolean
  /** The worker drains: health answers 503, each response closes its connection. */
  isDraining: boolean
  /** Ready `Date: …` line, renewed each second. */
  dateLine: string
  /** Requests and tunnels that are not finished. */
  inFlight: number
  /** One per client stream, as long as it is open. */
  readonly exchanges: Set<Ticking>
  readonly tunnels: Set<Tunnel>
  readonly assets: AssetStore
  readonly keys: KeyStore
  readonly passwords: PasswordThread
  /** Requests of Weir's own that are under way. */
  readonly calls: Set<Ticking>
  /** Runs the code of filters of one's own; undefined when there are none. */
  readonly guard: FilterGuard | undefined
  /** Tells what went wrong in a filter of a route. */
  readonly reportFault: (fault: FilterFault) => void
}
