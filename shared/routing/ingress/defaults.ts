// What does an Ingress ask for where its annotations say nothing? What `--like` names, and the ConfigMap of `--config-map`.
//
// Invariant: plain data that compares by its contents: who reads Ingresses reads them again when it differs.
// What is absent is as it is without both options.
import type { Like } from '../../like.ts'
import type { Balance, Limits, RetryRules } from '../backend.ts'
import type { EskipContext } from '../eskip/compile.ts'
import type { AuthRequestFilter } from '../filters/auth-request.ts'
import type { BlockedClientsFilter } from '../filters/blocked-clients.ts'
import type { CommonHeadersFilter } from '../filters/common-headers.ts'
import type { RedirectStatus } from '../filters/redirect.ts'
import type { TraceFilter } from '../filters/trace.ts'
import type { ServingRules } from '../serving-rules.ts'
import type { BackendRef } from '../upstreams/backend-ref.ts'

import type { AuthTarget } from './annotations/auth-texts.ts'
import type { NginxText } from './annotations/nginx-text.ts'

/** What is traced, and how; what is absent is as the filter's defaults are. */
export interface TraceWishes {
  readonly isOn?: boolean
  readonly trustsIncoming?: boolean
  readonly name?: NginxText
  readonly sampler?: TraceFilter['sampler']
  readonly ratio?: number
  readonly isParentBased?: boolean
}

export interface IngressDefaults {
  /** What the options say of all routes in Skipper's words. */
  readonly eskip?: Omit<EskipContext, 'namespace'>
  /** `--like`: what that system does without being asked counts. */
  readonly like?: Like
  /** Why all routes are closed: a key that may protect them cannot be read. */
  readonly closed?: string
  /** Why all routes are closed whose Ingress does not go without a firewall: one is asked for, and there is none. */
  readonly firewall?: string
  readonly limits?: Limits
  readonly balance?: Balance
  readonly retry?: RetryRules
  /** Requests go to the addresses of Services. */
  readonly serviceUpstream?: boolean
  /** Sends http to https where `spec.tls` covers the host; an annotation `ssl-redirect` then means the same. */
  readonly sslRedirect?: boolean
  /** Sends http to https everywhere. */
  readonly forceSslRedirect?: boolean
  readonly sslRedirectStatus?: RedirectStatus
  /** What counts for all requests, whatever route they take. */
  readonly serving?: ServingRules
  /** An Ingress with one of these in the value of an nginx annotation is not served. */
  readonly forbiddenWords?: readonly string[]
  /** Fields of all requests and responses. */
  readonly headers?: Omit<CommonHeadersFilter, 'kind'>
  /** Strict-Transport-Security where `spec.tls` covers the host; what is absent is as ingress-nginx has it. */
  readonly hsts?: {
    readonly isOn?: boolean
    readonly maxAgeSeconds?: number
    readonly includesSubdomains?: boolean
    readonly isPreload?: boolean
  }
  /** Clients that are turned away by what they say. */
  readonly blockedClients?: Omit<BlockedClientsFilter, 'kind'>
  /** Kept out whatever annotations say. */
  readonly blocked?: readonly string[]
  /** Fields, in lower case, that a ConfigMap of an annotation may set. */
  readonly allowedResponseHeaders?: readonly string[]
  /** Absent: snippets are read by a closed list. */
  readonly allowsSnippets?: boolean
  /** Snippets that are not allowed have no effect instead of closing their routes. */
  readonly takesCriticalRisk?: boolean
  /** Statuses of responses that another Service answers instead. */
  readonly customErrors?: readonly number[]
  /** Not those of applications. */
  readonly passesErrors?: boolean
  /** `--default-backend`: serves what no rule of a host does, where Ingresses of one host are one site. */
  readonly fallback?: BackendRef
  /** Rules whose path begins with one of these are never sent to https. */
  readonly noTlsRedirect?: readonly string[]
  /** A redirect to https names its port. */
  readonly namesPort?: boolean
  /** Locations that have no host of their own stay paths. */
  readonly relativeRedirects?: boolean
  /** An allow list of annotations takes its place. */
  readonly allow?: readonly string[]
  /** A deny list of annotations takes its place. */
  readonly deny?: readonly string[]
  /** Paths that begin with one of them ask nobody who it is; absent: those of challenges for certificates. */
  readonly openPaths?: readonly string[]
  /** The server that is asked about the requests of Ingresses that do not name one; without `target` none is. */
  readonly globalAuth?: {
    readonly target?: AuthTarget
    readonly parts: Partial<AuthRequestFilter>
    readonly signInParameter?: string
  }
  /** Of requests beyond `limit-rps` and `limit-rpm`, and beyond `limit-connections`; absent: 503. */
  readonly rateStatus?: number
  readonly connectionsStatus?: number
  /** Pace of response bodies in KiB per second, and how many KiB go before it counts. */
  readonly limitRate?: number
  readonly limitRateAfter?: number
  readonly trace?: TraceWishes
  /** Compression of responses, coding by coding. */
  readonly gzip?: CodingDefaults
  readonly brotli?: CodingDefaults
}

/** How responses are compressed by one coding; what is absent is as compressors.ts has it. */
export interface CodingDefaults {
  readonly isOn?: boolean
  readonly level?: number
  readonly minBytes?: number
  /** Media types; `text/html` is always among them. */
  readonly types?: readonly string[]
  /** User agents that get no compressed response: a pattern, looked for without case. */
  readonly exceptAgents?: string
}

/** What Weir's own defaults are: nothing is asked for. */
export const ownDefaults: IngressDefaults = {}
