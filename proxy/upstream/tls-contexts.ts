// With which certificates and rules are endpoints spoken to that speak TLS? One context for all connections of one kind.
//
// Invariant: a Secret that is gone or cannot be read makes a context that trusts nobody: it is never as if none were asked for.
import { checkServerIdentity, createSecureContext } from 'node:tls'
import type { AssetData } from '../../shared/routing/filters/kind.ts'
import { idOfTls, type UpstreamTls } from '../../shared/routing/upstreams/upstream-tls.ts'
import type { TlsOptions } from '../net/open-socket.ts'

/** Finds the content of a Secret by `namespace/name`. */
export type SecretOf = (name: string) => AssetData | undefined

const maxContexts = 256

/** The contexts of one worker. */
export class TlsContexts {
  readonly #secretOf: SecretOf
  readonly #known = new Map<string, { readonly data: AssetData | undefined; options: TlsOptions }>()

  constructor(secretOf: SecretOf) {
    this.#secretOf = secretOf
  }

  /** Makes the options, or finds those that were made for the same version of the Secret. */
  optionsFor(tls: UpstreamTls): TlsOptions {
    const id = idOfTls(tls)
    const data = tls.secret === undefined ? undefined : this.#secretOf(tls.secret)
    const known = this.#known.get(id)
    if (known !== undefined && known.data === data) return known.options
    const options = optionsOf(tls, data)
    if (this.#known.size >= maxContexts) this.#known.clear()
    this.#known.set(id, { data, options })
    return options
  }
}

function optionsOf(tls: UpstreamTls, data: AssetData | undefined): TlsOptions {
  const { verifies, name, sendsName } = tls
  try {
    if (tls.secret !== undefined && data === undefined) return trustNobody()
    return {
      secureContext: contextOf(tls, data),
      rejectUnauthorized: verifies,
      ...(sendsName ? { servername: name } : {}),
      // Without a name that is sent Node would compare the address.
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    }
  } catch {
    return trustNobody()
  }
}

/** Throws where the Secret holds no certificates, or the ciphers are none. */
function contextOf({ versions, ciphers }: UpstreamTls, data: AssetData | undefined) {
  const { 'ca.crt': ca, 'tls.crt': cert, 'tls.key': key } = data ?? {}
  return createSecureContext({
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(versions === undefined ? {} : { minVersion: versions[0], maxVersion: versions[1] }),
    ...(ciphers === undefined ? {} : { ciphers }),
  })
}

function trustNobody(): TlsOptions {
  return { secureContext: createSecureContext({ ca: [] }), rejectUnauthorized: true }
}
