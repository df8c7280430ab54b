// The admin port of each program: what operators, Prometheus and the kubelet may read. /metrics, /healthz and /readyz are
// here; a program adds pages of its own. GET and HEAD only: nothing on a network port changes state.
//
// Invariant: no request stops the program, blocks its event loop for long, or keeps a connection for ever.
import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Log } from './log.ts'

// Not imported: an import reads every export, and with WebSocket and its kin Node loads its fetch and HTTP/2 (5 MB resident).
const { createServer } = process.getBuiltinModule('node:http')

/** What one path answers. */
export interface AdminPage {
  /** How the page is listed for whoever asks for an unknown path; the path unless the query says more. */
  readonly help: string
  readonly type: string
  /** Gives the text in pieces, so that many MB never exist at once; produced only as fast as the client reads. */
  readonly body: (query: URLSearchParams) => Iterable<string> | AsyncIterable<string>
}

/** What every program shows. */
export interface AdminBasics {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Gives the text for `/metrics`, in Prometheus's text format 0.0.4 and in pieces. */
  readonly metrics: () => AsyncIterable<string>
  /** False answers `/healthz` with 503: only when nothing but a restart helps. */
  readonly isLive: () => boolean
  /** Says what keeps the program from being ready (`/readyz` is 503 then); undefined when nothing does. */
  readonly whyNotReady: () => string | undefined
  readonly log: Pick<Log, 'error'>
}

/** That, and the pages of one program by path. */
export interface AdminServerOptions extends AdminBasics {
  readonly pages: ReadonlyMap<string, AdminPage>
}

/** A running admin port. */
export interface AdminServer {
  /** Where it listens. */
  readonly address: AddressInfo
  /** Stops listening and ends all connections. */
  close(): Promise<void>
}

/** Content type of JSON pages. */
export const jsonType = 'application/json; charset=utf-8'

/** Starts an admin port; rejects with the system's error when it cannot listen. */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
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
const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: Iterable<string> | AsyncIterable<string>
}

async function answer(
  options: AdminServerOptions,
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
  const found = answerFor(options, request.url ?? '/')
  if (request.method === 'HEAD') {
    response.writeHead(found.status, { 'content-type': found.type })
    response.end()
    return
  }
  await send(response, found)
}

function answerFor(options: AdminServerOptions, target: string): Answer {
  const [path = '', query = ''] = target.split('?', 2)
  switch (path) {
    case '/metrics':
      return { status: 200, type: metricsType, body: options.metrics() }
    case '/healthz':
      return options.isLive() ? text(200, 'ok\n') : text(503, 'not live\n')
    case '/readyz': {
      const why = options.whyNotReady()
      return why === undefined ? text(200, 'ok\n') : text(503, `not ready: ${why}\n`)
    }
    default: {
      const page = options.pages.get(path)
      if (page === undefined) return text(404, helpText(options.pages))
      return { status: 200, type: page.type, body: page.body(new URLSearchParams(query)) }
    }
  }
}

function helpText(pages: AdminServerOptions['pages']): string {
  const known = ['/metrics', '/healthz', '/readyz', ...[...pages.values()].map(({ help }) => help)]
  return `Known here: ${known.join(', ')}.\n`
}

function text(status: number, body: string): Answer {
  return { status, type: textType, body: [body] }
}

/** Writes an answer piece by piece, letting other work run in between, and stops when the client goes away. */
async function send(response: ServerResponse, { status, type, body }: Answer): Promise<void> {
  // The head goes with the first piece: a page that cannot even begin becomes a 500.
  response.statusCode = status
  response.setHeader('content-type', type)
  const closed = new Promise<void>((resolve) => response.once('close', resolve))
  for await (const piece of body) {
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
