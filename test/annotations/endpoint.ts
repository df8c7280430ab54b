// One endpoint of a case: listens, keeps what arrives, answers as told; or refuses, resets, says nothing.
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import net from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import { type Blackhole, startBlackhole } from '../support/blackhole.ts'
import type { Answer, State } from './case.ts'
import { answerCall, type Call, createGrpcServer } from './grpc-server.ts'

/** What a TLS endpoint shows, and whom it lets in. */
export interface ServerTls {
  readonly key: string
  readonly cert: string
  /** Only clients with a certificate of this authority are let in. */
  readonly clientCa?: string
}

/** A request as it arrived at an endpoint. */
export interface Seen {
  /** Counts over all endpoints, in the order of arrival. */
  readonly number: number
  readonly service: string
  /** `address:port`. */
  readonly place: string
  /** Counts over all connections to all endpoints. */
  readonly connection: number
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly host: string
  /** `HTTP/1.1`. */
  readonly protocol: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** The values of a header, in order. */
  values(name: string): readonly string[]
  /** When the head came, by performance.now(). */
  readonly at: number
  /** The first 64 KiB as latin1. */
  body: string
  bodyBytes: number
  /** Undefined without TLS. */
  readonly tls:
    | { readonly client: string | undefined; readonly sni: string | undefined }
    | undefined
}

/** What an endpoint is made of. */
export interface EndpointOptions {
  readonly service: string
  readonly place: string
  /** The scripted answer to a request; undefined: an echo. */
  readonly find: (request: Seen) => Answer | undefined
  readonly tls?: ServerTls
  /** Speaks gRPC, over HTTP/2. */
  readonly isGrpc: boolean
}

type NotedFacts = Pick<Seen, 'method' | 'path' | 'host' | 'protocol' | 'connection' | 'tls'> & {
  /** Name, value, name, value. */
  readonly rawHeaders: readonly string[]
}

// Who closes a connection between two requests is the proxy, never the endpoint.
const patience = { keepAliveTimeout: 600_000 }
const bodyCap = 65_536
let requestCount = 0
let connectionCount = 0

/** One address and port of a Service. */
export class Endpoint {
  readonly service: string
  readonly place: string
  readonly seen: Seen[] = []
  readonly #options: EndpointOptions
  readonly #sockets = new Map<net.Socket, number>()
  #server: net.Server | undefined
  #blackhole: Blackhole | undefined

  constructor(options: EndpointOptions) {
    this.service = options.service
    this.place = options.place
    this.#options = options
  }

  /** Leaves the state before and takes on this one. */
  async set(state: State): Promise<void> {
    await this.#leave()
    const colon = this.place.lastIndexOf(':')
    const [address, port] = [this.place.slice(0, colon), Number(this.place.slice(colon + 1))]
    if (state === 'refused') return
    if (state === 'blackhole') {
      this.#blackhole = await startBlackhole(address, port)
      return
    }
    const server = this.#serverOf(state)
    this.#server = server
    server.listen(port, address)
    await once(server, 'listening')
  }

