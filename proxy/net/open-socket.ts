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
  /** What is spoken on it; absent: HTTP/1.1. */
  readonly protocol?: 'h2'
}

const writableHighWaterMark = 131_072
let context: SecureContext | undefined

/**
 * Opens a connection; `onReady` is called when it may be written to, or `error` and `close` are emitted. `onread` says into
 * which memory it is read; without it, as whoever takes the socket over likes.
 */
export function openSocket(
  { address, port, serverName, tls, protocol }: SocketTarget,
  onread: OnReadOpts | undefined,
  onReady: () => void,
): Socket {
  const ALPNProtocols = [protocol ?? 'http/1.1']
  const options = {
    host: address,
    port,
    noDelay: true,
    // HTTP/2 knows no half of a connection.
    allowHalfOpen: protocol !== 'h2',
    writableHighWaterMark,
    ...(onread === undefined ? {} : { onread }),
  }
  if (tls !== undefined) {
    const secure = { ...options, ...tls, ALPNProtocols }
    return connectTls(secure).on('secureConnect', onReady)
  }
  if (serverName === undefined) return connect(options).on('connect', onReady)
  context ??= createSecureContext()
  return connectTls({
    ...options,
    secureContext: context,
    rejectUnauthorized: true,
    ALPNProtocols,
    // RFC 6066 §3: no addresses there; then the certificate must be for the address.
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
  }).on('secureConnect', onReady)
}
