// How are the endpoints of a Service spoken to when they speak TLS? What an Ingress says of it, as plain data.
//
// Invariant: two ways of one Service are two upstreams: they share no connection, as one of them may have proved more.
/** Whose entry `ca.crt` holds authorities: `namespace/name` of a Secret or ConfigMap. */
export interface AuthorityRef {
  readonly kind: 'secret' | 'config-map'
  readonly name: string
}

/** TLS to the endpoints of an upstream. */
export interface UpstreamTls {
  /** `namespace/name` of a Secret: `tls.crt` and `tls.key` are shown to endpoints. */
  readonly secret?: string
  /** What they are verified by: `known` to Node, or there; absent: `ca.crt` of `secret`. */
  readonly authority?: AuthorityRef | 'known'
  /** The certificate must be issued by such an authority and be for `name`. Else nothing is verified. */
  readonly verifies: boolean
  /** DNS name that the certificate must have, and that is sent (RFC 6066 §3) where `sendsName`. */
  readonly name: string
  readonly sendsName: boolean
  /** Names of Node's `minVersion` and `maxVersion`; absent: TLS 1.2 and 1.3. */
  readonly versions?: readonly [min: TlsVersion, max: TlsVersion]
  /** A list in OpenSSL's words; absent: Node's. */
  readonly ciphers?: string
}

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'

/** Tells apart what shares no connection. */
export function idOfTls(tls: UpstreamTls): string {
  const { secret, authority, verifies, name, sendsName, versions, ciphers } = tls
  const words = [
    'https',
    secret && `secret=${secret}`,
    verifies ? 'verified' : undefined,
    authority === undefined || authority === 'known'
      ? authority
      : `${authority.kind}=${authority.name}`,
    verifies || sendsName ? `name=${name}` : undefined,
    sendsName ? 'sni' : undefined,
    versions?.join('-'),
    ciphers && `ciphers=${ciphers}`,
  ]
  return words.filter((word) => word !== undefined).join(' ')
}
