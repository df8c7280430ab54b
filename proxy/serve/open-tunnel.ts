// After a 101: how are the two streams of an exchange joined?
import type { ClientStream } from '../http/stream.ts'
import { Tunnel } from '../http/tunnel.ts'
import type { Attempt } from './attempt.ts'
import type { WorkerState } from './worker-state.ts'

/** Joins a client and what an attempt has connected; `onFinished` is called once, when both are closed. */
export function openTunnel(
  client: ClientStream,
  attempt: Attempt,
  { time, limits, tunnels }: WorkerState,
  onFinished: (tunnel: Tunnel) => void,
): void {
  const upstream = attempt.connected
  client.flush()
  const tunnel = new Tunnel(
    client.tunnelSide,
    upstream.tunnelSide,
    time,
    limits.tunnelIdleTimeoutMs,
    () => {
      tunnels.delete(tunnel)
      onFinished(tunnel)
    },
  )
  tunnels.add(tunnel)
  upstream.startTunnel(tunnel.upstreamEnd)
  client.startTunnel(tunnel.clientEnd)
}
