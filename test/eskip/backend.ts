// What answers behind the proxy? Each backend of a case, on its own loopback address: keeps what arrives, answers as told. Each
// answer says who gave it, and a number that leads to the request as it arrived.
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Answer, CaseBackend } from './case.ts'

/** A request as it arrived. */
export interface Seen {
  /** Counts over all backends, in the order of arrival. */
  readonly number: number
  readonly name: string
  readonly method: string
  readonly path: string
  readonly query: string
  readonly host: string
  /** The values of a header, in order. */
  values(name: string): readonly string[]
  body: string
}

// Who closes a connection between two requests is the proxy, never the backend.
const patience = { keepAliveTimeout: 600_000 }
let count = 0

/** One backend of a case. */
export class Backend {
  readonly name: string
  readonly seen: Seen[] = []
  /** Most requests at once since `resetPeak`. */
  peak = 0
  readonly #answers: readonly Answer[]
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #active = 0

  private constructor({ name, answers }: CaseBackend) {
    this.name = name
    this.#answers = answers
    this.#server = createServer(patience, (request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  /** Starts a backend, unless it is down. */
  static async start(wanted: CaseBackend): Promise<Backend> {
    const backend = new Backend(wanted)
    if (wanted.down === true) return backend
    backend.#server.listen(wanted.port, wanted.address)
    await once(backend.#server, 'listening')
    return backend
  }

  resetPeak(): void {
    this.peak = this.#active
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await once(this.#server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#active += 1
    this.peak = Math.max(this.peak, this.#active)
    response.on('close', () => {
      this.#active -= 1
    })
    const seen = this.#see(request)
    this.seen.push(seen)
    for await (const bytes of request) seen.body += bytes.toString('latin1')
    const answer = this.#answers.find((each) => fits(each, seen)) ?? {}
    if (answer.reset === true) {
      request.socket.resetAndDestroy()
      return
    }
    if (answer.delayMs !== undefined) await delay(answer.delayMs)
    if (!response.destroyed) await this.#send(answer, seen, response)
  }

  async #send(answer: Answer, { number }: Seen, response: ServerResponse): Promise<void> {
    const { status = 200, headers = [], body = `backend ${this.name}`, pieces } = answer
    const fields: OutgoingHttpHeaders = { 'Content-Type': 'text/plain' }
    for (const [name, values] of Map.groupBy(headers, ([each]) => each)) {
      fields[name] = values.map(([, value]) => value)
    }
    fields['X-Backend'] = this.name
    fields['X-Sight'] = number
    const plain = Buffer.from(body.repeat(answer.bodyRepeat ?? 1))
    const bytes = answer.gzip === true ? gzipSync(plain) : plain
    if (answer.gzip === true) fields['Content-Encoding'] = 'gzip'
    const isMeasured = pieces === undefined && answer.chunked !== true
    if (isMeasured) fields['Content-Length'] = bytes.length
    response.writeHead(status, fields)
    for (const piece of pieces ?? [bytes]) {
      response.write(piece)
      if (pieces !== undefined) await delay(answer.pieceMs ?? 0)
    }
    response.end()
  }

  #see({ method = '', url = '', rawHeaders }: IncomingMessage): Seen {
    count += 1
    const mark = url.indexOf('?')
    const values = (name: string) =>
      rawHeaders.filter(
        (_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name.toLowerCase(),
      )
    return {
      number: count,
      name: this.name,
      method,
      path: mark < 0 ? url : url.slice(0, mark),
      query: mark < 0 ? '' : url.slice(mark + 1),
      host: values('host').join(),
      values,
      body: '',
    }
  }
}

const whenKeys = ['path', 'headers']

function fits({ when = {} }: Answer, seen: Seen): boolean {
  const unknown = Object.keys(when).find((key) => !whenKeys.includes(key))
  if (unknown !== undefined) throw new Error(`unknown in when: ${unknown}`)
  const { path, headers = {} } = when
  return (
    (path === undefined || path === seen.path) &&
    Object.entries(headers).every(([name, value]) => seen.values(name).includes(value))
  )
}
