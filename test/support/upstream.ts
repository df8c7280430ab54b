// What reaches an upstream, and what may it answer? Two of them for tests: one that echoes what it got as JSON, and one that
// plays a script on raw sockets and keeps every byte.
import { once } from 'node:events'
import { createServer } from 'node:http'
import net from 'node:net'
import type { Message } from '../hostile/grammar.ts'
import { StrictReader } from '../hostile/strict.ts'

/** One request as an echo upstream answers it. */
export interface Echo {
  readonly service: string
  readonly method: string
  /** As it came: path and query. */
  readonly path: string
  /** `HTTP/1.1`. */
  readonly proto: string
  readonly host: string
  /** Name, value, name, value, in order and case. */
  readonly headers: readonly string[]
  readonly bodyLength: number
  /** `address:port` that was connected to. */
  readonly endpoint: string
}

/** The values of a field as they arrived upstream, in order. */
export function echoFields(echo: Echo | undefined, name: string): readonly string[] {
  const wanted = name.toLowerCase()
  const headers = echo?.headers ?? []
  return headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === wanted)
}

/** Reads the body of an echo's response. */
export function readEcho(body: string): Echo {
  return JSON.parse(body)
}

/** A running upstream. */
export interface Upstream {
  readonly address: string
  readonly port: number
  /** Connections accepted so far. */
  readonly connectionCount: number
  close(): Promise<void>
}

/** A running echo upstream; `requests` are those that it read to their end. */
export interface EchoUpstream extends Upstream {
  readonly requests: readonly Echo[]
}

/** Where an upstream listens; a free port of 127.0.0.1 unless said otherwise. */
export interface Place {
  readonly address?: string
  readonly port?: number
}

/** Starts an upstream that answers each request with a JSON description of it (see Echo). */
export async function startEcho(service: string, place: Place = {}): Promise<EchoUpstream> {
  const requests: Echo[] = []
  let connectionCount = 0
  const server = createServer({ keepAlive: true }, (request, response) => {
    let bodyLength = 0
    request.on('data', (bytes: Buffer) => {
      bodyLength += bytes.length
    })
    request.on('end', () => {
      const { method = '', url = '', httpVersion, rawHeaders, headers, socket } = request
      const endpoint = `${socket.localAddress ?? ''}:${socket.localPort ?? 0}`
      const host = headers.host ?? ''
      const proto = `HTTP/${httpVersion}`
      const echo = { service, method, path: url, proto, host, headers: rawHeaders, bodyLength }
      requests.push({ ...echo, endpoint })
      const body = Buffer.from(JSON.stringify({ ...echo, endpoint }))
      response.writeHead(200, {
        'Content-Type': 'application/json',
        'Content-Length': body.length,
      })
      response.end(body)
    })
  })
  server.on('connection', () => {
    connectionCount += 1
  })
  const at = await listen(server, place)
  return {
    ...at,
    requests,
    get connectionCount() {
      return connectionCount
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** One connection from the proxy to a scripted upstream. Text is latin1. */
export interface UpstreamSide {
  readonly socket: net.Socket
  /** Counts from 0 in the order of arrival. */
  readonly index: number
  /** Every byte received, up to 1 MiB. */
  readonly text: string
  readonly receivedBytes: number
  /** Requests read strictly, unfinished ones too. */
  readonly requests: readonly Message[]
  /** Why what came is no HTTP. */
  readonly malformed: string | undefined
  readonly ended: 'open' | 'fin' | 'reset'
  send(text: string | Buffer): void
}

/** What a scripted upstream does; each part may be left out. */
export interface Script {
  /** A connection was accepted. */
  readonly onConnection?: (side: UpstreamSide) => void
  /** A request's head is complete. */
  readonly onHead?: (request: Message, side: UpstreamSide) => void
  /** A request is complete; a text that is returned is sent. */
  readonly onRequest?: (request: Message, side: UpstreamSide) => string | undefined
}

/** A running scripted upstream. */
export interface ScriptedUpstream extends Upstream {
  readonly connections: readonly UpstreamSide[]
  /** All requests of all connections, in the order their heads came. */
  readonly requests: readonly Message[]
  /** Everything that all connections received. */
  readonly text: string
}

/** The shortest whole response. */
export const okResponse = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** Starts an upstream on raw sockets; without a script each request is answered by `okResponse`. */
export async function startScripted(
  script: Script = { onRequest: () => okResponse },
  place: Place = {},
): Promise<ScriptedUpstream> {
  const connections: Side[] = []
  const requests: Message[] = []
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const side = new Side(socket, connections.length, script, requests)
    connections.push(side)
    script.onConnection?.(side)
  })
  const at = await listen(server, place)
  return {
    ...at,
    connections,
    requests,
    get connectionCount() {
      return connections.length
    },
    get text() {
      return connections.map((side) => side.text).join('')
    },
    async close() {
      server.close()
      for (const { socket } of connections) socket.destroy()
      await once(server, 'close')
    },
  }
}

class Side implements UpstreamSide {
  readonly socket: net.Socket
  readonly index: number
  text = ''
  receivedBytes = 0
  ended: 'open' | 'fin' | 'reset' = 'open'
  readonly #reader = new StrictReader('request')

  constructor(socket: net.Socket, index: number, script: Script, requests: Message[]) {
    this.socket = socket
    this.index = index
    this.#reader.onHead = (message) => {
      requests.push(message)
      script.onHead?.(message, this)
    }
    this.#reader.onEnd = (message) => {
      const answer = script.onRequest?.(message, this)
      if (answer !== undefined) this.send(answer)
    }
    socket.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1')
      if (this.text.length < 1_048_576) this.text += text
      this.receivedBytes += bytes.length
      this.#reader.push(text)
    })
    socket.on('end', () => {
      if (this.ended === 'open') this.ended = 'fin'
      socket.end()
    })
    socket.on('error', () => {
      if (this.ended === 'open') this.ended = 'reset'
    })
    socket.on('close', () => {
      if (this.ended === 'open') this.ended = 'reset'
    })
  }

  get requests(): readonly Message[] {
    return this.#reader.messages
  }

  get malformed(): string | undefined {
    return this.#reader.error
  }

  send(text: string | Buffer): void {
    if (this.socket.destroyed) return
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
  }
}

async function listen(
  server: net.Server,
  { address = '127.0.0.1', port = 0 }: Place,
): Promise<{ readonly address: string; readonly port: number }> {
  server.listen(port, address)
  await once(server, 'listening')
  const at = server.address()
  if (at === null || typeof at === 'string') throw new Error('an upstream has no port')
  return { address, port: at.port }
}
