// How does a client of a case speak TLS, and what does it see of the proxy's?
import { once } from 'node:events'
import { connect, type Socket, type TcpSocketConnectOpts } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import type { ClientTls } from './case.ts'
import type { Certificates } from './certificates.ts'

/** Where TLS is spoken, and with whose certificates. */
export interface ClientTlsContext {
  readonly port: number
  /** The case: its authorities are its own. */
  readonly scope: string
  readonly certificates: Certificates
}

/** What a client sees of a connection. */
export interface SeenTls {
  /** The proxy's own, in PEM. */
  readonly certificate: string
  /** `TLSv1.3`. */
  readonly version: string
  /** OpenSSL's name. */
  readonly cipher: string
}

/** Connects, and rejects when there is no TLS; `proxyProtocol` is a line that goes first. */
export async function openTls(
  { sni, client, minVersion, maxVersion, ciphers }: ClientTls,
  { port, scope, certificates }: ClientTlsContext,
  local: Pick<TcpSocketConnectOpts, 'localAddress'>,
  proxyProtocol: string | undefined,
  ALPNProtocols?: string[],
): Promise<TLSSocket> {
  const shown =
    client && (await certificates.get(scope, { hosts: [client.cn], cn: client.cn, ca: client.ca }))
  const wire = connect({ host: '127.0.0.1', port, ...local })
  await once(wire, 'connect')
  if (proxyProtocol !== undefined) wire.write(`${proxyProtocol}\r\n`)
  const socket = connectTls({
    socket: wire,
    // Whose certificate it is, the case looks at itself.
    rejectUnauthorized: false,
    ...(ALPNProtocols === undefined ? {} : { ALPNProtocols }),
    ...(sni === undefined ? {} : { servername: sni }),
    ...(shown === undefined ? {} : { cert: shown.cert, key: shown.key }),
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(maxVersion === undefined ? {} : { maxVersion }),
    ...(ciphers === undefined ? {} : { ciphers }),
  })
  await once(socket, 'secureConnect')
  return socket
}

/** What is seen of a connection; undefined without TLS. */
export function seenTlsOf(socket: Socket): SeenTls | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  const certificate = socket.getPeerX509Certificate()?.toString() ?? ''
  return {
    certificate,
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher().name,
  }
}
