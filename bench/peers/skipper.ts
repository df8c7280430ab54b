// Skipper with routes from a file; only where it is on the PATH.
import { findProgram, freePort } from '../../test/support/programs.ts'
import { hostNames, type Peer, type Setup, startProgram } from './peer.ts'

const routes = (setup: Setup) =>
  hostNames(setup)
    .map((name, index) => {
      const host = name.replaceAll('.', '[.]')
      return `r${index}: Host("^${host}(:[0-9]+)?$") -> "http://127.0.0.1:${setup.upstreamPort}";`
    })
    .join('\n')

/** Zalando's Skipper. */
export const skipper: Peer = {
  name: 'skipper',
  missing: () => (findProgram('skipper') === undefined ? 'not on the PATH' : undefined),
  hasRoutes: true,
  start: async (setup) => {
    const port = await freePort()
    const flags = ['-routes-file', 'FOLDER/routes.eskip', '-access-log-disabled']
    const run = ['skipper', '-address', `127.0.0.1:${port}`, '-support-listener', ':0', ...flags]
    return startProgram(['env', 'GOMAXPROCS=1', ...run], port, { 'routes.eskip': routes(setup) })
  },
}