  #serverOf(state: 'up' | 'silent' | 'reset'): net.Server {
    if (state === 'reset') return net.createServer((socket) => socket.resetAndDestroy())
    if (state === 'silent') return net.createServer((socket) => this.#keep(socket))
    if (this.#options.isGrpc) {
      return createGrpcServer(this.#options.tls, (call) => void this.#answerCall(call))
        .on('connection', (socket) => this.#keep(socket))
        .on('secureConnection', (socket) => this.#keep(socket))
    }
    const answer: RequestListener = (request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    }
    const { tls } = this.#options
    if (tls === undefined)
      return createServer(patience, answer).on('connection', (s) => this.#keep(s))
    const { key, cert, clientCa } = tls
    const strict = { ca: clientCa, requestCert: true, rejectUnauthorized: true }
    const certificate = { ...patience, key, cert }
    const options = clientCa === undefined ? certificate : { ...certificate, ...strict }
    return createTlsServer(options, answer)
      .on('connection', (s) => this.#keep(s))
      .on('secureConnection', (s) => this.#keep(s))
  }

  #keep(socket: net.Socket): void {
    connectionCount += 1
    this.#sockets.set(socket, connectionCount)
    socket.on('error', () => undefined)
    socket.on('close', () => this.#sockets.delete(socket))
  }

  async #leave(): Promise<void> {
    await this.#blackhole?.close()
    this.#blackhole = undefined
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    server.close()
    for (const socket of this.#sockets.keys()) socket.destroy()
    await once(server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = this.#see(request)
    this.seen.push(seen)
    await readBody(request, seen)
    const answer = this.#options.find(seen) ?? {}
    if (answer.delayMs !== undefined) await delay(answer.delayMs)
    if (response.destroyed) return
    const { status = 200, headers = {}, body = echo(seen), bodyBytes } = answer
    const bytes = bodyBytes === undefined ? Buffer.from(body) : Buffer.alloc(bodyBytes, 'x')
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    response.setHeader('X-Backend', this.service)
    response.setHeader('X-Endpoint', this.place)
    response.setHeader('X-Sight', seen.number)
    response.statusCode = status
    response.setHeader('Content-Length', bytes.length)
    response.end(bytes)
  }

  async #answerCall(call: Call): Promise<void> {
    const { list, stream } = call
    const first = (name: string) => list[list.indexOf(name) + 1] ?? ''
    const socket = stream.session?.socket
    const seen = this.#note({
      method: first(':method'),
      path: first(':path'),
      host: first(':authority'),
      protocol: 'HTTP/2',
      rawHeaders: list.slice(8),
      connection: 0,
      tls: socket instanceof TLSSocket ? tlsFacts(socket) : undefined,
    })
    this.seen.push(seen)
    stream.on('data', (bytes: Buffer) => {
      seen.bodyBytes += bytes.length
    })
    await once(stream, 'end')
    const answer = this.#options.find(seen) ?? {}
    if (answer.delayMs !== undefined) await delay(answer.delayMs)
    if (stream.destroyed) return
    const own = ['x-backend', this.service, 'x-endpoint', this.place]
    answerCall(call, answer, [...own, 'x-sight', `${seen.number}`])
  }

  #see(request: IncomingMessage): Seen {
    const { method = '', url: path = '', rawHeaders, httpVersion, socket } = request
    const { host = '' } = request.headers
    return this.#note({
      method,
      path,
      host,
      protocol: `HTTP/${httpVersion}`,
      rawHeaders,
      connection: this.#sockets.get(socket) ?? 0,
      tls: socket instanceof TLSSocket ? tlsFacts(socket) : undefined,
    })
  }

  #note({ rawHeaders, ...facts }: NotedFacts): Seen {
    const headers = rawHeaders.flatMap((name, at) =>
      at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ''] as const] : [],
    )
    requestCount += 1
    const values = (name: string) =>
      headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
    return {
      number: requestCount,
      service: this.service,
      place: this.place,
      ...facts,
      headers,
      values,
      at: performance.now(),
      body: '',
      bodyBytes: 0,
    }
  }
}

async function readBody(request: IncomingMessage, seen: Seen): Promise<void> {
  request.on('data', (bytes: Buffer) => {
    seen.bodyBytes += bytes.length
    if (seen.body.length < bodyCap) seen.body += bytes.toString('latin1')
  })
  await once(request, 'end')
}

function tlsFacts(socket: TLSSocket): NonNullable<Seen['tls']> {
  // Without a certificate of the client Node gives an empty object.
  const subject: { readonly CN?: string | string[] } | undefined =
    socket.getPeerCertificate().subject
  const cn = subject?.CN
  const { servername } = socket
  return {
    client: typeof cn === 'string' ? cn : undefined,
    sni: typeof servername === 'string' && servername !== '' ? servername : undefined,
  }
}

function echo({ method, path, host, headers }: Seen): string {
  return JSON.stringify({ method, path, host, headers })
}
