// How are the endpoints of an Ingress spoken to, where its annotations say so?
import type { UpstreamTlsFilter } from '../../filters/upstream-tls.ts'
import type { BackendName } from '../../upstreams/backend-ref.ts'
import type { AuthorityRef, UpstreamTls } from '../../upstreams/upstream-tls.ts'

/** What an Ingress says of TLS to its endpoints. */
export interface UpstreamTlsDraft {
  readonly isHttps: boolean
  /** By Weir's own keys. */
  readonly isOwn?: true
  /** Of `proxy-ssl-secret`: without it nothing else counts (ingress-nginx). */
  readonly secret?: string
  readonly authority?: AuthorityRef | 'known'
  readonly verifies?: boolean
  readonly name?: string
  readonly sendsName?: boolean
  readonly versions?: UpstreamTls['versions']
  readonly ciphers?: string
}

/** Makes what the endpoints of a Service are spoken to with; undefined: without TLS of its own rules. */
export function upstreamTlsOf(
  draft: UpstreamTlsDraft | undefined,
  { service, namespace }: BackendName,
): UpstreamTls | undefined {
  if (draft?.isHttps !== true) return undefined
  const { secret, authority, verifies = false, name, sendsName = false } = draft
  const { versions, ciphers } = draft
  return {
    ...(secret === undefined ? {} : { secret }),
    ...(authority === undefined ? {} : { authority }),
    verifies,
    // A name that nobody looks at must not keep connections apart.
    name: verifies || sendsName ? (name ?? `${service}.${namespace}.svc`) : '',
    sendsName,
    ...(versions === undefined ? {} : { versions }),
    ...(ciphers === undefined ? {} : { ciphers }),
  }
}

/** Waits for what it is made of, where that is anything. */
export function upstreamTlsFilter(
  draft: UpstreamTlsDraft | undefined,
): UpstreamTlsFilter | undefined {
  if (draft?.isHttps !== true) return undefined
  const { secret, authority, verifies = false } = draft
  const isNamed = authority !== undefined && authority !== 'known'
  if (secret === undefined && !isNamed) return undefined
  return {
    kind: 'upstream-tls',
    ...(secret === undefined ? {} : { secret }),
    ...(isNamed ? { authority } : {}),
    verifies,
  }
}
