// What do the endpoints of a Service speak? The Ingress says so, or the port of the Service does by its appProtocol.
//
//   Ingress (`backend-protocol`) ─► else appProtocol of the port ─► else HTTP/1.1 in clear
//
// Invariant: TLS that only appProtocol asks for is verified, for the DNS name of the Service: nobody asked for less.
import type { UpstreamTls } from './upstream-tls.ts'

/** HTTP/1.1 in clear and over TLS, HTTP/2 in clear (by prior knowledge) and over TLS. */
export type UpstreamProtocol = 'http' | 'https' | 'h2c' | 'h2'

/** KEP-3726's names, IANA's, and what Istio and others wrote before there were any. */
const appProtocols: Readonly<Record<string, UpstreamProtocol>> = {
  http: 'http',
  https: 'https',
  'kubernetes.io/h2c': 'h2c',
  'kubernetes.io/ws': 'http',
  'kubernetes.io/wss': 'https',
  ws: 'http',
  wss: 'https',
  h2c: 'h2c',
  http2: 'h2c',
  grpc: 'h2c',
  grpcs: 'h2',
}

/** Reads `appProtocol` of a Service port; undefined: it says nothing about HTTP. */
export function protocolOfPort(appProtocol: string): UpstreamProtocol | undefined {
  const name = appProtocol.toLowerCase()
  return Object.hasOwn(appProtocols, name) ? appProtocols[name] : undefined
}

/** What an Ingress says about how endpoints are spoken to. */
export interface SpokenAs {
  /** Over TLS by these rules. */
  readonly tls?: UpstreamTls
  /** Absent: HTTP/1.1 where there is `tls`, else what the port of the Service says. */
  readonly protocol?: UpstreamProtocol
}

/** How an endpoint is spoken to (its fields in ../table.ts). */
export interface Speech {
  readonly tls?: UpstreamTls
  readonly serverName?: string
  readonly protocol?: 'h2'
}

/** Says how the endpoints of a backend are spoken to; `host` is whom they must prove to be. */
export function speechOf(
  { protocol, tls }: SpokenAs,
  ofPort: UpstreamProtocol | undefined,
  host: string,
): Speech {
  const spoken = protocol ?? (tls === undefined ? ofPort : undefined)
  const isHttp2 = spoken === 'h2c' || spoken === 'h2'
  const isVerified = tls === undefined && (spoken === 'https' || spoken === 'h2')
  return {
    ...(tls === undefined ? {} : { tls }),
    ...(isVerified ? { serverName: host } : {}),
    ...(isHttp2 ? { protocol: 'h2' } : {}),
  }
}
