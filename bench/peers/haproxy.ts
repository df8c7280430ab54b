// HAProxy: one thread, keep-alive both sides, hosts in a map file.
import { findProgram, freePort } from '../../test/support/programs.ts'
import { hostNames, type Peer, type Setup, startProgram } from './peer.ts'

const config = (port: number, setup: Setup) => `global
  nbthread 1
  maxconn 9000
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  timeout http-keep-alive 75s
frontend f
  bind 127.0.0.1:${port} backlog 4096
  option forwardfor
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  unique-id-format %{+X}o%ci%cp%fi%fp%Ts%rt%pid
  unique-id-header X-Request-Id
  use_backend %[req.hdr(host),field(1,:),lower,map(FOLDER_MAP,none)]
backend none
  http-request return status 404
backend up
  server s 127.0.0.1:${setup.upstreamPort}
`

/** HAProxy of the distribution. */
export const haproxy: Peer = {
  name: 'haproxy',
  missing: () => (findProgram('haproxy') === undefined ? 'not on the PATH' : undefined),
  hasRoutes: true,
  start: async (setup) => {
    const port = await freePort()
    const map = hostNames(setup)
      .map((name) => `${name} up`)
      .join('\n')
    const files = {
      // HAProxy resolves a relative map file against its working folder, given by -C.
      'haproxy.cfg': config(port, setup).replace('FOLDER_MAP', 'hosts.map'),
      'hosts.map': `${map}\n`,
    }
    return startProgram(['haproxy', '-db', '-C', 'FOLDER', '-f', 'haproxy.cfg'], port, files)
  },
}
