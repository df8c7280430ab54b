// The admin port: what operators, Prometheus and the kubelet may read. GET and HEAD only: nothing here changes state.
//
//   /metrics   counters      /healthz   alive?      /readyz   serving?      /routes   the table; ?host=H, ?problems
//   /status    what the control socket tells: state, requests in flight, what is expected of the PROXY protocol
//
// Invariant: no request stops the program, blocks its event loop for long, or keeps a connection for ever.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ControlStatus, encodeControlLine } from '../../../shared/control-socket.ts'
import type { Log } from '../../../shared/log.ts'
import { type AdminRoutes, routesJson } from './routes-json.ts'

/** What the admin port shows. */
export interface AdminOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Gives the text for `/metrics`, in Prometheus's format and in pieces, so that many MB never exist at once. */
  readonly metrics: () => AsyncIterable<string>
  /** False answers `/healthz` with 503: only when nothing but a restart helps. */
  readonly isLive: () => boolean
  /** Says what keeps the proxy from being ready; undefined when nothing does. */
  readonly whyNotReady: () => string | undefined
  readonly routes: () => AdminRoutes
  readonly status: () => ControlStatus | Promise<ControlStatus>
  readonly log: Pick<Log, 'error'>
}

/** A running admin port. */
export interface Admin {
  /** Where it listens. */
  readonly address: AddressInfo
  /** Stops listening and ends all connections. */
  close(): Promise<void>
}

/** Starts the admin port; rejects when it cannot listen. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const server = createServer(limits, (request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      options.log.error({ error, path: request.url }, 'admin request failed')
      fail(response)
    })
  })
  server.maxConnections = 256
  // Cuts a reader that takes nothing of a long answer.
  server.setTimeout(30_000)
  server.listen({ host: options.host, port: options.port })
  await once(server, 'listening')
  return { address: addressOf(server), close: () => close(server) }
}

const limits = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 60_000,
  connectionsCheckingInterval: 1_000,
}

const textType = 'text/plain; charset=utf-8'
const jsonType = 'application/json; charset=utf-8'
const help =
  'Known here: /metrics, /healthz, /readyz, /status, /routes (?host=HOST for one host, ?problems for what is wrong).\n'

interface Page {
  readonly status: number
  readonly type: string
  /** Produced only as fast as the client reads. */
  readonly body: Iterable<string> | AsyncIterable<string>
}

async function answer(
  options: AdminOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('cache-control', 'no-store')
  response.setHeader('x-content-type-options', 'nosniff')
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    // The body, if any, is of no use: the connection ends with the answer.
    response.setHeader('connection', 'close')
    await send(response, text(405, 'Only GET and HEAD are served here.\n'))
    return
  }
  const page = pageFor(options, request.url ?? '/')
  if (request.method === 'HEAD') {
    response.writeHead(page.status, { 'content-type': page.type })
    response.end()
    return
  }
  await send(response, page)
}

function pageFor(options: AdminOptions, target: string): Page {
  const [path = '', query = ''] = target.split('?', 2)
  switch (path) {
    case '/metrics': {
      const type = 'text/plain; version=0.0.4; charset=utf-8'
      return { status: 200, type, body: options.metrics() }
    }
    case '/healthz':
      return options.isLive() ? text(200, 'ok\n') : text(503, 'not live\n')
    case '/readyz': {
      const why = options.whyNotReady()
      return why === undefined ? text(200, 'ok\n') : text(503, `not ready: ${why}\n`)
    }
    case '/status':
      return { status: 200, type: jsonType, body: statusJson(options) }
    case '/routes': {
      const wanted = new URLSearchParams(query)
      const host = wanted.get('host') ?? undefined
      const body = routesJson(options.routes(), { host, problemsOnly: wanted.has('problems') })
      return { status: 200, type: jsonType, body }
    }
    default:
      return text(404, help)
  }
}

async function* statusJson({ status }: AdminOptions) {
  yield encodeControlLine(await status())
}

function text(status: number, body: string): Page {
  return { status, type: textType, body: [body] }
}

/** Writes a page piece by piece, letting other work run in between, and stops when the client goes away. */
async function send(response: ServerResponse, page: Page): Promise<void> {
  // The head goes with the first piece: a page that cannot even begin becomes a 500.
  response.statusCode = page.status
  response.setHeader('content-type', page.type)
  const closed = new Promise<void>((resolve) => response.once('close', resolve))
  for await (const piece of page.body) {
    if (response.destroyed) return
    if (response.write(piece)) await new Promise((resolve) => setImmediate(resolve))
    else await Promise.race([closed, new Promise((resolve) => response.once('drain', resolve))])
  }
  response.end()
}

function fail(response: ServerResponse): void {
  // Half an answer can only be cut, so that nobody takes it for a whole one.
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(500, { 'content-type': textType })
  response.end('The admin port failed; the log says why.\n')
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

function addressOf(server: Server): AddressInfo {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not a TCP address')
  return address
}
