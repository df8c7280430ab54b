// How is a connection to an endpoint opened: plain, or with TLS where the endpoint has a name to prove?
//
// Invariant: with TLS to a name nothing is sent before the certificate is verified: issued by somebody whom Node trusts (its own roots and
// NODE_EXTRA_CA_CERTS), valid now, and for that name (RFC 9110 §4.3.4).
import { connect, isIP, type OnReadOpts, type Socket } from 'node:net'
import {
  type ConnectionOptions,
  connect as connectTls,
  createSecureContext,
  type SecureContext,
} from 'node:tls'

/** By which rules TLS is spoken. */
export type TlsOptions = Pick<
  ConnectionOptions,
  'secureContext' | 'rejectUnauthorized' | 'servername' | 'checkServerIdentity'
>

/** Where to. */
export interface SocketTarget {
  readonly address: string
  readonly port: number
  /** Speaks TLS; the certificate must be for this DNS name or address. Absent: plain. */
  readonly serverName?: string
  /** Speaks TLS by these rules instead. */
  readonly tls?: TlsOptions
}

const writableHighWaterMark = 131_072
let context: SecureContext | undefined

/** Opens a connection; `onReady` is called when it may be written to, or `error` and `close` are emitted. */
export function openSocket(
  { address, port, serverName, tls }: SocketTarget,
  onread: OnReadOpts,
  onReady: () => void,
): Socket {
  const options = {
    host: address,
    port,
    noDelay: true,
    allowHalfOpen: true,
    writableHighWaterMark,
    onread,
  }
  if (tls !== undefined) {
    const secure = { ...options, ...tls, ALPNProtocols: ['http/1.1'] }
    return connectTls(secure).on('secureConnect', onReady)
  }
  if (serverName === undefined) return connect(options).on('connect', onReady)
  context ??= createSecureContext()
  return connectTls({
    ...options,
    secureContext: context,
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
    // RFC 6066 §3: no addresses there; then the certificate must be for the address.
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
  }).on('secureConnect', onReady)
}
