// Which certificate does a host show, in this worker?
//
//   exact host ─► wildcard ─► default certificate ─► the self-signed one
//
// Of the Secrets that are named for a host those count that are there, good today, and for this host: of each type of key (ECDSA,
// RSA) the first. Where none counts the default serves: other hosts are never touched.
// Invariant: a context is made once for the certificates that it holds, and again only when one of them is renewed.
import type { TlsOptions } from 'node:tls'
import { createBoundedCache } from '../../shared/bounded-cache.ts'
import { type Identity, readIdentity } from '../../shared/identity.ts'
import type { CertificateRef } from '../../shared/routing/certificates.ts'
import type { AssetData } from '../../shared/routing/filters/kind.ts'
import { intermediateCiphers } from '../../shared/tls-words.ts'
import { serverContext } from '../net/tls-context.ts'
import type { ProxySettings } from '../settings.ts'

/** The settings that certificates go by. */
export type CertificateSettings = Pick<
  ProxySettings,
  'tlsMinVersion' | 'tlsCiphers' | 'tlsGroups' | 'tlsUnknownHost' | 'defaultCertificate'
>

/** The name of the certificate that Weir makes for itself: no Secret can have it. */
export const selfSigned = ''

const maxContexts = 4096

/** The certificates of one worker. */
export class Certificates {
  readonly #settings: CertificateSettings
  readonly #wallNow: () => number
  readonly #refs = new Map<string, readonly CertificateRef[]>()
  readonly #data = new Map<string, AssetData>()
  /** What was read of the data, when it was first needed. */
  readonly #identities = new Map<string, Identity>()
  /** By the names of the Secrets that a context is made of. */
  readonly #contexts = createBoundedCache<string, TlsOptions>({ max: maxContexts })

  /** `wallNow` in ms. */
  constructor(settings: CertificateSettings, wallNow: () => number) {
    this.#settings = settings
    this.#wallNow = wallNow
  }

  /** Takes over which Secrets hosts name; an empty list: none any more. */
  setRefs(changed: ReadonlyMap<string, readonly CertificateRef[]>): void {
    for (const [host, refs] of changed) {
      if (refs.length === 0) this.#refs.delete(host)
      else this.#refs.set(host, refs)
    }
  }

  /** Takes over the content of a Secret; undefined: it is gone, or cannot be served. */
  setCertificate(name: string, data: AssetData | undefined): void {
    if (data === undefined) this.#data.delete(name)
    else this.#data.set(name, data)
    this.#identities.delete(name)
    for (const key of this.#contexts.keys()) {
      if (key.split(' ').includes(name)) this.#contexts.delete(key)
    }
  }

  /** Finds what a client gets that names `host` (lower case), or none. The same object while the certificates are the same. */
  contextOf(host: string | undefined): TlsOptions {
    const names = host === undefined ? [] : this.#namesFor(host)
    return this.#contextFor(names.length === 0 ? this.#defaultNames() : names)
  }

  /** Tells whether what a client gets that names `serverName` is for `host`, too, or as good as it gets for both: the default. */
  isShownFor(serverName: string, host: string): boolean {
    const shown = this.#namesFor(serverName)
    const isFor = (name: string) => this.#identityOf(name)?.covers(host) === true
    if (shown.length > 0) return shown.every(isFor)
    return this.#namesFor(host).length === 0 || this.#defaultNames().some(isFor)
  }

  get #defaultName(): string {
    const { defaultCertificate } = this.#settings
    return defaultCertificate === undefined
      ? selfSigned
      : `${defaultCertificate.namespace}/${defaultCertificate.name}`
  }

  #namesFor(host: string): readonly string[] {
    const refs = this.#refs.get(host) ?? this.#refs.get(`*${host.slice(host.indexOf('.'))}`) ?? []
    const now = this.#wallNow()
    const byKeyType = new Map<string, string>()
    for (const { secret } of refs) {
      const identity = this.#identityOf(secret)
      if (identity === undefined || byKeyType.has(identity.keyType)) continue
      const isGood = now >= identity.validFrom && now < identity.validTo
      if (isGood && identity.covers(host)) byKeyType.set(identity.keyType, secret)
    }
    return [...byKeyType.values()]
  }

  #contextFor(names: readonly string[]): TlsOptions {
    const key = names.join(' ')
    let context = this.#contexts.get(key)
    if (context === undefined) {
      const identities = names.flatMap((name) => this.#identityOf(name) ?? [])
      const { tlsMinVersion, tlsCiphers, tlsGroups } = this.#settings
      const ciphers = tlsCiphers ?? intermediateCiphers
      const rules = { minVersion: tlsMinVersion, ciphers, groups: tlsGroups }
      context = serverContext(rules, identities)
      this.#contexts.set(key, context)
    }
    return context
  }

  /** A default that has expired serves on: there is nothing better. None: every handshake fails. */
  #defaultNames(): readonly string[] {
    if (this.#settings.tlsUnknownHost === 'reject') return []
    const name = [this.#defaultName, selfSigned].find((name) => this.#data.has(name))
    return name === undefined ? [] : [name]
  }

  #identityOf(name: string): Identity | undefined {
    const known = this.#identities.get(name)
    if (known !== undefined) return known
    const data = this.#data.get(name)
    if (data === undefined) return undefined
    const reading = readIdentity(data)
    if (!reading.ok) return undefined
    this.#identities.set(name, reading.identity)
    return reading.identity
  }
}
