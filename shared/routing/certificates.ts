// Which Secret holds a certificate of a host, and who says so? Sources claim them for hosts; settled-certificates.ts brings the claims
// of one host into an order.
//
// Invariant: plain data that crosses threads. Only names of Secrets are here, never what they hold.
import type { Problem } from '../problem.ts'

/** A Secret with a certificate for a host, and who named it. */
export interface CertificateRef {
  /** `namespace/name`. */
  readonly secret: string
  readonly owner: Pick<Problem, 'kind' | 'namespace' | 'name'>
  /** Where its owner names it, such as `spec.tls[0].secretName`. */
  readonly field: string
  /** The owner does not say that it is for this host: it serves where it happens to be. */
  readonly isTried?: true
}

/** The wish that a host shows a certificate. */
export interface CertificateClaim {
  /** Exact or `*.a.test`; lower case. */
  readonly host: string
  readonly ref: CertificateRef
  /** creationTimestamp in ms, as of a Claim. */
  readonly createdAt: number
  readonly isLaterNameFirst?: true
  /** Its owner has no rule for the host. */
  readonly isWithoutRule?: true
}
