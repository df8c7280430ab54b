// What is wrong with one object that somebody wrote, in words its owner can act on.
// A problem never stops anything else: it is logged once per change, counted, and listed at /routes?problems.

/** The stable names of what can be wrong: the label of `weir_route_problems{reason}`. */
export type ProblemReason =
  | 'invalid-object'
  | 'invalid-host'
  | 'invalid-path'
  | 'invalid-backend'
  | 'unsupported-backend'
  | 'service-missing'
  | 'port-missing'
  | 'external-name-refused'
  | 'external-name-unresolved'
  | 'auth-url-refused'
  | 'backend-url-refused'
  | 'invalid-eskip'
  | 'ignored-filter'
  | 'conflict'
  | 'unknown-annotation'
  | 'invalid-annotation'
  | 'unknown-config-key'
  | 'invalid-config-key'
  | 'unreadable-file'
  | 'unread-kind'
  | 'missing-permission'
  | 'asset-missing'
  | 'asset-unusable'
  | 'certificate-missing'
  | 'certificate-unusable'
  | 'certificate-expired'
  | 'left-out'
  | 'filter-closed'

/** One finding about one object. */
export interface Problem {
  readonly reason: ProblemReason
  /** Kubernetes kind, or `File` for a manifest that cannot be read. */
  readonly kind: string
  /** Empty for cluster-wide objects and files. */
  readonly namespace: string
  /** Object name, or the file's path. */
  readonly name: string
  /** JSON path of the field, such as `spec.rules[0].http.paths[1].backend`; empty when it is the whole object. */
  readonly field: string
  /** What is wrong, one sentence. */
  readonly message: string
  /** What to do about it, one sentence. */
  readonly remedy: string
}
