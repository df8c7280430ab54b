// What is a filter? One kind, one file beside this one: its words, its check, and where it acts on a request. READ FIRST.
//
//   request ─► [request steps] ─► (request body stages) ─► upstream
//   client  ◄─ (response body stages) ◄─ [response steps] ◄─ upstream
//
// A filter is plain data that crosses threads; `compile` makes its stages when a worker builds a route, never per request.
// Adding a kind: a file here, a line in compile.ts, rows for its keys in ../ingress/annotations/.
import type { Clock } from '../../clock.ts'
import type { FailureCode } from '../failure.ts'
import type { SpanSink } from '../span.ts'
import type { BackendRef } from '../upstreams/backend-ref.ts'

/** What a route asks for beyond forwarding: a kind and its own plain data. */
export interface Filter {
  readonly kind: string
}

/** Field lines `name: value CRLF`, latin1, end-to-end, without Host: the one form of fields, for every protocol. */
export type FieldLines = string

/** A response that Weir gives itself. */
export interface Answer {
  readonly status: number
  /** Stable code for log and metric, such as `redirect`; empty when there is nothing to say. */
  readonly code: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string | Buffer
}

/** Go on, answer, or fail: a failure's page is written in one place. */
export type Verdict = undefined | Answer | FailureCode

/** Ends what was started; calling it again, or after the end, does nothing. */
export type Cancel = () => void

/** What TLS says of a connection, where it ends at Weir. */
export interface ConnectionTls {
  /** The host that the client named when it connected (SNI): lower case, without trailing dot; empty: none. */
  readonly serverName: string
  /** The Secret by whose authorities a certificate of the client was verified; undefined: it was asked for none. */
  readonly verifiedBy: string | undefined
  /** Undefined: it sent none. */
  readonly certificate: ClientCertificate | undefined
}

/** A certificate that a client proved to have the key of. */
export interface ClientCertificate {
  /** PEM. */
  readonly pem: string
  /** DER of the certificate, and of those between it and the authority, in order (RFC 9440 §2.3). */
  readonly der: Buffer
  readonly chain: readonly Buffer[]
  /** As RFC 4514 writes names, ASCII only. */
  readonly subject: string
  readonly issuer: string
  /** Why it is not verified, in the words of Node's codes, such as `CERT_HAS_EXPIRED`; undefined: it is. */
  readonly error: string | undefined
}

/** The request as filters see it: no copy is made. Valid until the exchange ends. */
export interface RequestView {
  readonly method: string
  readonly scheme: 'http' | 'https'
  /** Undefined: its TLS, if there is any, does not end at Weir. */
  readonly tls: ConnectionTls | undefined
  /** Lower case, without port and trailing dot. */
  readonly host: string
  /** Host as the client sent it, with its port; empty when it named none. */
  readonly authority: string
  /** Host that a believed peer names instead (X-Forwarded-Host), with its port, where it goes upstream; empty: none. */
  readonly believedHost: string
  /** Canonical path, without the query: what was matched. */
  readonly path: string
  /** With its `?`, or empty. */
  readonly query: string
  /** Address of the client by the rules of X-Forwarded-For and trusted proxies; no port. */
  readonly clientAddress: string
  /** Address of the peer: that of the PROXY header, else the socket's; no port. */
  readonly peerAddress: string
  readonly requestId: string
  /** 0: no body; undefined: length not known. */
  readonly bodyLength: number | undefined
  /** In [0, 1), drawn once, and only when somebody asks. */
  readonly draw: number
  /** All field lines that go upstream, but Host. */
  readonly fields: FieldLines
  /** As upstream will see it; several lines are joined by `, `. Name in lower case. */
  field(name: string): string | undefined
  /** The value of each line of a field, in order; as one once a filter has changed it. Name in lower case. */
  values(name: string): readonly string[]
  /** The first cookie of that name (RFC 6265 §5.4). */
  cookie(name: string): string | undefined
  /** Path and query that go upstream; begins with `/`. */
  target: string
  /** Host that goes upstream; empty: the client's. */
  upstreamHost: string
  /** Replaces all lines of a field that goes upstream. Name in lower case; the value must be free of CR, LF and NUL. */
  setField(name: string, value: string): void
  dropField(name: string): void
  /**
   * Sets or adds (`append`) a field of the response to the client, whoever makes it; what is added with `statuses`, only if
   * it has one of them.
   */
  setResponseField(
    name: string,
    value: string,
    append?: boolean,
    statuses?: ReadonlySet<number>,
  ): void
  /** Changes several fields at once, of what goes upstream or of the response: cheap where the edits were prepared when the route was built. */
  editRequest(edits: FieldEdits): void
  editResponse(edits: FieldEdits): void
  /** Called once when the exchange is over, however it ended. */
  whenFinished(callback: (outcome: Outcome) => void): void
}

