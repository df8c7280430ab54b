// The bare lane: node:http in front, undici behind, and nothing else. The floor that any proxy on these parts stands on.
import http from 'node:http'
import { pipeline } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { freePort } from '../../test/support/programs.ts'
import { type Peer, startProgram } from './peer.ts'

const program = fileURLToPath(import.meta.url)

/** node:http and undici without duties. */
export const bareLane: Peer = {
  name: 'node:http+undici',
  missing: () => undefined,
  hasRoutes: false,
  start: async ({ upstreamPort }) => {
    const port = await freePort()
    return startProgram([process.execPath, program, `${port}`, `${upstreamPort}`], port, {})
  },
}

// undici drops no hop-by-hop field by itself and refuses some of them.
const hopByHop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'host'])

function plainFields(fields: http.IncomingHttpHeaders): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {}
  for (const name in fields) {
    const value = fields[name]
    if (value !== undefined && (name === 'host' || !hopByHop.has(name))) kept[name] = value
  }
  return kept
}

function relay(pool: Pool, request: http.IncomingMessage, response: http.ServerResponse): void {
  const { headers, method = 'GET', url = '/' } = request
  const hasBody =
    headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
  pool.dispatch(
    // undici's own list of methods is closed; the bench sends GET and POST only.
    {
      path: url,
      method: method === 'POST' ? 'POST' : 'GET',
      headers: plainFields(headers),
      body: hasBody ? request : null,
    },
    {
      onRequestStart: () => {},
      onResponseStart: (controller, status, answered) => {
        response.writeHead(status, plainFields(answered))
        response.on('drain', () => controller.resume())
      },
      onResponseData: (controller, chunk) => {
        if (!response.write(chunk)) controller.pause()
      },
      onResponseEnd: () => {
        response.end()
      },
      onResponseError: () => {
        response.destroy()
      },
    },
  )
}

function serve(port: number, upstreamPort: number): void {
  const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { connections: 128, pipelining: 1 })
  const server = http.createServer((request, response) => relay(pool, request, response))
  server.on('upgrade', (request, socket) => {
    const upstream = http.request({
      port: upstreamPort,
      headers: request.headers,
      path: request.url,
    })
    upstream.on('upgrade', (_answer, tunnel) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      )
      pipeline(socket, tunnel, socket, () => {})
    })
    upstream.end()
  })
  server.listen(port, '127.0.0.1')
}

if (import.meta.main) serve(Number(process.argv[2]), Number(process.argv[3]))
