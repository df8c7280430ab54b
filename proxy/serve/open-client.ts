// Who serves a connection that came in? Chosen once for each, by the protocol that it speaks.
import { connectionFacts, type TlsFacts } from '../http/forwarded.ts'
import type { ClientStream } from '../http/stream.ts'
import { ClientConnection } from '../http1/client-connection.ts'
import { ClientSession } from '../http2/client-session.ts'
import { PrefaceGate } from '../http2/preface-gate.ts'
import type { AcceptedConnection } from '../net/accepted-connection.ts'
import type { ProxyHeader } from '../net/proxy-protocol.ts'
import { Exchange } from './exchange.ts'
import type { WorkerState } from './worker-state.ts'

const noBytes = Buffer.alloc(0)

/** Serves what comes on a connection to our port; `header` is the PROXY header in front of it, `tls` what TLS says of it. */
export function openClient(
  worker: WorkerState,
  accepted: AcceptedConnection,
  localPort: number,
  header: ProxyHeader | undefined,
  tls?: TlsFacts,
): void {
  const connection = {
    peerAddress: accepted.socket.remoteAddress ?? '',
    localPort,
    isSecure: accepted.isSecure,
    tls,
    proxySource: header?.source,
    proxyDestination: header?.destination,
  }
  const peer = connectionFacts(connection, worker.clientRules)
  const serve = (stream: ClientStream): Exchange => {
    const exchange = new Exchange(worker, stream, peer)
    worker.exchanges.add(exchange)
    return exchange
  }
  const serveHttp1 = () => {
    const client = new ClientConnection(accepted, worker)
    client.serve(serve(client.stream))
  }
  const serveHttp2 = (early: Buffer) =>
    void new ClientSession(accepted.socket, early, worker, serve)
  // RFC 9113 §3.2: over TLS it is agreed before the first byte, and nothing else may be spoken then.
  if (accepted.protocol === 'h2') serveHttp2(noBytes)
  else if (worker.allowsH2c && !accepted.isSecure)
    new PrefaceGate(accepted, worker, serveHttp1, serveHttp2)
  else serveHttp1()
}
