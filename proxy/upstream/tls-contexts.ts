// With which certificates and rules are endpoints spoken to that speak TLS? One context for all connections of one kind.
//
// Invariant: a Secret or ConfigMap that is gone or cannot be read makes a context that trusts nobody: it is never as if none were asked for.
import { checkServerIdentity, createSecureContext } from 'node:tls'
import type { AssetData, AssetRef } from '../../shared/routing/filters/kind.ts'
import { idOfTls, type UpstreamTls } from '../../shared/routing/upstreams/upstream-tls.ts'
import type { TlsOptions } from '../net/open-socket.ts'

/** Finds the content of a Secret or ConfigMap. */
export type AssetOf = (ref: AssetRef) => AssetData | undefined

/** What a context is made of; undefined: it is not there. */
interface Contents {
  readonly pair: AssetData | undefined
  readonly authority: AssetData | undefined
}

const maxContexts = 256

/** The contexts of one worker. */
export class TlsContexts {
  readonly #assetOf: AssetOf
  readonly #known = new Map<string, { readonly contents: Contents; readonly options: TlsOptions }>()

  constructor(assetOf: AssetOf) {
    this.#assetOf = assetOf
  }

  /** Makes the options, or finds those that were made for the same versions of what they are made of. */
  optionsFor(tls: UpstreamTls): TlsOptions {
    const id = idOfTls(tls)
    const contents = this.#contentsOf(tls)
    const known = this.#known.get(id)
    const isSame =
      known?.contents.pair === contents.pair && known?.contents.authority === contents.authority
    if (known !== undefined && isSame) return known.options
    const options = optionsOf(tls, contents)
    if (this.#known.size >= maxContexts) this.#known.clear()
    this.#known.set(id, { contents, options })
    return options
  }

  #contentsOf({ secret, authority }: UpstreamTls): Contents {
    const pair = secret === undefined ? undefined : this.#assetOf({ kind: 'secret', name: secret })
    if (authority === undefined) return { pair, authority: pair }
    return { pair, authority: authority === 'known' ? undefined : this.#assetOf(authority) }
  }
}

function optionsOf(tls: UpstreamTls, contents: Contents): TlsOptions {
  const { verifies, name, sendsName } = tls
  try {
    if (isAnyMissing(tls, contents)) return trustNobody()
    return {
      secureContext: contextOf(tls, contents),
      rejectUnauthorized: verifies,
      ...(sendsName ? { servername: name } : {}),
      // Without a name that is sent Node would compare the address.
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    }
  } catch {
    return trustNobody()
  }
}

function isAnyMissing({ secret, authority }: UpstreamTls, contents: Contents): boolean {
  if (secret !== undefined && contents.pair === undefined) return true
  if (authority === undefined || authority === 'known') return false
  return contents.authority?.['ca.crt'] === undefined
}

/** Throws where the entries are no certificates, or the ciphers are none. */
function contextOf({ versions, ciphers }: UpstreamTls, { pair, authority }: Contents) {
  const { 'tls.crt': cert, 'tls.key': key } = pair ?? {}
  const ca = authority?.['ca.crt']
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
