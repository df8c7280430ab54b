// What does an Ingress ask for where its annotations say nothing? What `--like` names, and the ConfigMap of `--config-map`.
//
// Invariant: plain data that compares by its contents: who reads Ingresses reads them again when it differs.
// What is absent is as it is without both options.
import type { Like } from '../../like.ts'
import type { Limits } from '../backend.ts'
import type { RedirectStatus } from '../filters/redirect.ts'
import type { ServingRules } from '../serving-rules.ts'

export interface IngressDefaults {
  /** `--like`: what that system does without being asked counts. */
  readonly like?: Like
  /** Why all routes are closed: a key that may protect them cannot be read. */
  readonly closed?: string
  readonly limits?: Limits
  /** Sends http to https where `spec.tls` covers the host; an annotation `ssl-redirect` then means the same. */
  readonly sslRedirect?: boolean
  /** Sends http to https everywhere. */
  readonly forceSslRedirect?: boolean
  readonly sslRedirectStatus?: RedirectStatus
  /** What counts for all requests, whatever route they take. */
  readonly serving?: ServingRules
  /** An allow list of annotations takes its place. */
  readonly allow?: readonly string[]
  /** A deny list of annotations takes its place. */
  readonly deny?: readonly string[]
}

/** What Weir's own defaults are: nothing is asked for. */
export const ownDefaults: IngressDefaults = {}
