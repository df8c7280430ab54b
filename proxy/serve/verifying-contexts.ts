// With which contexts are clients asked for a certificate? Those of their hosts, and the authorities of a Secret.
//
// Invariant: no session is resumed: it would bring along a certificate that was verified for another host, or before it was revoked
// (CVE-2025-23419).
// Invariant: without authorities nobody is asked, and nobody comes in: routes are closed then.
import { constants } from 'node:crypto'
import type { TlsOptions } from 'node:tls'
import { readClientAuthorities } from '../../shared/client-authorities.ts'
import type { AssetData } from '../../shared/routing/filters/kind.ts'

interface OfSecret {
  readonly data: AssetData
  /** By the context without a question. */
  readonly contexts: WeakMap<TlsOptions, TlsOptions>
}

/** The contexts of one worker that verify clients. */
export class VerifyingContexts {
  readonly #secretOf: (name: string) => AssetData | undefined
  readonly #bySecret = new Map<string, OfSecret>()
  readonly #secrets = new WeakMap<TlsOptions, string>()

  /** `secretOf` finds the entries of a Secret by `namespace/name`. */
  constructor(secretOf: (name: string) => AssetData | undefined) {
    this.#secretOf = secretOf
  }

  /** Tells whether the Secret holds authorities. */
  canVerifyBy(secret: string): boolean {
    const data = this.#secretOf(secret)
    return data !== undefined && readClientAuthorities(data) !== undefined
  }

  /** Makes of a host's context the one that asks; the same object for the same context and version of the Secret. */
  asking(context: TlsOptions, secret: string): TlsOptions {
    const data = this.#secretOf(secret)
    const authorities = data && readClientAuthorities(data)
    if (data === undefined || authorities === undefined) return context
    let of = this.#bySecret.get(secret)
    if (of?.data !== data) {
      of = { data, contexts: new WeakMap() }
      this.#bySecret.set(secret, of)
    }
    const known = of.contexts.get(context)
    if (known !== undefined) return known
    const { ca, crl } = authorities
    const made: TlsOptions = {
      ...context,
      ca,
      ...(crl === undefined ? {} : { crl }),
      requestCert: true,
      // What a certificate is worth, the route says: by an answer that people can read.
      rejectUnauthorized: false,
      sessionIdContext: 'weir-clients',
      secureOptions: (context.secureOptions ?? 0) | constants.SSL_OP_NO_TICKET,
    }
    of.contexts.set(context, made)
    this.#secrets.set(made, secret)
    return made
  }

  /** The Secret by which a context verifies clients; undefined: it asks for nothing. */
  secretOf(context: TlsOptions): string | undefined {
    return this.#secrets.get(context)
  }
}
