// The demo's own upstreams: small servers on loopback, one per Service of deploy/demo/services.yaml.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { serveEcho } from './websocket-echo.ts'

/** One upstream that runs. */
export interface DemoUpstream {
  readonly service: string
  /** The port that the manifests name. */
  readonly wantedPort: number
  /** The port in use: another one when something else has the wanted port. */
  readonly port: number
}

const address = '127.0.0.1'

const upstreams: readonly { service: string; wantedPort: number; create: () => Server }[] = [
  { service: 'web', wantedPort: 18_080, create: () => createServer(greet('web')) },
  { service: 'cart', wantedPort: 18_081, create: () => createServer(greet('cart')) },
  { service: 'api', wantedPort: 18_082, create: () => createServer(describe) },
  { service: 'clock', wantedPort: 18_083, create: () => createServer(tellTime) },
  { service: 'echo', wantedPort: 18_084, create: createEcho },
]

/** Starts all upstreams, each on its port of the manifests where that is free. They end with the process. */
export function startUpstreams(): Promise<DemoUpstream[]> {
  return Promise.all(
    upstreams.map(async ({ service, wantedPort, create }) => {
      const server = create()
      const isWanted = await listen(server, wantedPort)
      if (!isWanted) await listen(server, 0)
      const bound = server.address()
      const port = typeof bound === 'object' && bound !== null ? bound.port : wantedPort
      return { service, wantedPort, port }
    }),
  )
}

async function listen(server: Server, port: number): Promise<boolean> {
  const listening = once(server, 'listening')
  server.listen(port, address)
  try {
    await listening
    return true
  } catch (error) {
    // A port that others hold, or that this system keeps to itself, is no reason to give up on the demo.
    if (port === 0) throw error
    return false
  }
}

/** Answers with one line that says who answered what. */
function greet(service: string) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    request.resume()
    response.setHeader('content-type', 'text/plain; charset=utf-8')
    response.end(
      `Hello from ${service}: ${request.method} ${request.url} for ${request.headers.host}\n`,
    )
  }
}

/** Shows a request as it arrives behind the proxy, forwarded fields and all. */
function describe(request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  response.setHeader('content-type', 'application/json')
  const { method, url, headers } = request
  response.end(`${JSON.stringify({ service: 'api', method, url, headers }, null, 2)}\n`)
}

/** Sends the time once a second as server-sent events; `?events=N` ends the stream after N. */
function tellTime(request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  const { searchParams } = new URL(request.url ?? '/', 'http://clock')
  const wanted = Number(searchParams.get('events') ?? Number.POSITIVE_INFINITY)
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  let sent = 0
  const tick = () => {
    sent += 1
    response.write(`id: ${sent}\ndata: ${new Date().toISOString()}\n\n`)
    if (sent >= wanted) response.end()
  }
  const timer = setInterval(tick, 1000)
  response.on('close', () => clearInterval(timer))
  tick()
}

function createEcho(): Server {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(426, { upgrade: 'websocket', connection: 'upgrade' })
    response.end('This is a WebSocket echo.\n')
  })
  return server.on('upgrade', serveEcho)
}
