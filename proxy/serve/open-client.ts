// Who serves a connection that came in? Chosen once for each, by the protocol that it speaks.
import { connectionFacts } from '../http/forwarded.ts'
import { ClientConnection } from '../http1/client-connection.ts'
import type { AcceptedConnection } from '../net/accepted-connection.ts'
import type { ProxyHeader } from '../net/proxy-protocol.ts'
import { Exchange } from './exchange.ts'
import type { WorkerState } from './worker-state.ts'

/** Serves what comes on a connection to our port; `header` is the PROXY header in front of it. */
export function openClient(
  worker: WorkerState,
  accepted: AcceptedConnection,
  localPort: number,
  header: ProxyHeader | undefined,
): void {
  const connection = {
    peerAddress: accepted.socket.remoteAddress ?? '',
    localPort,
    isSecure: accepted.isSecure,
    proxySource: header?.source,
    proxyDestination: header?.destination,
  }
  const peer = connectionFacts(connection, worker.clientRules)
  const client = new ClientConnection(accepted, worker)
  const exchange = new Exchange(worker, client.stream, peer)
  worker.exchanges.add(exchange)
  client.serve(exchange)
}
