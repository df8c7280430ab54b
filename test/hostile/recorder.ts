// What reached the upstreams? A raw TCP recorder: it stores every byte per upstream connection, reads it with the
// strict reader and echoes each request as JSON, or plays a case's `backendSends` to the first request for a
// scripted target. One port per service, so that the proxy's choice of route is seen too.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import type { Part, Segmentation } from './cases.ts'
import { listOf, type Message, valuesOf } from './grammar.ts'
import { playParts } from './play.ts'
import { StrictReader } from './strict.ts'

export const services = ['echo', 'public', 'admin', 'b', 'secret'] as const
export type Service = (typeof services)[number]

/** One connection from the proxy. */
export interface UpstreamConnection {
  readonly id: number
  readonly service: Service
  /** Latin1, the first 256 KiB. */
  bytes: string
  readonly reader: StrictReader
  closed: boolean
}

/** One request at an upstream. */
export interface SeenRequest {
  readonly message: Message
  readonly connection: UpstreamConnection
  /** True when the case's script answered it. */
  readonly scripted: boolean
  /** Requests that came on this connection before it. */
  readonly before: number
}

/** What the recorder plays to the first request for /r or /ws. */
export interface Script {
  readonly parts: readonly Part[]
  readonly segmentation: Segmentation
}

/** What an innocent client asks for: never part of a case. */
export const innocentPrefix = '/innocent-'

const rawCap = 262_144
const bigBytes = 10 * 1024 * 1024

/** Writes JSON in ASCII only, so that latin1 survives any reader. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\x7f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

export class Recorder {
  /** Multiplies every pause: LIMIT cases speak of minutes. */
  readonly #timeScale: number
  readonly #servers: net.Server[] = []
  readonly #live = new Set<net.Socket>()
  readonly #ports = new Map<Service, number>()
  readonly connections: UpstreamConnection[] = []
  requests: SeenRequest[] = []
  #script: Script | undefined
  /** When the script's last step was played, by performance.now(); 0 before. */
  scriptEndedAt = 0
  #closing = false

  constructor(timeScale: number) {
    this.#timeScale = timeScale
  }

  async start(): Promise<ReadonlyMap<Service, number>> {
    for (const service of services) {
      const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
        this.#accept(service, socket),
      )
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('no port')
      this.#ports.set(service, address.port)
      this.#servers.push(server)
    }
    return this.#ports
  }

  get openConnections(): number {
    return this.#live.size
  }

  /** Forgets what was seen and sets what the next scripted request gets. */
  begin(script: Script | undefined): void {
    this.requests = []
    this.#script = script
    this.scriptEndedAt = 0
    const open = this.connections.filter((connection) => !connection.closed)
    this.connections.length = 0
    this.connections.push(...open)
  }

  async stop(): Promise<void> {
    this.#closing = true
    for (const socket of this.#live) socket.destroy()
    await Promise.all(this.#servers.map(closeServer))
  }

  #nextConnectionId = 1

  #accept(service: Service, socket: net.Socket): void {
    const reader = new StrictReader('request')
    const connection: UpstreamConnection = {
      id: this.#nextConnectionId++,
      service,
      bytes: '',
      reader,
      closed: false,
    }
    this.connections.push(connection)
    this.#live.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      connection.closed = true
      this.#live.delete(socket)
    })
    socket.on('end', () => {
      connection.closed = true
      socket.end()
    })
    // Answers leave in the order of the requests, as a server's must.
    let turn: Promise<void> = Promise.resolve()
    reader.onHead = (message) => {
      const target = message.target
      const scripted = this.#script !== undefined && (target === '/r' || target === '/ws')
      const script = scripted ? this.#script : undefined
      if (scripted) this.#script = undefined
      this.requests.push({ message, connection, scripted, before: reader.messages.length - 1 })
      turn = turn.then(() => this.#answer(socket, connection, message, script))
      if (scripted && target === '/ws') reader.becomeTunnel()
      else if (script === undefined && asksUpgrade(message)) reader.becomeTunnel()
    }
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1')
      if (connection.bytes.length < rawCap) connection.bytes += text
      reader.push(text)
      if (reader.error !== undefined && !socket.destroyed) {
        socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nX-Strict: refused\r\n\r\n')
      }
    })
  }

  async #answer(
    socket: net.Socket,
    connection: UpstreamConnection,
    message: Message,
    script: Script | undefined,
  ): Promise<void> {
    if (script !== undefined) {
      await playParts(socket, script.parts, script.segmentation, this.#timeScale)
      this.scriptEndedAt = performance.now()
      return
    }
    if (asksUpgrade(message)) {
      socket.write(switching(message))
      return
    }
    if (message.target === '/reject-early') {
      socket.write('HTTP/1.1 401 Unauthorized\r\nX-Echo: 1\r\nContent-Length: 0\r\n\r\n')
      return
    }
    if (listOf(message, 'expect').includes('100-continue') && message.version === 'HTTP/1.1') {
      socket.write('HTTP/1.1 100 Continue\r\n\r\n')
    }
    await this.#whole(connection, message)
    const sleep = /^\/sleep\/(\d+)$/.exec(message.target)
    if (sleep !== null) {
      const { promise, resolve } = Promise.withResolvers<void>()
      setTimeout(resolve, Number(sleep[1]) * 1000 * this.#timeScale)
      await promise
    }
    if (socket.destroyed || this.#closing) return
    socket.write(message.target === '/big' ? big(message) : echo(connection.service, message))
  }

  /** Waits until a request is complete, or its connection is gone. */
  async #whole(connection: UpstreamConnection, message: Message): Promise<void> {
    while (!message.complete && !connection.closed && connection.reader.error === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
}

async function closeServer(server: net.Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await closed
}

function asksUpgrade(message: Message): boolean {
  return listOf(message, 'connection').includes('upgrade') && listOf(message, 'upgrade').length > 0
}

/** Opens whatever tunnel is asked for, WebSocket first: a careless backend. */
function switching(message: Message): string {
  const asked = listOf(message, 'upgrade')
  const protocol = asked.includes('websocket') ? 'websocket' : (asked[0] ?? '')
  const key = valuesOf(message, 'sec-websocket-key')[0] ?? ''
  const accept = createHash('sha1')
    .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')
  return `HTTP/1.1 101 Switching Protocols\r\nX-Echo: 1\r\nUpgrade: ${protocol}\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nX-Extensions: ${valuesOf(message, 'sec-websocket-extensions').join(', ')}\r\n\r\n`
}

function echo(service: Service, message: Message): string {
  const { method, target, version, fields, trailers, body, complete } = message
  const json = asciiJson({
    service,
    method,
    target,
    version,
    headers: fields,
    trailers,
    body,
    complete,
  })
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Echo: 1\r\nContent-Length: ${json.length}\r\n\r\n`
  return method === 'HEAD' ? head : head + json
}

function big(message: Message): string {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Echo: 1\r\nContent-Length: ${bigBytes}\r\n\r\n`
  return message.method === 'HEAD' ? head : head + 'b'.repeat(bigBytes)
}