/** How an exchange ended. Valid while the callback runs. */
export interface Outcome {
  /** What the client got; 499 when it went away before. */
  readonly status: number
  /** Empty when nothing failed. */
  readonly failure: FailureCode | ''
  /** `HTTP/1.1`. */
  readonly protocol: string
  /** The Service that was chosen, and `address:port` of the endpoint that answered last; empty when there was none. */
  readonly service: string
  readonly endpoint: string
  readonly retries: number
}

/** The response as filters see it, before its head is written to the client. */
export interface ResponseView {
  readonly request: RequestView
  /** Made by Weir itself (a failure's page, a redirect), not by an upstream. */
  readonly isOwn: boolean
  /** Of what Weir made itself: the failure's, or that of the answer. Empty for an upstream's. */
  readonly code: string
  status: number
  /** Several lines are joined by `, `. Name in lower case. */
  field(name: string): string | undefined
  /** The value of each line of a field, in order: cookies are not joined (RFC 6265 §3). Name in lower case. */
  values(name: string): readonly string[]
  setField(name: string, value: string): void
  addField(name: string, value: string): void
  dropField(name: string): void
  /** 0: no body; undefined: length not known. A stage that changes the length sets it to undefined. */
  bodyLength: number | undefined
  /** All of the body of what Weir made itself, in whose place another may be set; undefined: it is an upstream's. */
  ownBody: string | Buffer | undefined
}

/** Decides about a request. Sync and async are told apart when the route is built, not by looking at a result. */
export type RequestStep =
  | { readonly kind: 'sync'; decide(request: RequestView): Verdict }
  | {
      readonly kind: 'async'
      readonly timeoutMs: number
      /** What counts when the time is over or `start` throws: a guard fails, a hint gives undefined. */
      readonly onTimeout: Verdict
      /** Calls `settle` once, now or later; after the cancel it is ignored. */
      start(request: RequestView, settle: (verdict: Verdict) => void): Cancel
    }

/** Changes a response, or takes its place by a verdict. */
export type ResponseStep = {
  /** Also for what Weir answers itself on this route (failures, redirects), or only for that. */
  readonly includesOwn: boolean | 'only'
} & (
  | { readonly kind: 'sync'; decide(response: ResponseView): Verdict }
  | {
      readonly kind: 'async'
      readonly timeoutMs: number
      readonly onTimeout: Verdict
      start(response: ResponseView, settle: (verdict: Verdict) => void): Cancel
    }
)

/** Takes a body's bytes. They are the caller's again when `write` returns: who keeps them makes a copy. */
export interface BodySink {
  /** False: wait until resumed. */
  write(bytes: Buffer): boolean
  end(trailers: FieldLines): void
}

/** One stage in front of another. */
export interface BodyStage extends BodySink {
  /** The body will not be completed: give back what is held. */
  abort(): void
}

