// http-proxy-3 with a keep-alive agent. A peer of the bench only, never a part of Weir: test/http-proxy-3.test.ts
// shows why. The only file that imports it.
import http from 'node:http'
import { fileURLToPath } from 'node:url'
import { createProxyServer } from 'http-proxy-3'
import { freePort } from '../../test/support/programs.ts'
import { type Peer, startProgram } from './peer.ts'

const program = fileURLToPath(import.meta.url)

/** The npm proxy that Vite and JupyterHub use. */
export const httpProxy3: Peer = {
  name: 'http-proxy-3',
  missing: () => undefined,
  hasRoutes: false,
  start: async ({ upstreamPort }) => {
    const port = await freePort()
    return startProgram([process.execPath, program, `${port}`, `${upstreamPort}`], port, {})
  },
}

/** Makes a server that passes everything to one upstream port. */
export function createHttpProxy3(upstreamPort: number): http.Server {
  const proxy = createProxyServer({
    target: `http://127.0.0.1:${upstreamPort}`,
    agent: new http.Agent({ keepAlive: true, maxSockets: 128 }),
    xfwd: true,
  })
  proxy.on('error', (_error, _request, response) => response?.destroy())
  const server = http.createServer((request, response) => proxy.web(request, response))
  server.on('upgrade', (request, socket, head) => proxy.ws(request, socket, head))
  return server
}

if (import.meta.main) {
  createHttpProxy3(Number(process.argv[3])).listen(Number(process.argv[2]), '127.0.0.1')
}
