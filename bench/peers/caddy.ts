// Caddy: one GOMAXPROCS, reverse_proxy with its defaults.
import { findProgram, freePort } from '../../test/support/programs.ts'
import { hostNames, type Peer, type Setup, startProgram } from './peer.ts'

const config = (port: number, setup: Setup) => `{
  admin off
  auto_https off
}
${hostNames(setup)
  .map((name) => `http://${name}:${port}`)
  .join(', ')} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${setup.upstreamPort} {
    header_up X-Real-IP {remote_host}
    transport http {
      keepalive_idle_conns_per_host 128
    }
  }
}
`

/** Caddy of the distribution. */
export const caddy: Peer = {
  name: 'caddy',
  missing: () => (findProgram('caddy') === undefined ? 'not on the PATH' : undefined),
  hasRoutes: true,
  start: async (setup) => {
    const port = await freePort()
    const run = ['caddy', 'run', '--config', 'FOLDER/Caddyfile', '--adapter', 'caddyfile']
    return startProgram(['env', 'GOMAXPROCS=1', ...run], port, { Caddyfile: config(port, setup) })
  },
}
