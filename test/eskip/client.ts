// How does a request of a case go out, and what came back? Raw HTTP/1.1; requests of one step that follow each other share a
// connection, as a client's do.
import { brotliDecompressSync, inflateSync, unzipSync, zstdDecompressSync } from 'node:zlib'
import { connectRaw, fieldsOf, type RawClient, type RawResponse } from '../support/raw-client.ts'
import type { CaseRequest } from './case.ts'

/** What a client saw of one request. */
export interface Answered {
  /** Undefined: no head came. */
  readonly response: RawResponse | undefined
  /** Why it is not whole; undefined when it is. */
  readonly error: string | undefined
}

const patienceMs = 25_000

/** The connections of one step, one for each address of a client. */
export class Client {
  readonly #port: number
  readonly #open = new Map<string, RawClient>()

  constructor(port: number) {
    this.#port = port
  }

  /** Sends one request; that no answer comes is a result, too. */
  async ask(request: CaseRequest): Promise<Answered> {
    const { source = '127.0.0.1' } = request
    const client = this.#lasting(source) ?? (await connectRaw(this.#port, { localAddress: source }))
    this.#open.set(source, client)
    const before = client.finals.length
    const answer = () => client.finals[before]
    client.expectAnswerTo(request.method)
    client.send(bytesOf(request))
    try {
      await client.until(() => answer()?.complete === true, 'an answer', patienceMs)
      return { response: answer(), error: undefined }
    } catch (error) {
      return { response: answer(), error: String(error) }
    }
  }

  close(): void {
    for (const client of this.#open.values()) client.close()
  }

  #lasting(source: string): RawClient | undefined {
    const client = this.#open.get(source)
    const last = client?.finals.at(-1)
    const isOver = last?.complete !== true || fieldsOf(last, 'connection').includes('close')
    if (client?.ended === 'open' && !isOver) return client
    client?.close()
    return undefined
  }
}

/** The body of an answer without its codings: those that were named last come off first. */
export function decodedBody(response: RawResponse): Buffer {
  let body: Buffer = Buffer.from(response.body, 'latin1')
  const codings = fieldsOf(response, 'content-encoding').flatMap((line) => line.split(','))
  for (const coding of codings.reverse()) body = decode(body, coding.trim().toLowerCase())
  return body
}

function decode(body: Buffer, coding: string): Buffer {
  if (coding === 'gzip') return unzipSync(body)
  if (coding === 'deflate') return inflateSync(body)
  if (coding === 'br') return brotliDecompressSync(body)
  if (coding === 'zstd') return zstdDecompressSync(body)
  return body
}

function bytesOf({ method, target, host, headers = [], body, chunked }: CaseRequest): Buffer {
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host}`]
  for (const [name, value] of headers) lines.push(`${name}: ${value}`)
  const bytes = Buffer.from(body ?? '')
  if (chunked === true) lines.push('Transfer-Encoding: chunked')
  else if (body !== undefined) lines.push(`Content-Length: ${bytes.length}`)
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
  if (chunked !== true) return Buffer.concat([head, bytes])
  const chunk = `${bytes.length.toString(16)}\r\n${bytes.toString('latin1')}\r\n`
  const framed = `${bytes.length === 0 ? '' : chunk}0\r\n\r\n`
  return Buffer.concat([head, Buffer.from(framed, 'latin1')])
}
