// Traefik with its file provider; only where it is on the PATH.
import { findProgram, freePort } from '../../test/support/programs.ts'
import { hostNames, type Peer, type Setup, startProgram } from './peer.ts'

function dynamic(setup: Setup): string {
  const routers = hostNames(setup).map((name, index) => [
    `r${index}`,
    { rule: `Host(\`${name}\`)`, service: 'up' },
  ])
  const servers = [{ url: `http://127.0.0.1:${setup.upstreamPort}` }]
  return JSON.stringify({
    http: { routers: Object.fromEntries(routers), services: { up: { loadBalancer: { servers } } } },
  })
}

/** Traefik 3. */
export const traefik: Peer = {
  name: 'traefik',
  missing: () => (findProgram('traefik') === undefined ? 'not on the PATH' : undefined),
  hasRoutes: true,
  start: async (setup) => {
    const port = await freePort()
    const flags = [
      `--entrypoints.web.address=127.0.0.1:${port}`,
      '--providers.file.filename=FOLDER/routes.yaml',
    ]
    const files = { 'routes.yaml': dynamic(setup) }
    return startProgram(['env', 'GOMAXPROCS=1', 'traefik', ...flags], port, files)
  },
}
