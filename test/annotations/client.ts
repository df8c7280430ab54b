// How does a request of a case go out, and what came back? Raw HTTP/1.1 on a connection of its own, or on a named one.
import { setTimeout as delay } from 'node:timers/promises'
import { connectRaw, fieldsOf, RawClient, type RawResponse } from '../support/raw-client.ts'
import type { CaseRequest } from './case.ts'
import { askHttp2 } from './client-http2.ts'
import { type ClientTlsContext, openTls, type SeenTls, seenTlsOf } from './client-tls.ts'
import type { Jars } from './cookies.ts'

/** What a client saw of one request. */
export interface Answered {
  /** Undefined: no answer came. */
  readonly response: RawResponse | undefined
  /** Why none came. */
  readonly error: string | undefined
  readonly tookMs: number
  /** How many answers came: to raw bytes there can be several. */
  readonly responses: number
  /** Of its connection; undefined without TLS. */
  readonly tls: SeenTls | undefined
  /** When the body was held back, by performance.now(). */
  readonly pause: { readonly from: number; readonly to: number } | undefined
}

const patienceMs = 25_000

/** The connection of requests that follow each other: as a client does that repeats one. */
export class Round {
  #client: RawClient | undefined

  /** The connection, while the proxy lets it live. */
  get lasting(): RawClient | undefined {
    const last = this.#client?.finals.at(-1)
    const isOver = last === undefined || fieldsOf(last, 'connection').includes('close')
    return isOver || this.#client?.ended !== 'open' ? undefined : this.#client
  }

  keep(client: RawClient): void {
    this.close()
    this.#client = client
  }

  close(): void {
    this.#client?.close()
  }
}

/** Sends requests of one case; keeps its named connections and its cookies. */
export class Client {
  readonly #port: number
  readonly #tls: ClientTlsContext
  readonly #jars: Jars
  readonly #connections = new Map<string, RawClient>()

  constructor(port: number, tls: ClientTlsContext, jars: Jars) {
    this.#port = port
    this.#tls = tls
    this.#jars = jars
  }

  /** Sends one request; that no answer comes is a result, too. Requests of a round go on one connection while it lasts. */
  async ask(request: CaseRequest, round?: Round): Promise<Answered> {
    const began = performance.now()
    const { connection: name } = request
    let client: RawClient | undefined
    const pause = { from: 0, to: 0 }
    try {
      if (request.http2 === true) {
        const { response, tls } = await askHttp2(request, this.#port, this.#tls)
        const tookMs = performance.now() - began
        return { response, error: undefined, tookMs, responses: 1, tls, pause: undefined }
      }
      client = await this.#connect(request, round)
      const response = await this.#exchange(client, request, pause)
      const tookMs = performance.now() - began
      const { jar, path = '/' } = request
      if (jar !== undefined) this.#jars.keep(jar, response, path)
      const responses = request.raw === undefined ? 1 : client.finals.length
      const tls = seenTlsOf(client.socket)
      return { response, error: undefined, tookMs, responses, tls, pause: pauseOf(request, pause) }
    } catch (error) {
      const tookMs = performance.now() - began
      const none = { response: undefined, tls: undefined, pause: undefined }
      return { ...none, error: String(error), tookMs, responses: 0 }
    } finally {
      if (name === undefined && round === undefined) client?.close()
    }
  }

  close(): void {
    for (const client of this.#connections.values()) client.close()
  }

  async #connect(
    { connection: name, from, proxyProtocol, tls }: CaseRequest,
    round: Round | undefined,
  ): Promise<RawClient> {
    const known = name === undefined ? round?.lasting : this.#connections.get(name)
    if (known !== undefined) return known
    const local = from === undefined ? {} : { localAddress: from }
    const client =
      tls === undefined
        ? await connectRaw(this.#port, local)
        : new RawClient(await openTls(tls, this.#tls, local, proxyProtocol))
    if (name !== undefined) this.#connections.set(name, client)
    else round?.keep(client)
    if (proxyProtocol !== undefined && tls === undefined) client.send(`${proxyProtocol}\r\n`)
    return client
  }

  async #exchange(
    client: RawClient,
    request: CaseRequest,
    pause: { from: number; to: number },
  ): Promise<RawResponse> {
    const { raw, waitMs = 0, timeoutSeconds } = request
    if (raw !== undefined) {
      client.send(raw)
      await delay(waitMs)
      return client.response()
    }
    const before = client.finals.length
    client.expectAnswerTo(request.method ?? 'GET')
    client.send(this.#headOf(request))
    const body = bodyOf(request)
    const { afterBytes, ms } = request.pause ?? { afterBytes: body.length, ms: 0 }
    client.send(body.subarray(0, afterBytes))
    pause.from = performance.now()
    if (request.pause !== undefined) await delay(ms)
    pause.to = performance.now()
    if (afterBytes < body.length) client.send(body.subarray(afterBytes))
    const patience = timeoutSeconds === undefined ? patienceMs : timeoutSeconds * 1000
    await client.until(() => hasAnswered(client, before), 'an answer', patience)
    return client.response()
  }

  #headOf(request: CaseRequest): string {
    const { method = 'GET', path = '/', headers = {}, version = 'HTTP/1.1', jar } = request
    const { host = `127.0.0.1:${request.tls === undefined ? this.#port : this.#tls.port}` } =
      request
    const lines = [`${method} ${path} ${version}`]
    if (!has(headers, 'host')) lines.push(`Host: ${host}`)
    for (const [name, value] of Object.entries(headers)) {
      for (const each of typeof value === 'string' ? [value] : value) lines.push(`${name}: ${each}`)
    }
    const cookies = jar === undefined ? '' : this.#jars.header(jar, path)
    if (cookies !== '') lines.push(`Cookie: ${cookies}`)
    const { length } = bodyOf(request)
    if (length > 0 || isBodied(method)) lines.push(`Content-Length: ${length}`)
    return `${lines.join('\r\n')}\r\n\r\n`
  }
}

function hasAnswered({ finals }: RawClient, before: number): boolean {
  return finals[before]?.complete === true
}

function pauseOf(request: CaseRequest, pause: Answered['pause']): Answered['pause'] {
  return request.pause === undefined ? undefined : pause
}

function has(headers: NonNullable<CaseRequest['headers']>, wanted: string): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === wanted)
}

function isBodied(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH'
}

function bodyOf({ body, bodyBytes = 0 }: CaseRequest): Buffer {
  return body === undefined ? Buffer.alloc(bodyBytes, 'x') : Buffer.from(body)
}
