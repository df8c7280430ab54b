// What people and probes may see: /metrics, /healthz, /readyz, /targets. Nothing here changes state.
//
// /readyz never turns back to 503 once the controller has started: the container shares its pod with a proxy, and
// an unready sidecar would take a healthy proxy out of service because AWS or the API server has a bad day.
import { createServer, type ServerResponse } from 'node:http'

export interface AdminOptions {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  readonly metrics: { readonly contentType: string; pieces(): AsyncIterable<string> }
  readonly isReady: () => boolean
  /** The document of /targets. */
  readonly targets: () => unknown
}

export interface AdminServer {
  readonly port: number
  close(): Promise<void>
}

/** Opens the admin port; rejects when it is taken. */
export function openAdmin(options: AdminOptions): Promise<AdminServer> {
  const limits = { maxHeaderSize: 8192, requestTimeout: 10_000, keepAliveTimeout: 5_000 }
  const server = createServer(limits, (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      sendText(response, 405, 'only GET and HEAD\n')
      return
    }
    const path = (request.url ?? '').split('?')[0] ?? ''
    switch (path) {
      case '/healthz':
        return sendText(response, 200, 'ok\n')
      case '/readyz':
        return options.isReady()
          ? sendText(response, 200, 'ok\n')
          : sendText(response, 503, 'not started\n')
      case '/targets':
        response.setHeader('content-type', 'application/json')
        response.end(`${JSON.stringify(options.targets(), undefined, 2)}\n`)
        return
      case '/metrics':
        return void sendMetrics(response, options.metrics)
      default:
        sendText(response, 404, 'see /metrics, /healthz, /readyz, /targets\n')
    }
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      const address = server.address()
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : options.port,
        close: () =>
          new Promise((done) => {
            server.close(() => done())
            server.closeAllConnections()
          }),
      })
    })
  })
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(text)
}

async function sendMetrics(
  response: ServerResponse,
  metrics: AdminOptions['metrics'],
): Promise<void> {
  try {
    let text = ''
    for await (const piece of metrics.pieces()) text += piece
    response.writeHead(200, { 'content-type': metrics.contentType }).end(text)
  } catch (error) {
    sendText(response, 500, `metrics cannot be rendered: ${String(error)}\n`)
  }
}