/** What a body's stage may ask of the exchange. */
export interface BodyControl {
  /** The stage takes bytes again, after a `write` that returned false. */
  resume(): void
  /** What is passed on has another length than what comes: it is not told. Only while the stage is made. */
  forgetLength(): void
  /** The body cannot be passed on: the exchange fails (or is cut, when its response has begun). */
  fail(code: FailureCode): void
}

/** Puts a stage in front of `next`; undefined leaves the body alone. */
export type WrapBody<View> = (
  view: View,
  next: BodySink,
  control: BodyControl,
) => BodyStage | undefined

/** Header edits prepared for one pass over the field lines of a head. */
export interface FieldEdits {
  /** Lower-case names whose lines are dropped (removed ones and those that are set anew). */
  readonly dropped: ReadonlySet<string>
  /** Ready lines, each with its CRLF, to be appended. */
  readonly appended: FieldLines
}

/** Where a filter acts. What is absent costs one comparison. */
export interface Stages {
  readonly request?: RequestStep
  readonly response?: ResponseStep
  readonly requestBody?: WrapBody<RequestView>
  readonly responseBody?: WrapBody<ResponseView>
  /** Known when the route is built: folded into one pass over the head. */
  readonly requestEdits?: FieldEdits
  readonly responseEdits?: FieldEdits
  /** As `responseEdits`, of what Weir answers itself on this route. */
  readonly ownEdits?: FieldEdits
  /** Of a filter that is several: the stages of each, in the order in which they act; nothing else beside them counts. */
  readonly parts?: readonly Stages[]
}

/** A request of Weir's own, to a Service of the table. Small: its body is whole in memory. */
export interface CallRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** Host field. */
  readonly authority: string
  /** A length among them gives way to that of `body`. With `cdn-loop` of the request that it is made for, if any: a circle that leads through calls is noticed by it. */
  readonly fields: FieldLines
  readonly body?: Buffer
  /** For all of it: connection, request, response. */
  readonly timeoutMs: number
  /** A larger response fails as `upstream-malformed`. */
  readonly maxBodyBytes: number
  /** Nobody reads the body of the answer: it is thrown away as it comes. */
  readonly dropsBody?: boolean
}

/** What came back. */
export type CallResult =
  | { readonly status: number; readonly fields: FieldLines; readonly body: Buffer }
  | { readonly failure: FailureCode }

/** What the control thread fetched for filters: a Secret, a ConfigMap, a key set. Held in memory only. */
export interface AssetRef {
  readonly kind: 'secret' | 'config-map' | 'jwks' | 'file'
  /** `namespace/name`; or of a key set its upstream and path; or the absolute path of a file below that of `--auth-files`. */
  readonly name: string
}

/** Where a key set is: at a Service of the route's own namespace, or at the origin of a URL that `--auth-urls` must allow. */
export interface KeySource {
  readonly service: BackendRef
  /** As the Host field names it. */
  readonly authority: string
  /** Path and query. */
  readonly path: string
  /** What is there names the key set, at the same origin (OpenID Connect Discovery 1.0 §4). */
  readonly discovers?: true
}

/** An asset, and of a key set where it is. */
export type WantedAsset = AssetRef &
  (
    | { readonly kind: 'secret' | 'config-map' | 'file' }
    | { readonly kind: 'jwks'; readonly from: KeySource }
  )

/** Entries of a Secret or ConfigMap (decoded, latin1), or `keys` with the JSON of a key set. */
export type AssetData = Readonly<Record<string, string>>

/** An asset as a filter reads it. `value` changes by itself; undefined while there is none. */
export interface LiveAsset<T> {
  readonly value: T | undefined
}

/** A key with which an AWS load balancer signs whom it let in. */
export interface KeyRef {
  /** Of the load balancer: its region says where keys are. */
  readonly arn: string
  /** As a token names it; letters, digits, `-` and `_`. */
  readonly kid: string
}

/** The key in PEM (SPKI); or there is none of that name; or nobody can say now. The same object while it counts. */
export type KeyAnswer =
  | { readonly kind: 'found'; readonly pem: string }
  | { readonly kind: 'missing' | 'unavailable' }

/** Where a route comes from. */
export interface RoutePlace {
  readonly namespace: string
  readonly name: string
  readonly path: string
}

/** Everything a filter may use; nothing of it is global. */
export interface CompileContext {
  readonly clock: Clock
  readonly random: () => number
  /** Names the route among all routes: the same in every worker and after each rebuild. */
  readonly routeKey: string
  /** Who asked for the route, and the path of its rule. */
  readonly place: RoutePlace
  /** Takes spans of requests that are traced. */
  readonly spans: SpanSink
  /** Workers of this proxy: a count that they cannot share is divided among them. */
  readonly workers: number
  /** Sends a request of Weir's own: same pools, limits and counters. `upstream` is the key of a BackendRef. */
  call(upstream: string, request: CallRequest, onResult: (result: CallResult) => void): Cancel
  /**
   * Sends a request of Weir's own to what serves its path on `host` (lower case, without port) to everybody: a route that
   * forwards, without filters that may protect it or rewrite what it is asked for. Else `no-route`.
   */
  callHost(host: string, request: CallRequest, onResult: (result: CallResult) => void): Cancel
  /** An asset that the filter named in `assets`; `parse` runs once per version and worker. A throw means undefined. */
  asset<T>(ref: AssetRef, parse: (data: AssetData) => T): LiveAsset<T>
  /**
   * Checks a password (latin1 bytes) against a hash of an htpasswd file, in a thread of its own; `onResult` gets undefined
   * when too many wait already.
   */
  verifyPassword(
    hash: string,
    password: string,
    onResult: (fits: boolean | undefined) => void,
  ): Cancel
  /** Finds a key of a load balancer, now or later: the control thread fetches and remembers it. */
  publicKey(ref: KeyRef, onResult: (answer: KeyAnswer) => void): Cancel
  /** Counts that all workers of this proxy share. */
  readonly shared: SharedCounters
  /** The store that all nodes share (Valkey); undefined when none is configured. */
  readonly store: SharedStore | undefined
}

/** Counts that all workers of one proxy share: a table of fixed size in shared memory. */
export interface SharedCounters {
  /**
   * Takes one from the budget of `key`, which refills by one each `intervalMs` up to `burst` (GCRA).
   * 0 when it was there, else the ms until it will be.
   */
  take(key: string, intervalMs: number, burst: number): number
}

/** Counters that all nodes share. */
export interface SharedStore {
  /** Runs a named script of the store's table on keys; rejects when the store does not answer within `timeoutMs`. */
  run(
    script: string,
    keys: readonly string[],
    args: readonly string[],
    timeoutMs: number,
  ): Promise<unknown>
}

/** One kind of filter. */
export interface FilterKind<F extends Filter = Filter> {
  readonly kind: F['kind']
  /** It may protect: one that is asked for and cannot be served closes its route, instead of being left out. */
  readonly isGuard?: true
  /** What a source need not say. */
  readonly defaults?: Partial<F>
  /** Says what is wrong with it, as the end of a sentence; lint, webhook and annotations ask the same question. */
  fault(filter: F): string | undefined
  /** Services that it calls. */
  upstreams?(filter: F): readonly BackendRef[]
  /** Fields that go upstream by its word alone: where it is not asked, those of the client must not pass for it. */
  vouchesFor?(filter: F): readonly string[]
  /** What the control thread must fetch for it. */
  assets?(filter: F): readonly WantedAsset[]
  /** Says what is wrong with an asset that it named, as the end of a sentence that tells nothing secret. */
  assetFault?(filter: F, ref: AssetRef, data: AssetData): string | undefined
  /** Compiles it for one route. Must not be called for a filter with a fault. */
  compile(filter: F, context: CompileContext): Stages
}
